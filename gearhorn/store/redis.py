"""Subscriber lists in Redis: what is asked, in which command. `redis_scripts.py` lists the keys.

Every change is made by a script, every list read by plain commands: see `redis_reads.py`. Needs Redis 5 or newer and
no cluster; and, for a user of limited rights, `~P:* +@read +@write +@connection +eval +evalsha +time +info`.
"""

from collections.abc import AsyncIterator, Sequence

from gearhorn.names import queue_name, queue_prefix
from gearhorn.store.base import (
    UNKNOWN_VERSION,
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
    join_states,
)
from gearhorn.store.leases import Lease, LeaseKey, Renewal, TopicVersion
from gearhorn.store.redis_apply_script import APPLY, ApplyAnswer
from gearhorn.store.redis_calls import RedisCalls
from gearhorn.store.redis_leases import RedisLeases, describe_lease
from gearhorn.store.redis_link import RedisLink
from gearhorn.store.redis_memory import warn_of_memory
from gearhorn.store.redis_reads import RedisReads
from gearhorn.store.redis_records import RedisRecords
from gearhorn.store.redis_urls import read_url
from gearhorn.store.versions import MICROSECONDS_PER_S

# One script call makes so many changes. Redis serves nobody else meanwhile, for two milliseconds or so; with more of
# them little would be gained.
CHANGES_PER_CALL = 500
TOPICS_PER_CALL = 500
SCORES_PER_CALL = 5000
# Few enough that a list which changes all the time stays the same while they are looked up.
SCORES_PER_PAGE = 500


def from_url(url: str, *, prefix: str, timeout_s: float) -> Store:
    """For the URLs see `redis_urls.py`."""
    target = read_url(url)
    return RedisStore(RedisLink(target, timeout_s), prefix)


class RedisStore:
    def __init__(self, link: RedisLink, prefix: str) -> None:
        self._link = link
        self._calls = RedisCalls(link, prefix)
        self._leases = RedisLeases(self._calls)
        self._reads = RedisReads(self._calls, prefix)
        self._records = RedisRecords(self._calls, prefix)
        self._topics, self._versions, self._expiries = f"{prefix}:topics", f"{prefix}:versions", f"{prefix}:expiries"

    async def open(self) -> None:
        self._link.open()
        await self._reads.sweep()
        await warn_of_memory(self._calls, self._link.name)

    async def close(self) -> None:
        await self._link.close()

    async def apply(self, changes: Sequence[Change]) -> Outcome:
        outcome = await self._apply_group(changes[:CHANGES_PER_CALL])
        for start in range(CHANGES_PER_CALL, len(changes), CHANGES_PER_CALL):
            outcome = _join(outcome, await self._apply_group(changes[start : start + CHANGES_PER_CALL]))
        return outcome

    async def read(self, topics: Sequence[str]) -> list[TopicList]:
        return await self._reads.read(topics)

    async def read_short(self, topics: Sequence[str]) -> Sequence[TopicList | None]:
        return await self._reads.read_short(topics)

    async def topics(self) -> list[TopicCount]:
        _, [names] = await self._reads.ask_swept([("SMEMBERS", self._topics)])
        counts: list[TopicCount] = []
        for start in range(0, len(names), TOPICS_PER_CALL):
            counts += await self._count_group([name.decode() for name in names[start : start + TOPICS_PER_CALL]])
        return sorted(counts)

    async def subscriptions(self, topic: str) -> list[Subscription]:
        while True:
            [found] = await self.read([topic])
            ends_in_s: list[float | None] = []
            client_ids = list(found.client_ids)
            for start in range(0, len(client_ids), SCORES_PER_CALL):
                ends_in_s += await self._ends_in_s(topic, found.version, client_ids[start : start + SCORES_PER_CALL])
            if len(ends_in_s) == len(client_ids):
                names = (client_id.decode() for client_id in client_ids)
                return sorted(map(Subscription, names, ends_in_s))

    async def subscription_pages(self, topic: str) -> AsyncIterator[Sequence[Subscription]]:
        async for client_ids in self._reads.pieces(topic):
            for start in range(0, len(client_ids), SCORES_PER_PAGE):
                yield await self._look_up(topic, client_ids[start : start + SCORES_PER_PAGE])

    async def find_evidence(self, topics: Sequence[str]) -> Evidence:
        return await self._reads.find_evidence(topics)

    async def settle(self, topics: Sequence[TopicVersion]) -> None:
        await self._leases.settle(topics)

    async def take_lease(self, key: LeaseKey, ttl_s: float, info: str, instead_of: Sequence[str] = ()) -> Lease | None:
        return await self._leases.take(key, ttl_s, info, instead_of)

    async def renew_lease(self, key: LeaseKey, ttl_s: float, info: str) -> Renewal:
        return await self._leases.renew(key, ttl_s, info)

    async def release_lease(self, key: LeaseKey) -> None:
        await self._leases.release(key)

    async def revoke_leases(self, keys: Sequence[LeaseKey]) -> list[float]:
        return await self._leases.revoke(keys)

    async def forget_lease(self, key: LeaseKey) -> None:
        await self._leases.forget(key)

    async def leases(self) -> list[Lease]:
        return await self._leases.list()

    async def claim_record(self, key: RecordKey, value: bytes, ttl_s: float) -> bytes | None:
        return await self._records.claim(key, value, ttl_s)

    async def keep_record(self, key: RecordKey, value: bytes, ttl_s: float, *, is_listed: bool = False) -> None:
        await self._records.keep(key, value, ttl_s, is_listed=is_listed)

    async def read_record(self, key: RecordKey) -> bytes | None:
        return await self._records.read(key)

    async def drop_record(self, key: RecordKey, value: bytes | None = None) -> None:
        await self._records.drop(key, value)

    async def record_names(self, kind: str) -> list[str]:
        return await self._records.names(kind)

    async def _apply_group(self, group: Sequence[Change]) -> Outcome:
        changes = [_describe_change(change) for change in group]
        while True:
            answer, was_repeated = await self._calls.run(APPLY, (self._calls.latest_us(), changes))
            if answer.is_done:
                return _read_answer(group, answer, was_repeated)

    async def _count_group(self, topics: Sequence[str]) -> list[TopicCount]:
        _, counts = await self._reads.ask_swept([("SCARD", self._calls.list_prefix + topic) for topic in topics])
        return [TopicCount(topic, count) for topic, count in zip(topics, counts, strict=True) if count]

    async def _look_up(self, topic: str, client_ids: Sequence[bytes]) -> list[Subscription]:
        """Those of them who are on the list."""
        asked = [("SISMEMBER", self._calls.list_prefix + topic, client_id) for client_id in client_ids]
        while True:
            version, *are_listed = await self._calls.execute([("HGET", self._versions, topic), *asked])
            ends_in_s = await self._ends_in_s(topic, int(version or 0), client_ids)
            if len(ends_in_s) == len(client_ids):
                found = zip(client_ids, ends_in_s, are_listed, strict=True)
                return [Subscription(client_id.decode(), end_s) for client_id, end_s, is_listed in found if is_listed]

    async def _ends_in_s(self, topic: str, version: int, client_ids: Sequence[bytes]) -> list[float | None]:
        """Nothing if the list is at another version now: the answers may be about other subscriptions."""
        scores = [("ZSCORE", self._expiries, queue_prefix(topic) + client_id) for client_id in client_ids]
        now_s, (*ends_s, found) = await self._reads.ask_swept([*scores, ("HGET", self._versions, topic)])
        if int(found or 0) != version:
            return []
        return [None if end_s is None else end_s - now_s for end_s in ends_s]


def _describe_change(change: Change) -> tuple[str, str, float | bool, bool]:
    queue = queue_name(change.topic, change.client_id).decode()
    if not isinstance(change, Subscribe):
        return change.topic, queue, False, False
    return change.topic, queue, float(max(change.ttl_s, 0)), change.never_shortens


def _read_answer(group: Sequence[Change], answer: ApplyAnswer, was_repeated: bool) -> Outcome:
    """An answer that is the second one tells what the first call left; what that one found, nobody knows."""
    topics = dict.fromkeys(change.topic for change in group)
    old_versions = [UNKNOWN_VERSION] * len(topics) if was_repeated else answer.old_versions
    are_settled = [False] * len(topics) if was_repeated else answer.are_settled
    states = dict(zip(topics, map(TopicState, old_versions, answer.versions, are_settled), strict=True))
    results = [_read_result(result, was_repeated) for result in answer.results]
    return Outcome(results, states, [*map(describe_lease, answer.leases)], answer.held_us / MICROSECONDS_PER_S)


def _read_result(result: int | str, was_repeated: bool) -> ChangeResult:
    if isinstance(result, str):
        return Collision(result)
    return Applied(abs(result), result > 0 or (was_repeated and result != 0))


def _join(first: Outcome, then: Outcome) -> Outcome:
    """The later leases do for both: one that is not among them any more has run out since."""
    states = {topic: join_states(first.topics.get(topic), state) for topic, state in then.topics.items()}
    return Outcome(first.results + then.results, first.topics | states, then.leases, then.held_s)
