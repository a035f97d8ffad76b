"""Subscriber lists in memcached, where that is all there is: volatile, and said to be so.

Works in threads, because the library does. What is in memcached and how it is changed safely is in the modules whose
names begin like this one's.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Iterable, Iterator, Sequence
from functools import partial
from typing import TypeVar

from gearhorn.errors import Misconfigured, StoreUnavailable
from gearhorn.logs.event import log_for
from gearhorn.logs.events.store import STORE_UNSETTLED_UNKNOWN, STORE_VOLATILE
from gearhorn.names import queue_name
from gearhorn.store.base import (
    Change,
    ChangeResult,
    Evidence,
    Outcome,
    RecordKey,
    Store,
    Subscription,
    TopicCount,
    TopicList,
    TopicState,
    join_states,
    pack_long,
)
from gearhorn.store.leases import LOST, Lease, LeaseKey, Renewal, TopicVersion
from gearhorn.store.memcached_layout import PERMANENT, Entries
from gearhorn.store.memcached_leases import MemcachedLeases
from gearhorn.store.memcached_lists import Made, MemcachedLists
from gearhorn.store.memcached_marks import Marks
from gearhorn.store.memcached_peers import Peers
from gearhorn.store.memcached_records import MemcachedRecords
from gearhorn.store.memcached_settling import MemcachedSettling
from gearhorn.store.threads import BlockingCalls
from gearhorn.store.urls import Address, refuse_options, refuse_userinfo, split_addresses, split_url
from gearhorn.store.versions import MICROSECONDS_PER_S

log = log_for(__name__)

Result = TypeVar("Result")

MEMCACHED_PORT = 11211
THREAD_COUNT = 8

# One compare-and-swap makes so many changes of a topic; so many topics are under way at a time. Both keep a call of one
# thread well within the time limit.
CHANGES_PER_CALL = 2000
TOPICS_AT_ONCE = 64


def from_url(url: str, *, prefix: str, timeout_s: float) -> Store:
    """`memcached://HOST[:PORT][,HOST[:PORT]…]`. All workers name the same servers, in any order."""
    parts = split_url(url)
    refuse_userinfo(parts)
    refuse_options(parts)
    if parts.path.strip("/"):
        raise Misconfigured("the memcached:// store URL has nothing after the hosts")
    return MemcachedStore(split_addresses(parts, MEMCACHED_PORT), prefix, timeout_s)


class MemcachedStore:
    def __init__(self, addresses: Sequence[Address], prefix: str, timeout_s: float) -> None:
        self._peers = Peers(addresses, timeout_s)
        self._lists = MemcachedLists(self._peers, prefix, timeout_s)
        self._leases = MemcachedLeases(self._peers, prefix, timeout_s)
        self._settling = MemcachedSettling(self._peers, prefix, timeout_s, lambda topic: self._lists.apply(topic, []))
        self._records = MemcachedRecords(self._peers, prefix, timeout_s)
        self._marks = Marks(self._peers, prefix)
        self._calls = BlockingCalls("memcached store", THREAD_COUNT, timeout_s)

    async def open(self) -> None:
        self._calls.start()
        await self._calls.run(self._peers.check)
        await self._calls.run(self._leases.leases)  # who has seen them notices when they are lost
        log.say(STORE_VOLATILE)

    async def close(self) -> None:
        await self._calls.close(self._peers.close)

    async def apply(self, changes: Sequence[Change]) -> Outcome:
        results: dict[int, ChangeResult] = {}
        topics: dict[str, TopicState] = {}
        for groups in _group(changes):
            outcomes = await _gather(self._apply_group([changes[index] for index in group]) for group in groups)
            for group, made in zip(groups, outcomes, strict=True):
                topic = changes[group[0]].topic
                results.update(zip(group, made.results, strict=True))
                topics[topic] = join_states(topics.get(topic), made.state)
        leases, held_s = await self._calls.run(self._leases.look)
        if held_s > 0:
            topics = {topic: _doubt(state) for topic, state in topics.items()}
        return Outcome([results[index] for index in range(len(changes))], topics, leases, held_s)

    async def read(self, topics: Sequence[str]) -> list[TopicList]:
        def read() -> list[TopicList]:
            return [TopicList(version, pack_long(list(entries))) for version, entries in self._lists.read(topics)]

        return await self._calls.run(read)

    async def read_short(self, topics: Sequence[str]) -> Sequence[TopicList | None]:
        return await self.read(topics)

    async def topics(self) -> list[TopicCount]:
        counts = await self._calls.run(self._lists.topics)
        return sorted(TopicCount(topic, count) for topic, count in counts.items())

    async def subscriptions(self, topic: str) -> list[Subscription]:
        [(_, entries)] = await self._calls.run(lambda: self._lists.read([topic]))
        return sorted(_describe(entries))

    async def subscription_pages(self, topic: str) -> AsyncIterator[Sequence[Subscription]]:
        start: bytes | None = b""
        while start is not None:
            entries, start = await self._calls.run(partial(self._lists.page, topic, start))
            yield _describe(entries)

    async def find_evidence(self, topics: Sequence[str]) -> Evidence:
        return await self._calls.run(lambda: self._marks.find_evidence(topics))

    async def settle(self, topics: Sequence[TopicVersion]) -> None:
        slices = [topics[start : start + TOPICS_AT_ONCE] for start in range(0, len(topics), TOPICS_AT_ONCE)]
        await _gather(self._settle(some) for some in slices)

    async def take_lease(self, key: LeaseKey, ttl_s: float, info: str, instead_of: Sequence[str] = ()) -> Lease | None:
        return await self._calls.run(lambda: self._leases.take(key, ttl_s, info, instead_of))

    async def renew_lease(self, key: LeaseKey, ttl_s: float, info: str) -> Renewal:
        run_out = await self._calls.run(lambda: self._leases.renew(key, ttl_s, info))
        return LOST if run_out is None else Renewal(True, await self._find_unsettled(ttl_s), run_out)

    async def release_lease(self, key: LeaseKey) -> None:
        await self._calls.run(lambda: self._leases.release(key))

    async def revoke_leases(self, keys: Sequence[LeaseKey]) -> list[float]:
        return await self._calls.run(lambda: self._leases.revoke(keys))

    async def forget_lease(self, key: LeaseKey) -> None:
        await self._calls.run(lambda: self._leases.forget(key))

    async def leases(self) -> list[Lease]:
        return await self._calls.run(self._leases.leases)

    async def claim_record(self, key: RecordKey, value: bytes, ttl_s: float) -> bytes | None:
        return await self._calls.run(lambda: self._records.claim(key, value, ttl_s))

    async def keep_record(self, key: RecordKey, value: bytes, ttl_s: float, *, is_listed: bool = False) -> None:
        await self._calls.run(lambda: self._records.keep(key, value, ttl_s, is_listed=is_listed))

    async def read_record(self, key: RecordKey) -> bytes | None:
        return await self._calls.run(lambda: self._records.read(key))

    async def drop_record(self, key: RecordKey, value: bytes | None = None) -> None:
        await self._calls.run(lambda: self._records.drop(key, value))

    async def record_names(self, kind: str) -> list[str]:
        return await self._calls.run(lambda: self._records.names(kind))

    async def _find_unsettled(self, ttl_s: float) -> list[TopicVersion]:
        """None if not all servers can be asked: the lease is renewed all the same, and the next renewal looks again."""
        try:
            return await self._calls.run(lambda: self._settling.find(ttl_s))
        except StoreUnavailable as error:
            log.say(STORE_UNSETTLED_UNKNOWN, error=error)
            return []

    async def _settle(self, topics: Sequence[TopicVersion]) -> None:
        await self._calls.run(lambda: self._settling.settle(topics))

    async def _apply_group(self, group: list[Change]) -> Made:
        return await self._calls.run(lambda: self._lists.apply(group[0].topic, group))


def _describe(entries: Entries) -> list[Subscription]:
    now_s = time.time()
    return [
        Subscription(client_id.decode(), None if end_us == PERMANENT else end_us / MICROSECONDS_PER_S - now_s)
        for client_id, end_us in entries.items()
    ]


async def _gather(calls: Iterable[Awaitable[Result]]) -> list[Result]:
    """What they return, or what the first that failed raises, when all have come to their end."""
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
    return [outcome for outcome in outcomes if not isinstance(outcome, BaseException)]


def _doubt(state: TopicState) -> TopicState:
    """Of a list that is not there after leases were lost: it may be lost, too, and not have been empty."""
    return state if state.version else state._replace(is_settled=False)


def _group(changes: Sequence[Change]) -> Iterator[list[list[int]]]:
    """Indices of changes by topic. The groups that are yielded together can be made at the same time.

    So no two of them are about the same queue name: whose it is would depend on which is faster, and not on the order.
    """
    groups: dict[str, list[int]] = {}
    owners: dict[bytes, str] = {}
    for index, change in enumerate(changes):
        owner = owners.get(queue_name(change.topic, change.client_id), change.topic)
        is_full = len(groups) == TOPICS_AT_ONCE or len(groups.get(change.topic, ())) == CHANGES_PER_CALL
        if owner != change.topic or is_full:
            yield list(groups.values())
            groups, owners = {}, {}
        groups.setdefault(change.topic, []).append(index)
        owners[queue_name(change.topic, change.client_id)] = change.topic
    yield list(groups.values())
