"""What an operator should know of the server behind a store, beyond the lists: asked on connections of its own."""

import asyncio
import shlex
from collections.abc import Mapping
from typing import Any, NamedTuple

from gearhorn.clock import steady_s
from gearhorn.errors import GearhornError
from gearhorn.store.memcached import MEMCACHED_PORT
from gearhorn.store.opening import StoreSettings
from gearhorn.store.redis_link import RedisLink
from gearhorn.store.redis_urls import RedisTarget, read_url
from gearhorn.store.urls import split_addresses, split_url


class RedisFacts(NamedTuple):
    """`command` is redis-cli with the options by which this server is reached, but for a password, which it asks for.

    None is what the store's user may not ask. `ahead_s`: how far its clock is ahead of this host's, within
    `uncertain_s`.
    """

    command: str
    maxmemory_bytes: int
    maxmemory_policy: str
    used_bytes: int
    saves: str | None
    is_aof_on: bool | None
    is_saving_well: bool
    ahead_s: float
    uncertain_s: float


class MemcachedFacts(NamedTuple):
    """Of one server: what it threw out because its memory was full, before its time."""

    address: str
    evictions_count: int
    limit_bytes: int


def redis_command(target: RedisTarget) -> str:
    """Of a master that sentinels know, the command that asks one of them where it is."""
    words = ["redis-cli"]
    if target.sentinels:
        host, port = target.sentinels[0]
        words = ["redis-cli", "-h", host, "-p", str(port), "sentinel", "get-master-addr-by-name", target.master, ";"]
        words += ["redis-cli", "-h", "MASTER", "-p", "PORT"]
        return " ".join(words)
    if target.address is None:
        words += ["-s", target.socket_path]
    else:
        words += ["-h", target.address[0], "-p", str(target.address[1])]
    if target.tls is not None:
        words.append("--tls")
        for option, name in (("--cacert", "ssl_ca_certs"), ("--cert", "ssl_certfile"), ("--key", "ssl_keyfile")):
            words += [option, str(target.tls[name])] if target.tls.get(name) else []
    if target.login.get("username"):
        words += ["--user", str(target.login["username"])]
    if target.login.get("password"):
        words.append("--askpass")
    return shlex.join(words)


async def ask_redis(settings: StoreSettings, now_s: Any) -> RedisFacts:
    """`now_s` gives this host's Unix time. Raises StoreUnavailable and Misconfigured."""
    target = read_url(settings.url)
    link = RedisLink(target, settings.timeout_s)
    link.open()
    try:
        memory, persistence = await _info(link, "memory"), await _info(link, "persistence")
        saves = await _config(link, "save")
        asked_at_s = steady_s()
        time, _ = await link.ask(lambda client: client.time())
        here_s, took_s = now_s(), steady_s() - asked_at_s
        return RedisFacts(
            redis_command(target),
            int(memory.get("maxmemory", 0)),
            str(memory.get("maxmemory_policy", "noeviction")),
            int(memory.get("used_memory", 0)),
            saves,
            bool(int(persistence["aof_enabled"])) if "aof_enabled" in persistence else None,
            _is_saving_well(persistence),
            time[0] + time[1] / 1e6 - here_s,
            took_s,
        )
    finally:
        await link.close()


async def ask_memcached(settings: StoreSettings) -> list[MemcachedFacts]:
    """Of the servers that answer."""
    addresses = split_addresses(split_url(settings.url), MEMCACHED_PORT)
    found = await asyncio.gather(*(asyncio.to_thread(_ask_one, address, settings.timeout_s) for address in addresses))
    return [facts for facts in found if facts is not None]


def _ask_one(address: tuple[str, int], timeout_s: float) -> MemcachedFacts | None:
    from pymemcache.client.base import Client
    from pymemcache.exceptions import MemcacheError

    client = Client(address, connect_timeout=timeout_s, timeout=timeout_s)
    try:
        stats = client.stats()
    except (OSError, MemcacheError):
        return None
    finally:
        client.close()
    return MemcachedFacts(
        "{}:{}".format(*address), int(stats.get(b"evictions", 0)), int(stats.get(b"limit_maxbytes", 0))
    )


async def _info(link: RedisLink, section: str) -> Mapping[str, Any]:
    """Nothing where the store's user may not ask."""
    try:
        answer, _ = await link.ask(lambda client: client.execute_command("INFO", section))
    except GearhornError:
        return {}
    return answer if isinstance(answer, dict) else {}


async def _config(link: RedisLink, name: str) -> str | None:
    try:
        answer, _ = await link.ask(lambda client: client.config_get(name))
    except GearhornError:
        return None
    values = {_text(key): _text(value) for key, value in answer.items()} if isinstance(answer, dict) else {}
    return values.get(name)


def _is_saving_well(persistence: Mapping[str, Any]) -> bool:
    names = ("rdb_last_bgsave_status", "aof_last_bgrewrite_status", "aof_last_write_status")
    return all(_text(persistence.get(name, "ok")) == "ok" for name in names)


def _text(value: Any) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
