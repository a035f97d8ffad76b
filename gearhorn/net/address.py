"""Addresses of Gearman servers as people write them."""

import ipaddress
from typing import NamedTuple

from gearhorn.errors import Misconfigured

DEFAULT_PORT = 4730


class Address(NamedTuple):
    """Where a server listens."""

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def parse_address(text: str) -> Address:
    """HOST, HOST:PORT, [IPV6] or [IPV6]:PORT; without a port the Gearman port, 4730. Raises Misconfigured."""
    host, port = _split(text.strip())
    return Address(host, _parse_port(text.strip(), port) if port else DEFAULT_PORT)


def parse_addresses(texts: list[str]) -> list[Address]:
    """Each address once, in the order given. An item may hold several, separated by commas."""
    parts = [part for text in texts for part in text.split(",") if part.strip()]
    return list(dict.fromkeys(parse_address(part) for part in parts))


def parse_listen(text: str, default_port: int) -> Address:
    """Where to listen: as `parse_address`, and :PORT for all addresses of this machine; with port 0 the kernel chooses
    one. Raises Misconfigured.
    """
    text = text.strip()
    host, port = ("", text[1:]) if text.startswith(":") and text.count(":") == 1 else _split(text)
    if port == "0":
        return Address(host, 0)
    return Address(host, _parse_port(text, port) if port or not host else default_port)


def _split(text: str) -> tuple[str, str]:
    """Host and port; the port is empty where there is none."""
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        port = rest[1:]
        valid = bool(bracket) and (not rest or (rest[0] == ":" and bool(port))) and _is_ipv6(host)
    elif text.count(":") > 1:  # an IPv6 address without brackets has no place for a port
        host, port, valid = text, "", _is_ipv6(text)
    else:
        host, colon, port = text.partition(":")
        valid = (bool(port) or not colon) and _is_name(host)
    if host.isdecimal() and not port and valid:  # the system would take it for an IPv4 address in one number
        raise Misconfigured(f"{text!r} is no server address: it is a port without a host, as in localhost:{host}")
    if not valid:
        raise Misconfigured(f"{text!r} is no server address: HOST:PORT was expected")
    return host, port


def _is_ipv6(host: str) -> bool:
    try:
        ipaddress.IPv6Address(host)
    except ValueError:
        return False
    return _is_one_word(host)


def _is_name(host: str) -> bool:
    """Whether the system can be asked for `host`: it encodes names for DNS, and some cannot be encoded."""
    try:
        return bool(host.encode("idna")) and _is_one_word(host)
    except UnicodeError:
        return False


def _is_one_word(host: str) -> bool:
    """Without spaces and control characters, and no URL or path."""
    return host.isprintable() and not set(host) & set(" /\\@[]")


def _parse_port(text: str, port: str) -> int:
    if not (port.isascii() and port.isdigit() and len(port) <= 5 and 0 < int(port) < 65536):
        raise Misconfigured(f"{text!r} is no server address: {port!r} is no port")
    return int(port)
