"""Finds the lists of topics: in memory, or in the store by a read that began after the question.

Questions that come together are asked together. A long list is read by itself: nobody else waits for that.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

from gearhorn.clock import steady_s
from gearhorn.core.matchmaking import Matchmaking
from gearhorn.core.members import NOBODY, Members
from gearhorn.errors import ListLost
from gearhorn.grouping import Grouper
from gearhorn.logs.event import log_for
from gearhorn.logs.events.lists import LIST_TOO_LARGE
from gearhorn.metrics import Counters
from gearhorn.metrics.counters import LIST_READS
from gearhorn.patience import Patience
from gearhorn.store.base import Store, TopicList

log = log_for(__name__)

LOOKUPS_AT_ONCE = 1000

# A list, or that it was lost.
_Found = Members | ListLost
# Or where it can be waited for.
_Answer = _Found | asyncio.Task[_Found]
_Read = Callable[[Sequence[str]], Awaitable[Sequence[TopicList | None]]]


class Judge(Protocol):
    """Tells which lists were lost: see losses.py."""

    async def judge(self, lists: Mapping[str, TopicList]) -> Mapping[str, ListLost]: ...


class Lookups:
    """Raises StoreUnavailable when the store stays away, and ListLost."""

    def __init__(
        self,
        store: Store,
        patience: Patience,
        matchmaking: Matchmaking,
        now_s: Callable[[], float] = steady_s,
        losses: Judge | None = None,
        counters: Counters | None = None,
    ) -> None:
        """`now_s` is the clock that `matchmaking` goes by. Without `losses` no list counts as lost."""
        self._counters = counters or Counters()
        self._losses = losses
        self._store = store
        self._patience = patience
        self._matchmaking = matchmaking
        self._now_s = now_s
        self._asked: Counter[str] = Counter()  # topics whose lists are waited for
        self._unanswered: Counter[str] = Counter()  # those of them of which the answers are not there yet
        self._lookups: Grouper[str, _Answer] = Grouper(self._read, LOOKUPS_AT_ONCE)
        self._long_lookups: dict[str, Grouper[str, _Found]] = {}  # by topic; while one is under way

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
            return _members_of(await asyncio.shield(answer) if isinstance(answer, asyncio.Task) else answer)
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
            members: dict[str, _Found | None] = {**self._find_all(topics)}
            unknown = [topic for topic, found in members.items() if found is None]
            if unknown:
                is_held = self._matchmaking.lease.is_valid(self._now_s())
                self._counters.count(LIST_READS, "not in memory" if is_held else "no lease", count=len(unknown))
                members |= await self._patience.ask(lambda: self._read_once(unknown, self._store.read_short))
            answers: dict[str, _Answer] = {}
            for topic, found in members.items():
                answers[topic] = self._begin_long(topic, answered.pop(topic)) if found is None else found
        finally:
            self._unanswered -= answered
        return [answers[topic] for topic in topics]

    def _begin_long(self, topic: str, asked_count: int) -> asyncio.Task[_Found]:
        """Has a long list read, by itself, for so many who asked."""
        lookups = self._long_lookups.setdefault(topic, Grouper(self._read_long, LOOKUPS_AT_ONCE))
        task = asyncio.create_task(lookups.ask(topic))

        def end(task: asyncio.Task[_Found]) -> None:
            self._unanswered -= Counter({topic: asked_count})
            if lookups.is_idle:
                self._long_lookups.pop(topic, None)
            if not task.cancelled():
                task.exception()  # those who asked have it, if they are still there

        task.add_done_callback(end)
        return task

    async def _read_long(self, topics: Sequence[str]) -> Sequence[_Found]:
        """`topics` are all the same one."""
        found: _Found | None
        [found] = self._find_all(topics).values()
        if found is None:
            self._counters.count(LIST_READS, "long")
            lists = await self._patience.ask(lambda: self._read_once(topics[:1], self._store.read))
            found = lists[topics[0]]
        return [NOBODY if found is None else found] * len(topics)

    def _find_all(self, topics: Sequence[str]) -> dict[str, Members | None]:
        now_s = self._now_s()
        return {topic: self._matchmaking.find(topic, now_s) for topic in topics}

    async def _read_once(self, topics: Sequence[str], read: _Read) -> dict[str, _Found | None]:
        """Lists that were lost are not kept: the next one who asks may find somebody there."""
        found: dict[str, tuple[int, Members]] = {}
        lost: Mapping[str, ListLost] = {}
        reading = self._matchmaking.begin_read(topics)
        try:
            answers = zip(topics, await read(topics), strict=True)
            lists = {topic: answer for topic, answer in answers if answer is not None}
            lost = await self._losses.judge(lists) if self._losses is not None else lost
            for topic, (version, client_ids) in lists.items():
                if topic not in lost:
                    found[topic] = version, Members.of(client_ids)
        finally:
            for topic in self._matchmaking.end_read(reading, found):
                log.say(LIST_TOO_LARGE, topic=topic)
        return {topic: found[topic][1] if topic in found else lost.get(topic) for topic in topics}


def _members_of(found: _Found) -> Members:
    if isinstance(found, ListLost):
        raise ListLost(str(found))  # of its own for each who asks: it gathers where it has been
    return found
