"""Subscriber lists in memcached, where that is all there is: volatile, and said to be so.

Works in threads, because the library does. What is in memcached and how it is changed safely is in the modules whose
names begin like this one's.
"""

import asyncio
import logging
import time
from collections.abc import Iterator, Sequence

from gearhorn.errors import Misconfigured
from gearhorn.names import queue_name
from gearhorn.store.base import Change, ChangeResult, Store, Subscription, TopicCount, TopicList
from gearhorn.store.memcached_layout import PERMANENT
from gearhorn.store.memcached_lists import MemcachedLists
from gearhorn.store.memcached_peers import Peers
from gearhorn.store.threads import BlockingCalls
from gearhorn.store.urls import Address, refuse_options, refuse_userinfo, split_addresses, split_url
from gearhorn.store.versions import MICROSECONDS_PER_S

log = logging.getLogger(__name__)

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
        self._calls = BlockingCalls("memcached store", THREAD_COUNT, timeout_s)

    async def open(self) -> None:
        self._calls.start()
        await self._calls.run(self._peers.check)
        log.warning("subscriptions are kept in memcached: they are lost when it restarts or runs out of memory")

    async def close(self) -> None:
        await self._calls.close(self._peers.close)

    async def apply(self, changes: Sequence[Change]) -> list[ChangeResult]:
        results: dict[int, ChangeResult] = {}
        for groups in _group(changes):
            calls = (self._apply_group([changes[index] for index in group]) for group in groups)
            for group, outcome in zip(groups, await asyncio.gather(*calls, return_exceptions=True), strict=True):
                if isinstance(outcome, BaseException):
                    raise outcome
                results.update(zip(group, outcome, strict=True))
        return [results[index] for index in range(len(changes))]

    async def read(self, topics: Sequence[str]) -> list[TopicList]:
        lists = await self._calls.run(lambda: self._lists.read(topics))
        return [TopicList(version, list(entries)) for version, entries in lists]

    async def topics(self) -> list[TopicCount]:
        counts = await self._calls.run(self._lists.topics)
        return sorted(TopicCount(topic, count) for topic, count in counts.items())

    async def subscriptions(self, topic: str) -> list[Subscription]:
        [(_, entries)] = await self._calls.run(lambda: self._lists.read([topic]))
        now_s = time.time()
        return sorted(
            Subscription(client_id.decode(), None if end_us == PERMANENT else end_us / MICROSECONDS_PER_S - now_s)
            for client_id, end_us in entries.items()
        )

    async def _apply_group(self, group: list[Change]) -> list[ChangeResult]:
        return await self._calls.run(lambda: self._lists.apply(group[0].topic, group))


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
