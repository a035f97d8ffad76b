"""Subscriber lists in the memory of one process: for tests, of gearhorn and of programs that use it."""

import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field

from gearhorn.errors import Misconfigured, StoreUnavailable
from gearhorn.names import queue_name
from gearhorn.store.base import (
    Applied,
    Change,
    ChangeResult,
    Collision,
    Evidence,
    Outcome,
    RecordKey,
    Store,
    Subscribe,
    Subscription,
    TopicCount,
    TopicList,
    TopicState,
    Unsubscribe,
    join_states,
)
from gearhorn.store.leases import LOST, Lease, LeaseKey, Renewal, TopicVersion
from gearhorn.store.memory_leases import NOBODY, MemoryLeases, claim
from gearhorn.store.memory_records import MemoryRecords
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
        self.evidence = Evidence()  # a test may have it tell of a loss
        self.topics: dict[str, _Topic] = {}
        self.owners: dict[bytes, str] = {}  # queue name -> topic
        self.with_ttl: dict[tuple[str, str], float] = {}  # (topic, client id) -> when its subscription ends
        self.unsettled: dict[str, float] = {}  # topic -> when somebody claimed to see to it
        self.leases = MemoryLeases()
        self.records = MemoryRecords()


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

    async def apply(self, changes: Sequence[Change]) -> Outcome:
        now_s = self._sweep()
        results: list[ChangeResult] = []
        states: dict[str, TopicState] = {}
        for change in changes:
            result, state = self._apply(change)
            results.append(result)
            states[change.topic] = join_states(states.get(change.topic), state)
        return Outcome(results, states, self._lists.leases.lasting(now_s))

    async def read(self, topics: Sequence[str]) -> list[TopicList]:
        self._sweep()
        found = (self._lists.topics.get(topic, _Topic()) for topic in topics)
        return [TopicList(topic.version, [client_id.encode() for client_id in topic.ends_s]) for topic in found]

    async def read_short(self, topics: Sequence[str]) -> Sequence[TopicList | None]:
        return await self.read(topics)

    async def topics(self) -> list[TopicCount]:
        self._sweep()
        return sorted(TopicCount(name, len(topic.ends_s)) for name, topic in self._lists.topics.items() if topic.ends_s)

    async def subscriptions(self, topic: str) -> list[Subscription]:
        now_s = self._sweep()
        ends_s = self._lists.topics.get(topic, _Topic()).ends_s
        return sorted(
            Subscription(client_id, None if end_s == PERMANENT else end_s - now_s)
            for client_id, end_s in ends_s.items()
        )

    async def subscription_pages(self, topic: str) -> AsyncIterator[Sequence[Subscription]]:
        yield await self.subscriptions(topic)

    async def find_evidence(self, topics: Sequence[str]) -> Evidence:
        self._now_s()
        return self._lists.evidence

    async def settle(self, topics: Sequence[TopicVersion]) -> None:
        self._now_s()
        for topic, version in topics:
            if self._version(topic) == version:
                self._lists.unsettled.pop(topic, None)

    async def take_lease(self, key: LeaseKey, ttl_s: float, info: str, instead_of: Sequence[str] = ()) -> Lease | None:
        return self._lists.leases.take(key, self._now_s(), ttl_s, info, instead_of)

    async def renew_lease(self, key: LeaseKey, ttl_s: float, info: str) -> Renewal:
        now_s = self._sweep()
        if not self._lists.leases.renew(key, now_s, ttl_s, info):
            return LOST
        unsettled = [TopicVersion(topic, self._version(topic)) for topic in claim(self._lists.unsettled, now_s, ttl_s)]
        return Renewal(True, unsettled, self._lists.leases.claim_run_out(now_s, ttl_s))

    async def release_lease(self, key: LeaseKey) -> None:
        self._now_s()
        self._lists.leases.release(key)

    async def revoke_leases(self, keys: Sequence[LeaseKey]) -> list[float]:
        now_s = self._now_s()
        return [self._lists.leases.revoke(key, now_s) for key in keys]

    async def forget_lease(self, key: LeaseKey) -> None:
        self._lists.leases.forget(key, self._now_s())

    async def leases(self) -> list[Lease]:
        return self._lists.leases.all(self._now_s())

    async def claim_record(self, key: RecordKey, value: bytes, ttl_s: float) -> bytes | None:
        return self._lists.records.claim(key, value, self._now_s(), ttl_s)

    async def keep_record(self, key: RecordKey, value: bytes, ttl_s: float, *, is_listed: bool = False) -> None:
        self._lists.records.keep(key, value, self._now_s(), ttl_s, is_listed=is_listed)

    async def read_record(self, key: RecordKey) -> bytes | None:
        return self._lists.records.read(key, self._now_s())

    async def drop_record(self, key: RecordKey, value: bytes | None = None) -> None:
        self._lists.records.drop(key, value, self._now_s())

    async def record_names(self, kind: str) -> list[str]:
        return self._lists.records.names(kind, self._now_s())

    def _apply(self, change: Change) -> tuple[ChangeResult, TopicState]:
        old_version = self._version(change.topic)
        result = self._subscribe(change) if isinstance(change, Subscribe) else self._unsubscribe(change)
        is_settled = change.topic not in self._lists.unsettled
        return result, TopicState(old_version, self._version(change.topic), is_settled)

    def _subscribe(self, change: Subscribe) -> ChangeResult:
        owner = self._lists.owners.setdefault(queue_name(change.topic, change.client_id), change.topic)
        if owner != change.topic:
            return Collision(owner)
        topic = self._lists.topics.setdefault(change.topic, _Topic())
        is_new = change.client_id not in topic.ends_s
        if is_new or not change.never_shortens or self._end_of(change) > topic.ends_s[change.client_id]:
            self._set_end(topic, change)
        return self._answer(change.topic, is_new, self._clock())

    def _unsubscribe(self, change: Unsubscribe) -> Applied:
        return self._remove(change.topic, change.client_id, self._clock())

    def _set_end(self, topic: _Topic, change: Subscribe) -> None:
        pair = (change.topic, change.client_id)
        end_s = topic.ends_s[change.client_id] = self._end_of(change)
        self._lists.with_ttl.pop(pair, None)
        if end_s != PERMANENT:
            self._lists.with_ttl[pair] = end_s

    def _end_of(self, change: Subscribe) -> float:
        return self._clock() + change.ttl_s if change.ttl_s > 0 else PERMANENT

    def _remove(self, name: str, client_id: str, claimed_s: float) -> Applied:
        topic = self._lists.topics.get(name, _Topic())
        was_there = topic.ends_s.pop(client_id, None) is not None
        if was_there:
            self._lists.with_ttl.pop((name, client_id), None)
            del self._lists.owners[queue_name(name, client_id)]
        return self._answer(name, was_there, claimed_s)

    def _answer(self, name: str, changed: bool, claimed_s: float) -> Applied:
        if changed:
            topic = self._lists.topics[name]
            topic.version = next_version(topic.version, self._clock())
            self._lists.unsettled[name] = claimed_s
        return Applied(self._version(name), changed)

    def _version(self, name: str) -> int:
        return self._lists.topics.get(name, _Topic()).version

    def _sweep(self) -> float:
        """Ends what is past its ttl. Returns the time until which."""
        now_s = self._now_s()
        for topic, client_id in [pair for pair, end_s in self._lists.with_ttl.items() if end_s <= now_s]:
            self._remove(topic, client_id, NOBODY)
        return now_s

    def _now_s(self) -> float:
        if not self._is_open:
            raise StoreUnavailable("the memory store is not open")
        return self._clock()
