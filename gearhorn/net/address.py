"""Addresses of Gearman servers as people write them."""

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
    text = text.strip()
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        valid = bool(bracket) and (not rest or rest.startswith(":"))
        port = rest[1:]
    elif text.count(":") > 1:  # an IPv6 address without brackets has no place for a port
        host, port, valid = text, "", True
    else:
        host, colon, port = text.partition(":")
        valid = bool(port) or not colon
    if not valid or not host or any(character.isspace() for character in host):
        raise Misconfigured(f"{text!r} is no server address: HOST:PORT was expected")
    return Address(host, _parse_port(text, port))


def parse_addresses(texts: list[str]) -> list[Address]:
    """Each address once, in the order given. An item may hold several, separated by commas."""
    parts = [part for text in texts for part in text.split(",") if part.strip()]
    return list(dict.fromkeys(parse_address(part) for part in parts))


def _parse_port(text: str, port: str) -> int:
    if not port:
        return DEFAULT_PORT
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise Misconfigured(f"{text!r} is no server address: {port!r} is no port")
    return int(port)
