"""From a URL to a store. Names every backend and imports none before it is asked for."""

import re
from dataclasses import dataclass, field
from importlib import import_module
from typing import cast

from gearhorn.errors import Misconfigured
from gearhorn.store.base import Store

# scheme -> module with a function `from_url(url: str, *, prefix: str, timeout_s: float) -> Store`
_DRIVERS = {
    "sqlite": "gearhorn.store.sqlite",
    "redis": "gearhorn.store.redis",
    "rediss": "gearhorn.store.redis",
    "unix": "gearhorn.store.redis",
    "redis+sentinel": "gearhorn.store.redis",
    "rediss+sentinel": "gearhorn.store.redis",
    "memcached": "gearhorn.store.memcached",
    "memory": "gearhorn.store.memory",
}

# What both Redis tools and memcached keys bear without quoting. memcached allows 250 bytes for a key: with 64 of them
# taken, enough is left for a hash.
_PREFIX = re.compile(r"[A-Za-z0-9_.:{}-]{1,64}")


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """Where the lists are kept.

    `prefix` begins every key, so that several installations may share one Redis or memcached; sqlite:// and memory://,
    which share nothing, have no use for it. `timeout_s` bounds each round trip.
    """

    url: str = field(default="sqlite:////var/lib/gearhorn/gearhorn.db", repr=False)  # it may hold a password
    prefix: str = "gearhorn"
    timeout_s: float = 5.0


def open_store(settings: StoreSettings) -> Store:
    """The store that the URL names, not yet connected: its `open()` does that.

    Raises Misconfigured for settings that no store can be made of, with one line that never shows a password.
    """
    if not _PREFIX.fullmatch(settings.prefix):
        raise Misconfigured("the store's key prefix is not 1 to 64 of the characters A-Z a-z 0-9 _ . : { } -")
    if not settings.timeout_s > 0:
        raise Misconfigured("the store's time limit is not above 0 seconds")
    module = import_module(_DRIVERS[_judge_scheme(settings.url)])
    return cast(Store, module.from_url(settings.url, prefix=settings.prefix, timeout_s=settings.timeout_s))


def _judge_scheme(url: str) -> str:
    scheme, mark, _ = url.partition("://")
    known = ", ".join(f"{name}://" for name in _DRIVERS)
    if not mark:
        raise Misconfigured(f"the store URL has no scheme; it begins with one of {known}")
    if scheme not in _DRIVERS:
        # Not shown unless it looks like a scheme: a URL without one may begin with its password.
        shown = f" {scheme}://" if re.fullmatch(r"[a-z0-9+.-]{1,20}", scheme) else ""
        raise Misconfigured(f"no store has the URL scheme{shown}; known are {known}")
    return scheme
