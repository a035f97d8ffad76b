"""Subscriber lists in Redis: what is asked, in which command. `redis_scripts.py` lists the keys.

Every change is made by a script. A read is a transaction: the script that ends what is past its ttl, then plain
commands, because a script would have to hold a million members in Lua. Needs Redis 5 or newer and no cluster.
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

# One script call makes so many changes. Redis serves nobody else meanwhile, for a millisecond or two; more changes in a
# call would gain little.
CHANGES_PER_CALL = 500
SWEEPS_PER_CALL = 500
TOPICS_PER_CALL = 500

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
        [names] = await self._ask_swept([("SMEMBERS", self._topics)])
        counts: list[TopicCount] = []
        for start in range(0, len(names), TOPICS_PER_CALL):
            counts += await self._count_group([name.decode() for name in names[start : start + TOPICS_PER_CALL]])
        return sorted(counts)

    async def subscriptions(self, topic: str) -> list[Subscription]:
        while True:
            [found] = await self.read([topic])
            queues = [queue_prefix(topic) + client_id for client_id in found.client_ids]
            answers = await self._ask_swept(
                [("HGET", self._versions, topic), ("TIME",), *(("ZSCORE", self._expiries, queue) for queue in queues)]
            )
            if int(answers[0] or 0) == found.version:  # else the ends may be those of another list
                return _describe(found, answers[1], answers[2:])

    async def _apply_group(self, group: Sequence[Change]) -> list[ChangeResult]:
        wishes = msgspec.msgpack.encode([_describe_change(change) for change in group])
        answers: list[int | bytes] = []
        while not answers:  # an empty answer: there was more past its ttl than one call may end
            answers, was_repeated = await self._link.ask(lambda client: self._run(client, APPLY, wishes))
        return [_read_answer(answer, was_repeated) for answer in answers]

    async def _read_group(self, topics: Sequence[str]) -> list[TopicList]:
        versions, *lists = await self._ask_swept(
            [("HMGET", self._versions, *topics), *(("SMEMBERS", self._list_prefix + topic) for topic in topics)]
        )
        return [TopicList(int(version or 0), members) for version, members in zip(versions, lists, strict=True)]

    async def _count_group(self, topics: Sequence[str]) -> list[TopicCount]:
        counts = await self._ask_swept([("SCARD", self._list_prefix + topic) for topic in topics])
        return [TopicCount(topic, count) for topic, count in zip(topics, counts, strict=True) if count]

    async def _ask_swept(self, commands: Sequence[Command]) -> list[Any]:
        """The answers to commands that only read, at one moment at which nothing is past its ttl."""
        while True:
            (is_swept, *answers), _ = await self._link.ask(lambda client: self._transact(client, commands))
            if is_swept:
                return answers
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

    async def _transact(self, client: Any, commands: Sequence[Command]) -> list[Any]:
        try:
            return await self._execute(client, commands)
        except theirs.NoScriptError:
            await client.execute_command("SCRIPT LOAD", SWEEP.text)
            return await self._execute(client, commands)

    async def _execute(self, client: Any, commands: Sequence[Command]) -> list[Any]:
        async with client.pipeline(transaction=True) as pipe:
            pipe.execute_command("EVALSHA", SWEEP.sha, *self._inputs())
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


def _describe(found: TopicList, time: tuple[int, int], scores: Sequence[float | None]) -> list[Subscription]:
    now_s = time[0] + time[1] / 1_000_000
    return sorted(
        Subscription(client_id.decode(), None if score is None else score - now_s)
        for client_id, score in zip(found.client_ids, scores, strict=True)
    )
