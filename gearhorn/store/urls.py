"""Takes store URLs apart, for the drivers. What an option means is theirs to know.

Nothing of a URL that could hold a password, not even of one that cannot be read, is ever in an error message.
"""

from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, unquote

from gearhorn.errors import Misconfigured

Address = tuple[str, int]


@dataclass(frozen=True, slots=True, repr=False)
class StoreUrl:
    """`scheme://[userinfo@]hosts[/path][?options]`. Everything but `userinfo` and `hosts` is percent-decoded."""

    scheme: str
    userinfo: str
    hosts: str
    path: str
    options: dict[str, str]


def split_url(url: str) -> StoreUrl:
    """Raises Misconfigured when `url` is not of the form."""
    scheme, mark, rest = url.partition("://")
    if not mark:
        raise Misconfigured("the store URL has no scheme: it begins with one such as redis://")
    if "#" in rest:
        raise Misconfigured(f"the {scheme}:// store URL has a #: inside a name or password it is written %23")
    rest, _, query = rest.partition("?")
    authority, slash, path = rest.partition("/")
    userinfo, _, hosts = authority.rpartition("@")
    if "@" in path or "@" in query:
        # Most likely the end of a password that has a / or ? in it, which would show up in messages as path or option.
        raise Misconfigured(f"the {scheme}:// store URL has an @ after the host: / ? @ in a password are written %xx")
    return StoreUrl(scheme, userinfo, hosts, unquote(slash + path), _split_options(scheme, query))


def _split_options(scheme: str, query: str) -> dict[str, str]:
    try:
        return dict(parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query)))
    except ValueError:
        raise Misconfigured(f"the options of the {scheme}:// store URL are not of the form ?name=value&…") from None


def split_addresses(url: StoreUrl, default_port: int) -> list[Address]:
    """The hosts of `HOST[:PORT][,HOST[:PORT]…]`, IPv6 addresses in brackets. Raises Misconfigured."""
    if not url.hosts:
        raise Misconfigured(f"the {url.scheme}:// store URL names no host")
    return [_split_address(url, text, default_port) for text in url.hosts.split(",")]


def _split_address(url: StoreUrl, text: str, default_port: int) -> Address:
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        separator, port = rest[:1], rest[1:]
        well_formed = bool(bracket) and separator in ("", ":")
    else:
        host, separator, port = text.partition(":")
        well_formed = ":" not in port
    if not (host and well_formed):
        raise Misconfigured(f"a host of the {url.scheme}:// store URL is not HOST:PORT (IPv6: [ADDRESS]:PORT)")
    return host, _judge_port(url, port) if separator else default_port


def _judge_port(url: StoreUrl, text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 65536):
        raise Misconfigured(f"a port of the {url.scheme}:// store URL is not a number from 1 to 65535")
    return int(text)


def refuse_options(url: StoreUrl, known: frozenset[str] = frozenset()) -> None:
    """Raises Misconfigured for an option that the driver does not know: a misspelt one would go unheeded."""
    unknown = sorted(url.options.keys() - known)
    if unknown:
        raise Misconfigured(f"the {url.scheme}:// store URL has an unknown option {unknown[0]!r}")


def refuse_userinfo(url: StoreUrl) -> None:
    if url.userinfo:
        raise Misconfigured(f"a {url.scheme}:// store knows no user or password")


def holds_secret(url: str) -> bool:
    """Whether there may be a password in it. An @ in the path of a file is none."""
    return not url.startswith(("sqlite:", "memory:")) and ("@" in url or "password=" in url)


def without_secrets(url: str) -> str:
    """For people: the scheme, the hosts and the path. What could hold a password is left out, read or not."""
    scheme, mark, rest = url.partition("://")
    if not mark:
        return ""
    if scheme in ("sqlite", "memory"):
        return url
    return f"{scheme}://{rest.partition('?')[0].rpartition('@')[2]}"


def add_login(url: str, username: str = "", password: str = "", sentinel_password: str = "") -> str:
    """The URL with what was kept apart from it, as its driver expects it.

    Raises Misconfigured where the URL says something else, or its store knows no such thing.
    """
    if not (username or password or sentinel_password):
        return url
    parts = split_url(url)
    if not parts.scheme.startswith(("redis", "unix")):
        raise Misconfigured(f"a {parts.scheme}:// store knows no user or password")
    if sentinel_password:
        url = _add_sentinel_password(url, parts, sentinel_password)
    if not (username or password):
        return url
    rest = url.removeprefix(f"{parts.scheme}://")
    rest = rest.removeprefix(f"{parts.userinfo}@") if parts.userinfo else rest
    return f"{parts.scheme}://{_join_userinfo(parts, username, password)}@{rest}"


def _join_userinfo(parts: StoreUrl, username: str, password: str) -> str:
    user, _, known = parts.userinfo.partition(":")
    if password and known:
        raise Misconfigured(f"the {parts.scheme}:// store URL has a password, and there is a file with one, too")
    if username and user and unquote(user) != username:
        raise Misconfigured(f"the {parts.scheme}:// store URL names another user than the option username")
    return f"{quote(username, safe='') or user}:{quote(password, safe='') or known}"


def _add_sentinel_password(url: str, parts: StoreUrl, password: str) -> str:
    if not parts.scheme.endswith("+sentinel"):
        raise Misconfigured(f"a {parts.scheme}:// store has no sentinels, and there is a file with their password")
    if "sentinel_password" in parts.options:
        raise Misconfigured(
            f"the {parts.scheme}:// store URL has a sentinel_password, and there is a file with one, too"
        )
    return f"{url}{'&' if '?' in url else '?'}sentinel_password={quote(password, safe='')}"
