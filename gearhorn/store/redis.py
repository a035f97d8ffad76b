"""Subscriber lists in Redis: what is asked, in which command. `redis_scripts.py` lists the keys.

Every change is made by a script. A read is plain commands: a script would have to hold a million members in Lua, and a
transaction is refused by a server whose memory is full, which can still answer. What belongs together is told by the
version, asked before and after, and what is past its ttl by the time, asked with it. Needs Redis 5 or newer and no
cluster.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
import redis.exceptions as theirs

from gearhorn.names import queue_name, queue_prefix
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
from gearhorn.store.redis_link import RedisLink
from gearhorn.store.redis_scripts import APPLY, SWEEP, Script
from gearhorn.store.redis_urls import read_url
from gearhorn.store.versions import MICROSECONDS_PER_S

# One script call makes so many changes. Redis serves nobody else meanwhile, for two milliseconds or so; with more of
# them little would be gained.
CHANGES_PER_CALL = 500
SWEEPS_PER_CALL = 500
TOPICS_PER_CALL = 500
SCORES_PER_CALL = 5000

Command = tuple[str | bytes, ...]


def from_url(url: str, *, prefix: str, timeout_s: float) -> Store:
    """For the URLs see `redis_urls.py`."""
    target = read_url(url)
    return RedisStore(RedisLink(target, timeout_s), prefix)


class RedisStore:
    def __init__(self, link: RedisLink, prefix: str) -> None:
        self._link = link
        self._topics, self._versions = f"{prefix}:topics", f"{prefix}:versions"
        self._queues, self._expiries = f"{prefix}:queues", f"{prefix}:expiries"
        self._list_prefix = f"{prefix}:topic:"

    async def open(self) -> None:
        self._link.open()
        await self._sweep()

    async def close(self) -> None:
        await self._link.close()

    async def apply(self, changes: Sequence[Change]) -> list[ChangeResult]:
        results: list[ChangeResult] = []
        for start in range(0, len(changes), CHANGES_PER_CALL):
            results += await self._apply_group(changes[start : start + CHANGES_PER_CALL])
        return results

    async def read(self, topics: Sequence[str]) -> list[TopicList]:
        lists: list[TopicList] = []
        for start in range(0, len(topics), TOPICS_PER_CALL):
            lists += await self._read_group(topics[start : start + TOPICS_PER_CALL])
        return lists

    async def topics(self) -> list[TopicCount]:
        _, [names] = await self._ask_swept([("SMEMBERS", self._topics)])
        counts: list[TopicCount] = []
        for start in range(0, len(names), TOPICS_PER_CALL):
            counts += await self._count_group([name.decode() for name in names[start : start + TOPICS_PER_CALL]])
        return sorted(counts)

    async def subscriptions(self, topic: str) -> list[Subscription]:
        while True:
            [found] = await self.read([topic])
            ends_in_s: list[float | None] = []
            for start in range(0, len(found.client_ids), SCORES_PER_CALL):
                ends_in_s += await self._ends_in_s(
                    topic, found.version, found.client_ids[start : start + SCORES_PER_CALL]
                )
            if len(ends_in_s) == len(found.client_ids):
                names = (client_id.decode() for client_id in found.client_ids)
                return sorted(map(Subscription, names, ends_in_s))

    async def _apply_group(self, group: Sequence[Change]) -> list[ChangeResult]:
        wishes = msgspec.msgpack.encode([_describe_change(change) for change in group])
        answers: list[int | bytes] = []
        while not answers:  # an empty answer: there was more past its ttl than one call may end
            answers, was_repeated = await self._link.ask(lambda client: self._run(client, APPLY, wishes))
        return [_read_answer(answer, was_repeated) for answer in answers]

    async def _read_group(self, topics: Sequence[str]) -> list[TopicList]:
        lists: dict[str, TopicList] = {}
        while missing := [topic for topic in dict.fromkeys(topics) if topic not in lists]:
            versions = ("HMGET", self._versions, *missing)
            members = [("SMEMBERS", self._list_prefix + topic) for topic in missing]
            _, (before, *found, after) = await self._ask_swept([versions, *members, versions])
            for topic, first, client_ids, last in zip(missing, before, found, after, strict=True):
                if first == last:
                    lists[topic] = TopicList(int(first or 0), client_ids)
        return [lists[topic] for topic in topics]

    async def _count_group(self, topics: Sequence[str]) -> list[TopicCount]:
        _, counts = await self._ask_swept([("SCARD", self._list_prefix + topic) for topic in topics])
        return [TopicCount(topic, count) for topic, count in zip(topics, counts, strict=True) if count]

    async def _ends_in_s(self, topic: str, version: int, client_ids: Sequence[bytes]) -> list[float | None]:
        """Nothing if the list is at another version now: the answers may be about other subscriptions."""
        scores = [("ZSCORE", self._expiries, queue_prefix(topic) + client_id) for client_id in client_ids]
        now_s, (*ends_s, found) = await self._ask_swept([*scores, ("HGET", self._versions, topic)])
        if int(found or 0) != version:
            return []
        return [None if end_s is None else end_s - now_s for end_s in ends_s]

    async def _ask_swept(self, commands: Sequence[Command]) -> tuple[float, list[Any]]:
        """The time of the server at which nothing is past its ttl, and the answers to commands that only read."""
        asked = [("TIME",), ("ZRANGE", self._expiries, "0", "0", "WITHSCORES"), *commands]
        while True:
            ((seconds, microseconds), first_end, *answers), _ = await self._link.ask(lambda c: self._execute(c, asked))
            now_s = seconds + microseconds / MICROSECONDS_PER_S
            if not first_end or float(first_end[1]) > now_s:
                return now_s, answers
            await self._sweep()

    async def _sweep(self) -> None:
        is_swept = False
        while not is_swept:
            is_swept, _ = await self._link.ask(lambda client: self._run(client, SWEEP))

    async def _run(self, client: Any, script: Script, *arguments: str | bytes) -> Any:
        try:
            return await client.execute_command("EVALSHA", script.sha, *self._inputs(), *arguments)
        except theirs.NoScriptError:  # the server is new, or was started again; EVAL makes it known
            return await client.execute_command("EVAL", script.text, *self._inputs(), *arguments)

    async def _execute(self, client: Any, commands: Sequence[Command]) -> list[Any]:
        async with client.pipeline(transaction=False) as pipe:
            for command in commands:
                pipe.execute_command(*command)
            answers: list[Any] = await pipe.execute(raise_on_error=False)
        for answer in answers:
            if isinstance(answer, Exception):
                raise answer
        return answers

    def _inputs(self) -> tuple[str, ...]:
        """The keys and the arguments that both scripts take first."""
        keys = (self._topics, self._versions, self._queues, self._expiries)
        return (str(len(keys)), *keys, self._list_prefix, str(len(queue_prefix(""))), str(SWEEPS_PER_CALL))


def _describe_change(change: Change) -> tuple[str, str, float | bool]:
    queue = queue_name(change.topic, change.client_id).decode()
    return change.topic, queue, float(max(change.ttl_s, 0)) if isinstance(change, Subscribe) else False


def _read_answer(answer: int | bytes, was_repeated: bool) -> ChangeResult:
    if isinstance(answer, bytes):
        return Collision(answer.decode())
    return Applied(abs(answer), answer > 0 or (was_repeated and answer != 0))
