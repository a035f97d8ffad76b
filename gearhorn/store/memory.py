"""Subscriber lists in the memory of one process: for tests, of gearhorn and of programs that use it."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from gearhorn.errors import Misconfigured, StoreUnavailable
from gearhorn.names import queue_name
from gearhorn.store.base import (
    Applied,
    Change,
    ChangeResult,
    Collision,
    Store,
    Subscribe,
    Subscription,
    TopicCount,
    TopicList,
)
from gearhorn.store.versions import next_version

PERMANENT = float("inf")


def from_url(url: str, *, prefix: str, timeout_s: float) -> Store:
    """`memory://`, with nothing after it."""
    if url != "memory://":
        raise Misconfigured("the memory:// store URL has nothing after the slashes")
    return MemoryStore()


@dataclass
class _Topic:
    version: int = 0
    ends_s: dict[str, float] = field(default_factory=dict)  # client id -> when its subscription ends


class MemoryLists:
    """What stores have in common that are to see each other's changes, as two workers with one Redis would."""

    def __init__(self) -> None:
        self.topics: dict[str, _Topic] = {}
        self.owners: dict[bytes, str] = {}  # queue name -> topic
        self.with_ttl: dict[tuple[str, str], float] = {}  # (topic, client id) -> when its subscription ends


class MemoryStore:
    """`clock` gives seconds from any starting point; a test may move it on as it likes."""

    def __init__(self, lists: MemoryLists | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._lists = lists or MemoryLists()
        self._clock = clock
        self._is_open = False

    async def open(self) -> None:
        self._is_open = True

    async def close(self) -> None:
        self._is_open = False

    async def apply(self, changes: Sequence[Change]) -> list[ChangeResult]:
        self._sweep()
        return [self._subscribe(c) if isinstance(c, Subscribe) else self._remove(c.topic, c.client_id) for c in changes]

    async def read(self, topics: Sequence[str]) -> list[TopicList]:
        self._sweep()
        found = (self._lists.topics.get(topic, _Topic()) for topic in topics)
        return [TopicList(topic.version, [client_id.encode() for client_id in topic.ends_s]) for topic in found]

    async def topics(self) -> list[TopicCount]:
        self._sweep()
        return sorted(TopicCount(name, len(topic.ends_s)) for name, topic in self._lists.topics.items() if topic.ends_s)

    async def subscriptions(self, topic: str) -> list[Subscription]:
        self._sweep()
        now_s = self._clock()
        ends_s = self._lists.topics.get(topic, _Topic()).ends_s
        return sorted(
            Subscription(client_id, None if end_s == PERMANENT else end_s - now_s)
            for client_id, end_s in ends_s.items()
        )

    def _subscribe(self, change: Subscribe) -> ChangeResult:
        owner = self._lists.owners.setdefault(queue_name(change.topic, change.client_id), change.topic)
        if owner != change.topic:
            return Collision(owner)
        topic = self._lists.topics.setdefault(change.topic, _Topic())
        is_new = change.client_id not in topic.ends_s
        self._set_end(topic, change)
        return self._settle(topic, is_new)

    def _set_end(self, topic: _Topic, change: Subscribe) -> None:
        pair = (change.topic, change.client_id)
        topic.ends_s[change.client_id] = PERMANENT
        self._lists.with_ttl.pop(pair, None)
        if change.ttl_s > 0:
            topic.ends_s[change.client_id] = self._lists.with_ttl[pair] = self._clock() + change.ttl_s

    def _remove(self, name: str, client_id: str) -> Applied:
        topic = self._lists.topics.get(name, _Topic())
        was_there = topic.ends_s.pop(client_id, None) is not None
        if was_there:
            self._lists.with_ttl.pop((name, client_id), None)
            del self._lists.owners[queue_name(name, client_id)]
        return self._settle(topic, was_there)

    def _settle(self, topic: _Topic, changed: bool) -> Applied:
        if changed:
            topic.version = next_version(topic.version, self._clock())
        return Applied(topic.version, changed)

    def _sweep(self) -> None:
        if not self._is_open:
            raise StoreUnavailable("the memory store is not open")
        now_s = self._clock()
        for topic, client_id in [pair for pair, end_s in self._lists.with_ttl.items() if end_s <= now_s]:
            self._remove(topic, client_id)
