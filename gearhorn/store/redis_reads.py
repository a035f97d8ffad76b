"""Reads lists from Redis by plain commands.

A script would have to hold a million members in Lua, and a transaction is refused by a server whose memory is full,
which can still answer. What belongs together is told by the version, asked before and after, and what is past its ttl
by the time, asked with it.
"""

from collections.abc import Sequence
from typing import Any

from gearhorn.store.base import TopicList
from gearhorn.store.redis_calls import Command, RedisCalls
from gearhorn.store.redis_scripts import SWEEP
from gearhorn.store.versions import MICROSECONDS_PER_S

TOPICS_PER_CALL = 500

# A longer list is read in pieces, so that Redis and this process have a few milliseconds of work at a time. No other
# is, because SSCAN takes twice as long as SMEMBERS. One that changes again and again is read as a whole in the end.
IDS_PER_PIECE = 20_000
TRIES_IN_PIECES = 3


class RedisReads:
    def __init__(self, calls: RedisCalls, prefix: str) -> None:
        self._calls = calls
        self._versions, self._expiries = f"{prefix}:versions", f"{prefix}:expiries"

    async def read(self, topics: Sequence[str]) -> list[TopicList]:
        lists: list[TopicList] = []
        for start in range(0, len(topics), TOPICS_PER_CALL):
            lists += await self._read_group(topics[start : start + TOPICS_PER_CALL])
        return lists

    async def ask_swept(self, commands: Sequence[Command]) -> tuple[float, list[Any]]:
        """The time of the server at which nothing is past its ttl, and the answers to commands that only read."""
        asked = [("TIME",), ("ZRANGE", self._expiries, "0", "0", "WITHSCORES"), *commands]
        while True:
            (seconds, microseconds), first_end, *answers = await self._calls.execute(asked)
            now_s = seconds + microseconds / MICROSECONDS_PER_S
            if not first_end or float(first_end[1]) > now_s:
                return now_s, answers
            await self.sweep()

    async def sweep(self) -> None:
        """Ends what is past its ttl."""
        is_swept = False
        while not is_swept:
            is_swept, _ = await self._calls.run(SWEEP)

    async def _read_group(self, topics: Sequence[str]) -> list[TopicList]:
        lists: dict[str, TopicList] = {}
        try_count = 0
        while missing := [topic for topic in dict.fromkeys(topics) if topic not in lists]:
            long = await self._find_long(missing) if try_count < TRIES_IN_PIECES else set()
            try_count += 1
            versions = ("HMGET", self._versions, *missing)
            asked = [self._piece(topic, 0) if topic in long else self._whole(topic) for topic in missing]
            _, (before, *found, after) = await self.ask_swept([versions, *asked, versions])
            for topic, first, answer, last in zip(missing, before, found, after, strict=True):
                cursor, client_ids = answer if topic in long else (0, answer)
                whole = await self._read_rest(topic, first, cursor, client_ids) if first == last else None
                if whole is not None:
                    lists[topic] = TopicList(int(first or 0), whole)
        return [lists[topic] for topic in topics]

    async def _find_long(self, topics: Sequence[str]) -> set[str]:
        counts = await self._calls.execute([("SCARD", self._calls.list_prefix + topic) for topic in topics])
        return {topic for topic, count in zip(topics, counts, strict=True) if count > IDS_PER_PIECE}

    async def _read_rest(
        self, topic: str, version: bytes | None, cursor: int, client_ids: list[bytes]
    ) -> list[bytes] | None:
        """The whole list of which the first piece is there; None if it is at another version by now.

        A set to which Redis gives more room meanwhile may tell a member twice.
        """
        if not cursor:
            return client_ids
        distinct = dict.fromkeys(client_ids)
        while cursor:
            asked = [self._piece(topic, cursor), ("HGET", self._versions, topic)]
            _, ((cursor, more), found) = await self.ask_swept(asked)
            if found != version:
                return None
            distinct |= dict.fromkeys(more)
        return list(distinct)

    def _whole(self, topic: str) -> Command:
        return ("SMEMBERS", self._calls.list_prefix + topic)

    def _piece(self, topic: str, cursor: int) -> Command:
        return ("SSCAN", self._calls.list_prefix + topic, str(cursor), "COUNT", str(IDS_PER_PIECE))
