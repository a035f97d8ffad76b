"""Finds the lists of topics: in memory, or in the store by a read that began after the question.

Questions that come together are asked together. A long list is read by itself: nobody else waits for that.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence

from gearhorn.clock import steady_s
from gearhorn.core.matchmaking import Matchmaking
from gearhorn.core.members import NOBODY, Members
from gearhorn.grouping import Grouper
from gearhorn.patience import Patience
from gearhorn.store.base import Store, TopicList

log = logging.getLogger(__name__)

LOOKUPS_AT_ONCE = 1000

# A list, or where it can be waited for.
_Answer = Members | asyncio.Task[Members]
_Read = Callable[[Sequence[str]], Awaitable[Sequence[TopicList | None]]]


class Lookups:
    """Raises StoreUnavailable when the store stays away."""

    def __init__(
        self, store: Store, patience: Patience, matchmaking: Matchmaking, now_s: Callable[[], float] = steady_s
    ) -> None:
        """`now_s` is the clock that `matchmaking` goes by."""
        self._store = store
        self._patience = patience
        self._matchmaking = matchmaking
        self._now_s = now_s
        self._asked: Counter[str] = Counter()  # topics whose lists are waited for
        self._unanswered: Counter[str] = Counter()  # those of them of which the answers are not there yet
        self._lookups: Grouper[str, _Answer] = Grouper(self._read, LOOKUPS_AT_ONCE)
        self._long_lookups: dict[str, Grouper[str, Members]] = {}  # by topic; while one is under way

    def find(self, topic: str) -> Members | None:
        """The subscribers of `topic`, if that can be told from memory. See `members` for the promise.

        While others wait for the same list it cannot: fanouts that came in a row go out in that order.
        """
        return None if topic in self._asked else self._matchmaking.find(topic, self._now_s())

    async def members(self, topic: str) -> Members:
        """The subscribers of `topic`, with every change that was completed before the question."""
        found = self.find(topic)
        if found is not None:
            return found
        self._asked[topic] += 1
        try:
            return await self._find_in_turn(topic)
        finally:
            self._asked[topic] -= 1
            if not self._asked[topic]:
                del self._asked[topic]

    async def _find_in_turn(self, topic: str) -> Members:
        """Those who asked before come first, but who comes after need not stand in line for longer than they."""
        found = None if self._unanswered[topic] else self._matchmaking.find(topic, self._now_s())
        if found is None:
            self._unanswered[topic] += 1
            answer = await self._lookups.ask(topic)
            return answer if isinstance(answer, Members) else await asyncio.shield(answer)
        await asyncio.sleep(0)  # they have their answers, and have not gone on yet
        return found

    async def close(self) -> None:
        await self._lookups.close()
        for lookups in [*self._long_lookups.values()]:
            await lookups.close()

    async def _read(self, topics: Sequence[str]) -> Sequence[_Answer]:
        """What has come to be in memory since it was asked for is not read again."""
        answered = Counter(topics)
        try:
            members = self._find_all(topics)
            unknown = [topic for topic, found in members.items() if found is None]
            if unknown:
                members |= await self._patience.ask(lambda: self._read_once(unknown, self._store.read_short))
            answers: dict[str, _Answer] = {}
            for topic, found in members.items():
                answers[topic] = self._begin_long(topic, answered.pop(topic)) if found is None else found
        finally:
            self._unanswered -= answered
        return [answers[topic] for topic in topics]

    def _begin_long(self, topic: str, asked_count: int) -> asyncio.Task[Members]:
        """Has a long list read, by itself, for so many who asked."""
        lookups = self._long_lookups.setdefault(topic, Grouper(self._read_long, LOOKUPS_AT_ONCE))
        task = asyncio.create_task(lookups.ask(topic))

        def end(task: asyncio.Task[Members]) -> None:
            self._unanswered -= Counter({topic: asked_count})
            if lookups.is_idle:
                self._long_lookups.pop(topic, None)
            if not task.cancelled():
                task.exception()  # those who asked have it, if they are still there

        task.add_done_callback(end)
        return task

    async def _read_long(self, topics: Sequence[str]) -> Sequence[Members]:
        """`topics` are all the same one."""
        [found] = self._find_all(topics).values()
        if found is None:
            lists = await self._patience.ask(lambda: self._read_once(topics[:1], self._store.read))
            found = lists[topics[0]]
        return [found or NOBODY] * len(topics)

    def _find_all(self, topics: Sequence[str]) -> dict[str, Members | None]:
        now_s = self._now_s()
        return {topic: self._matchmaking.find(topic, now_s) for topic in topics}

    async def _read_once(self, topics: Sequence[str], read: _Read) -> dict[str, Members | None]:
        found: dict[str, tuple[int, Members]] = {}
        reading = self._matchmaking.begin_read(topics)
        try:
            for topic, read_list in zip(topics, await read(topics), strict=True):
                if read_list is not None:
                    found[topic] = read_list.version, Members.of(read_list.client_ids)
        finally:
            for topic in self._matchmaking.end_read(reading, found):
                log.warning("the list of %r is too large to be kept in memory: each fanout reads it", topic)
        return {topic: found[topic][1] if topic in found else None for topic in topics}
