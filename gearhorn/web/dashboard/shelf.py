"""Keeps what many viewers want for a moment: so it is made once for all of them, and seldom where it costs much."""

import asyncio
import math
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

from gearhorn.clock import steady_s
from gearhorn.errors import GearhornError

Thing = TypeVar("Thing")


class TooBusy(GearhornError):
    """So many wait for what is made one after the other that one more would wait too long."""


@dataclass(frozen=True, slots=True)
class ShelfLimits:
    """What took a second to make is good for `rests` seconds, and nothing for less than `age_s`. Before the next thing
    is made in its place, `pauses` times what it took go by.

    So many `things` are kept, which have no more than so much `weight` together unless one alone has more; so many are
    made `at_once`, and so many may be `wanted`, those included.
    """

    age_s: float = 2.0
    rests: float = 20.0
    pauses: float = 1.0
    things: int = 16
    weight: int = 300_000
    at_once: int = 1
    wanted: int = 16


@dataclass(slots=True)
class _Kept(Generic[Thing]):
    task: "asyncio.Task[Thing]"
    good_until_s: float = 0.0
    weight: int = 0


class Shelf:
    """`get` gives what is there, or has it made. What nobody asks for is not made."""

    def __init__(
        self,
        limits: ShelfLimits | None = None,
        now_s: Callable[[], float] = steady_s,
        weigh: Callable[[Any], int] = lambda _: 0,
    ) -> None:
        self._limits = limits or ShelfLimits()
        self._now_s = now_s
        self._weigh = weigh
        self._kept: OrderedDict[Hashable, _Kept[Any]] = OrderedDict()
        self._turns = asyncio.Semaphore(self._limits.at_once)
        self._wanted_count = 0

    async def get(self, key: Hashable, make: Callable[[], Awaitable[Thing]]) -> Thing:
        """Raises what `make` raises, to all who wait for it, and TooBusy. A caller that is cancelled ends nothing."""
        kept = self._kept.get(key)
        if kept is None or (kept.task.done() and (kept.good_until_s <= self._now_s() or _has_failed(kept.task))):
            kept = self._begin(key, make)
        return cast(Thing, await asyncio.shield(kept.task))

    async def close(self) -> None:
        """Ends what is being made."""
        tasks = [kept.task for kept in self._kept.values()]
        self._kept.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _begin(self, key: Hashable, make: Callable[[], Awaitable[Thing]]) -> _Kept[Thing]:
        if self._wanted_count >= self._limits.wanted:
            raise TooBusy("too many ask at once: try again in a moment")
        self._wanted_count += 1
        kept = self._kept[key] = _Kept(asyncio.create_task(self._make(key, make)))
        self._kept.move_to_end(key)
        kept.task.add_done_callback(self._done)
        self._let_go()
        return kept

    def _done(self, task: "asyncio.Task[Any]") -> None:
        self._wanted_count -= 1
        if not task.cancelled():
            task.exception()  # is told to who waits, if anybody still does

    async def _make(self, key: Hashable, make: Callable[[], Awaitable[Thing]]) -> Thing:
        await self._turns.acquire()
        began_at_s = self._now_s()
        try:
            made = await make()
        finally:
            took_s = self._now_s() - began_at_s
            asyncio.get_running_loop().call_later(self._limits.pauses * took_s, self._turns.release)
        if key in self._kept:
            self._keep(self._kept[key], took_s, self._weigh(made))
        return made

    def _keep(self, kept: _Kept[Any], took_s: float, weight: int) -> None:
        good_for_s = max(self._limits.age_s, self._limits.rests * took_s)
        kept.good_until_s, kept.weight = self._now_s() + good_for_s, weight
        self._let_go()
        if good_for_s < math.inf:
            asyncio.get_running_loop().call_later(good_for_s, self._drop_old)

    def _drop_old(self) -> None:
        """Nobody may ask for it any more, and it may be large."""
        now_s = self._now_s()
        for key in [key for key, kept in self._kept.items() if kept.task.done() and kept.good_until_s <= now_s]:
            del self._kept[key]

    def _let_go(self) -> None:
        """Of what is made already the thing that was begun first goes."""
        for key in [key for key, kept in self._kept.items() if kept.task.done()]:
            weight = sum(kept.weight for kept in self._kept.values())
            if len(self._kept) <= self._limits.things and weight <= self._limits.weight:
                return
            del self._kept[key]


def _has_failed(task: "asyncio.Task[Any]") -> bool:
    return task.cancelled() or task.exception() is not None
