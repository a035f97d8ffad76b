"""Reads lists from Redis by plain commands.

A script would have to hold a million members in Lua, and a transaction is refused by a server whose memory is full,
which can still answer. What belongs together is told by the version, asked before and after, and what is past its ttl
by the time, asked with it.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any, NamedTuple

from gearhorn.core.members import MembersBuilder
from gearhorn.store.base import LONG_LIST, Evidence, TopicList
from gearhorn.store.redis_calls import Command, RedisCalls
from gearhorn.store.redis_losses import EVIDENCE
from gearhorn.store.redis_scripts import SWEEP
from gearhorn.store.versions import MICROSECONDS_PER_S

TOPICS_PER_CALL = 500

# A longer list is read in pieces, so that Redis and this process have a few milliseconds of work at a time. No other
# is, because SSCAN takes twice as long as SMEMBERS. One that changes again and again is read as a whole in the end.
IDS_PER_PIECE = LONG_LIST
TRIES_IN_PIECES = 3

# So many ids are packed before anybody else has a turn, half a millisecond or so.
IDS_PER_STEP = 2_000


class _Piece(NamedTuple):
    """Some ids of a list, with the cursor that leads to the next ones (0: there are none), and the list's version."""

    client_ids: Sequence[bytes]
    cursor: int
    version: bytes | None


class RedisReads:
    def __init__(self, calls: RedisCalls, prefix: str) -> None:
        self._calls = calls
        self._versions, self._expiries = f"{prefix}:versions", f"{prefix}:expiries"

    async def read(self, topics: Sequence[str]) -> list[TopicList]:
        lists = zip(topics, await self.read_short(topics), strict=True)
        return [found if found is not None else await self._read_long(topic) for topic, found in lists]

    async def read_short(self, topics: Sequence[str]) -> list[TopicList | None]:
        """None for those that are long."""
        lists: list[TopicList | None] = []
        for start in range(0, len(topics), TOPICS_PER_CALL):
            lists += await self._read_group(topics[start : start + TOPICS_PER_CALL])
        return lists

    async def pieces(self, topic: str) -> AsyncIterator[Sequence[bytes]]:
        """All who are on the list from beginning to end, now and then one of them twice; and some of the others."""
        piece = await self._read_piece(topic, 0)
        yield piece.client_ids
        while piece.cursor:
            piece = await self._read_piece(topic, piece.cursor)
            yield piece.client_ids

    async def find_evidence(self, topics: Sequence[str]) -> Evidence:
        (since, torn_topics), _ = await self._calls.run(EVIDENCE, topics)
        return Evidence({"since": since}, torn_topics)

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

    async def _read_group(self, topics: Sequence[str]) -> list[TopicList | None]:
        lists: dict[str, TopicList | None] = {}
        while missing := [topic for topic in dict.fromkeys(topics) if topic not in lists]:
            lists |= dict.fromkeys(await self._find_long(missing))
            lists |= await self._read_whole([topic for topic in missing if topic not in lists])
        return [lists[topic] for topic in topics]

    async def _find_long(self, topics: Sequence[str]) -> list[str]:
        counts = await self._calls.execute([("SCARD", self._calls.list_prefix + topic) for topic in topics])
        return [topic for topic, count in zip(topics, counts, strict=True) if count > IDS_PER_PIECE]

    async def _read_whole(self, topics: Sequence[str]) -> dict[str, TopicList]:
        """Those of the lists that did not change meanwhile."""
        if not topics:
            return {}
        versions = ("HMGET", self._versions, *topics)
        members = [("SMEMBERS", self._calls.list_prefix + topic) for topic in topics]
        _, (before, *found, after) = await self.ask_swept([versions, *members, versions])
        answers = zip(topics, before, found, after, strict=True)
        return {topic: TopicList(int(first or 0), ids) for topic, first, ids, last in answers if first == last}

    async def _read_long(self, topic: str) -> TopicList:
        for _ in range(TRIES_IN_PIECES):
            found = await self._read_in_pieces(topic)
            if found is not None:
                return found
        while not (lists := await self._read_whole([topic])):
            pass
        return lists[topic]

    async def _read_in_pieces(self, topic: str) -> TopicList | None:
        """None if the list came to another version meanwhile. While one piece is worked in, Redis makes the next."""
        begun = [("HGET", self._versions, topic), ("SCARD", self._calls.list_prefix + topic)]
        _, (version, count) = await self.ask_swept(begun)
        builder = MembersBuilder(count)
        piece = await self._read_piece(topic, 0)
        while piece.version == version and piece.cursor:
            following = asyncio.create_task(self._read_piece(topic, piece.cursor))
            try:
                await _work_in(piece.client_ids, builder)
                piece = await following
            finally:
                following.cancel()
        await _work_in(piece.client_ids, builder)
        return TopicList(int(version or 0), builder.finish()) if piece.version == version else None

    async def _read_piece(self, topic: str, cursor: int) -> _Piece:
        scan = ("SSCAN", self._calls.list_prefix + topic, str(cursor), "COUNT", str(IDS_PER_PIECE))
        _, ((following, client_ids), version) = await self.ask_swept([scan, ("HGET", self._versions, topic)])
        return _Piece(client_ids, following, version)


async def _work_in(client_ids: Sequence[bytes], builder: MembersBuilder) -> None:
    for start in range(0, len(client_ids), IDS_PER_STEP):
        await asyncio.sleep(0)  # others come first, and the question for the next piece
        builder.add(client_ids[start : start + IDS_PER_STEP])
