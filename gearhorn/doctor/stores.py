"""Checks of the store: that it answers and takes changes, that it keeps what it is given, and what its clock says."""

import secrets
import time
from typing import NamedTuple

from gearhorn.doctor.findings import Notes
from gearhorn.doctor.site import Site, Skip
from gearhorn.errors import GearhornError, StoreUnavailable
from gearhorn.overview.views import HELD, WorkerView
from gearhorn.store.base import RecordKey
from gearhorn.store.facts import RedisFacts, ask_memcached, ask_redis, redis_command
from gearhorn.store.redis_urls import read_url

# The record that is written and removed. What is left of a check-up that was killed ends by itself.
PROBE_KIND = "doctor"
PROBE_TTL_S = 60.0

NEARLY_FULL = 0.9
# What a limit is raised by.
_MORE = 1.5

# Clocks that are kept by NTP differ by milliseconds. A worker's is read once in a renewal, with the store's answer.
MOST_SKEW_S = 2.0

# What a loss means for publishers.
REFUSED = "fanouts to topics that nobody has subscribed to since are refused"

_REDIS = ("redis", "rediss", "unix", "redis+sentinel", "rediss+sentinel")


async def check_store(site: Site, notes: Notes) -> None:
    view = site.overview.store
    command = _look_command(site)
    if not view.is_reachable:
        notes.say("store-unreachable", f"the store cannot be reached: {view.trouble}", COMMAND=command)
        return
    if view.lost_since is not None:
        notes.say("store-lost-lists", f"the store lost its lists at {view.lost_since}: {REFUSED}")
    try:
        await _write_and_read(site)
    except StoreUnavailable as error:
        notes.say("store-refuses-writes", f"a record could not be written and read again: {error}", COMMAND=command)


async def _write_and_read(site: Site) -> None:
    store, key, value = site.store(), RecordKey(PROBE_KIND, secrets.token_hex(8)), secrets.token_bytes(16)
    try:
        await store.keep_record(key, value, PROBE_TTL_S)
        if await store.read_record(key) != value:
            raise StoreUnavailable("it was not there afterwards")
        await store.drop_record(key)
    except GearhornError as error:
        raise StoreUnavailable(str(error)) from error


def _look_command(site: Site) -> str:
    """How to see what is wrong with it."""
    kind = site.overview.store.kind
    if kind in _REDIS:
        return f"systemctl status redis-server; {redis_command(read_url(site.store_settings.url))} ping"
    if kind == "memcached":
        return "systemctl status memcached"
    return f"df -h; ls -l {site.overview.store.url.removeprefix('sqlite:///')}"


async def check_redis(site: Site, notes: Notes) -> None:
    facts = await _ask_redis(site)
    command = facts.command
    if facts.maxmemory_bytes and facts.maxmemory_policy != "noeviction":
        code = "redis-evicts-lists" if facts.maxmemory_policy.startswith("allkeys") else "redis-evicts-records"
        notes.say(code, f"Redis has maxmemory-policy {facts.maxmemory_policy}, and maxmemory set", COMMAND=command)
    if facts.maxmemory_bytes and facts.used_bytes > NEARLY_FULL * facts.maxmemory_bytes:
        share = facts.used_bytes / facts.maxmemory_bytes
        more = round(facts.maxmemory_bytes * _MORE)
        notes.say("redis-nearly-full", f"Redis uses {share:.0%} of its memory", COMMAND=command, BYTES=more)
    if facts.saves == "" and facts.is_aof_on is False:
        notes.say("redis-not-persistent", "Redis has neither save points nor an append-only file", COMMAND=command)
    if not facts.is_saving_well:
        notes.say("redis-saving-fails", "Redis could not write its data to disk", COMMAND=command)


async def _ask_redis(site: Site) -> RedisFacts:
    if site.overview.store.kind not in _REDIS:
        raise Skip("the store is no Redis")
    site.store()
    return await ask_redis(site.store_settings, time.time)


async def check_memcached(site: Site, notes: Notes) -> None:
    if site.overview.store.kind != "memcached":
        raise Skip("the store is no memcached")
    notes.say("memcached-volatile", "the store is memcached, which keeps nothing over a restart")
    for facts in await ask_memcached(site.store_settings):
        if facts.evictions_count:
            what = f"memcached {facts.address} has thrown out {facts.evictions_count} entries because it was full"
            notes.say("memcached-evicts", what, MEGABYTES=facts.limit_bytes >> 20)


class _Skew(NamedTuple):
    """How far a clock is ahead of this host's."""

    whose: str
    host: str
    ahead_s: float


async def check_clocks(site: Site, notes: Notes) -> None:
    """A worker writes the time of its clock with its lease, whose age the store tells by its own."""
    skews = [_skew_of(worker, site.overview.taken_at_s) for worker in site.overview.workers if worker.state == HELD]
    if site.overview.store.kind in _REDIS:
        facts = await _ask_redis(site)
        skews.append(_Skew("the Redis server", site.overview.store.url, facts.ahead_s))
    elif not skews:
        raise Skip("there is no clock but this host's")
    for skew in skews:
        if skew is not None and abs(skew.ahead_s) > MOST_SKEW_S:
            way = "ahead of" if skew.ahead_s > 0 else "behind"
            what = f"the clock of {skew.whose} is {abs(skew.ahead_s):.1f} s {way} this host's"
            notes.say("clock-differs", what, HOST=skew.host)


def _skew_of(worker: WorkerView, now_s: float) -> _Skew | None:
    reading, ttl_s = worker.reading, worker.lease_ttl_s
    if reading is None or ttl_s is None or reading.at_s != reading.at_s or worker.lease_left_s > ttl_s:
        return None
    renewed_at_s = now_s - (ttl_s - worker.lease_left_s)
    return _Skew(f"worker {worker.worker_id}", worker.address or "its host", reading.at_s - renewed_at_s)
