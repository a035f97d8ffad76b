"""Reads Redis URLs. What they may say:

* `redis://[USER:PASSWORD@]HOST[:PORT][/DB]`: one server
* `rediss://…`: the same over TLS; its options are redis-py's `ssl_ca_certs`, `ssl_ca_path`, `ssl_certfile`,
  `ssl_keyfile`, `ssl_password`, `ssl_check_hostname` and `ssl_cert_reqs`
* `unix://[USER:PASSWORD@]/PATH[?db=DB]`: one server of this host
* `redis+sentinel://[USER:PASSWORD@]HOST[:PORT][,HOST[:PORT]…]/MASTER[/DB]`: the master of that name, which the
  sentinels at the given addresses know; `sentinel_username` and `sentinel_password` are for them, the rest for it
* `rediss+sentinel://…`: the same, with TLS to both, and the options of `rediss://` for both
"""

import ssl
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from gearhorn.errors import Misconfigured
from gearhorn.store.urls import Address, StoreUrl, refuse_options, split_addresses, split_url

REDIS_PORT = 6379
SENTINEL_PORT = 26379

_TLS_OPTIONS = frozenset(
    {
        "ssl_ca_certs",
        "ssl_ca_path",
        "ssl_certfile",
        "ssl_keyfile",
        "ssl_password",
        "ssl_check_hostname",
        "ssl_cert_reqs",
    }
)
_SENTINEL_OPTIONS = frozenset({"sentinel_username", "sentinel_password"})
_TRUTH = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


@dataclass(frozen=True, slots=True, repr=False)
class RedisTarget:
    """Where the lists are. `login` and `tls` are keyword arguments of redis-py's connections."""

    name: str  # for messages
    login: dict[str, Any]
    address: Address | None = None
    socket_path: str = ""
    tls: dict[str, Any] | None = None
    sentinels: list[Address] = field(default_factory=list)
    sentinel_login: dict[str, Any] = field(default_factory=dict)
    master: str = ""


def read_url(url: str) -> RedisTarget:
    """Raises Misconfigured for what is none of the above."""
    parts = split_url(url)
    if parts.scheme.endswith("+sentinel"):
        return _read_sentinel(parts)
    return _read_unix(parts) if parts.scheme == "unix" else _read_server(parts)


def _read_server(url: StoreUrl) -> RedisTarget:
    refuse_options(url, _TLS_OPTIONS | {"db"} if url.scheme == "rediss" else frozenset({"db"}))
    addresses = split_addresses(url, REDIS_PORT)
    if len(addresses) > 1:
        raise Misconfigured(f"a {url.scheme}:// store URL names one host; several are for {url.scheme}+sentinel://")
    return RedisTarget(
        name=f"Redis at {_show(addresses)}",
        login=_read_login(url, url.path.strip("/")),
        address=addresses[0],
        tls=_read_tls(url) if url.scheme == "rediss" else None,
    )


def _read_unix(url: StoreUrl) -> RedisTarget:
    refuse_options(url, frozenset({"db"}))
    if url.hosts or not url.path:
        raise Misconfigured("a unix:// store URL is unix:///path/of/the/socket")
    return RedisTarget(name=f"Redis at {url.path}", login=_read_login(url, ""), socket_path=url.path)


def _read_sentinel(url: StoreUrl) -> RedisTarget:
    has_tls = url.scheme.startswith("rediss")
    refuse_options(url, _SENTINEL_OPTIONS | {"db"} | (_TLS_OPTIONS if has_tls else frozenset()))
    sentinels = split_addresses(url, SENTINEL_PORT)
    master, _, database = url.path.strip("/").partition("/")
    if not master:
        raise Misconfigured(f"a {url.scheme}:// store URL names the master after the hosts: {url.scheme}://HOST/NAME")
    return RedisTarget(
        name=f"Redis master {master} of the sentinels at {_show(sentinels)}",
        login=_read_login(url, database),
        tls=_read_tls(url) if has_tls else None,
        sentinels=sentinels,
        sentinel_login={
            name.removeprefix("sentinel_"): url.options[name] for name in _SENTINEL_OPTIONS & {*url.options}
        },
        master=master,
    )


def _read_login(url: StoreUrl, database: str) -> dict[str, Any]:
    user, _, password = url.userinfo.partition(":")
    if user and not password:
        raise Misconfigured(f"the {url.scheme}:// store URL names a user and no password (alone: :PASSWORD@HOST)")
    number = url.options.get("db", database) or "0"
    if not (number.isascii() and number.isdigit()):
        # Not shown: it may be the rest of a password with a / in it.
        raise Misconfigured(f"the database of the {url.scheme}:// store URL is not a number")
    return {"username": unquote(user) or None, "password": unquote(password) or None, "db": int(number)}


def _read_tls(url: StoreUrl) -> dict[str, Any]:
    options: dict[str, Any] = {"ssl_check_hostname": True, "ssl_cert_reqs": "required"}
    options |= {name: value for name, value in url.options.items() if name in _TLS_OPTIONS}
    options["ssl_check_hostname"] = _TRUTH.get(str(options["ssl_check_hostname"]).lower())
    if options["ssl_check_hostname"] is None:
        raise Misconfigured(f"ssl_check_hostname in the {url.scheme}:// store URL is neither true nor false")
    if options["ssl_cert_reqs"] not in ("required", "optional", "none"):
        raise Misconfigured(f"ssl_cert_reqs in the {url.scheme}:// store URL is none of required, optional, none")
    return options


def check_tls_files(target: RedisTarget) -> None:
    """Raises Misconfigured when a file of certificates or keys cannot be used.

    redis-py would say so only as part of a failed connection, which is no different from a server that is away.
    """
    tls = target.tls or {}
    _try_file(target, tls.get("ssl_ca_certs"), lambda context, path: context.load_verify_locations(cafile=path))
    _try_file(target, tls.get("ssl_ca_path"), lambda context, path: context.load_verify_locations(capath=path))
    _try_file(
        target,
        tls.get("ssl_certfile") or tls.get("ssl_keyfile"),
        lambda context, path: context.load_cert_chain(path, tls.get("ssl_keyfile"), tls.get("ssl_password", "")),
    )


def _try_file(target: RedisTarget, path: str | None, load: Any) -> None:
    if path is None:
        return
    try:
        load(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), path)
    except OSError as error:  # SSLError is one
        raise Misconfigured(f"{target.name}: the TLS file {path} cannot be used: {error.strerror or error}") from error


def _show(addresses: list[Address]) -> str:
    return ", ".join(f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in addresses)
