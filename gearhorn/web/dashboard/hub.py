"""One observation for all who look, and none while nobody does."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass

from gearhorn.clock import steady_s
from gearhorn.errors import GearhornError
from gearhorn.overview.rates import Rates, measure
from gearhorn.overview.views import Overview
from gearhorn.web.dashboard.history import History


class FullHouse(GearhornError):
    """There are as many live pages as there may be."""


@dataclass(frozen=True, slots=True)
class HubLimits:
    """Seconds between two looks, or `rests` times what the last one took if that is more; and how many live pages may
    be open.
    """

    pause_s: float = 2.0
    rests: float = 9.0
    streams: int = 32


@dataclass(frozen=True, slots=True)
class Sight:
    """One look. `number` counts them; `history` is what the hub remembers, this look included."""

    number: int
    overview: Overview
    rates: Rates
    history: History


class Hub:
    """`look` gives a sight that is not too old; `follow` each new one. To be used within one event loop."""

    def __init__(
        self,
        observe: Callable[[], Awaitable[Overview]],
        limits: HubLimits | None = None,
        now_s: Callable[[], float] = steady_s,
    ) -> None:
        self.limits = limits or HubLimits()
        self._observe = observe
        self._now_s = now_s
        self._history = History(self.limits.pause_s)
        self._sight: Sight | None = None
        self._good_until_s = 0.0
        self._looking: asyncio.Task[Sight] | None = None
        self._stream_count = 0

    async def look(self) -> Sight:
        """The last sight while it is good, else a new one. Those who ask at the same time share it."""
        if self._sight is not None and self._now_s() < self._good_until_s:
            return self._sight
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        return await asyncio.shield(self._looking)

    async def follow(self) -> AsyncIterator[Sight]:
        """A sight, and from then on each new one. Only within `seat`."""
        last = None
        while True:
            sight = await self.look()
            if sight is not last:
                last = sight
                yield sight
            await asyncio.sleep(max(0.0, self._good_until_s - self._now_s()))

    @contextlib.contextmanager
    def seat(self) -> Iterator[None]:
        """A place for one live page. Raises FullHouse."""
        if self._stream_count >= self.limits.streams:
            raise FullHouse(f"{self.limits.streams} live pages are open, and no more are allowed")
        self._stream_count += 1
        try:
            yield
        finally:
            self._stream_count -= 1

    async def close(self) -> None:
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)

    async def _look(self) -> Sight:
        began_at_s = self._now_s()
        overview = await self._observe()
        now_s = self._now_s()
        before = self._sight
        rates = measure(overview, before.overview if before else None)
        self._history.note(now_s, figures_of(overview, rates))
        number = before.number + 1 if before else 1
        self._sight = Sight(number, overview, rates, self._history)
        # By the clock of its begin, so that looks keep their rhythm.
        self._good_until_s = max(began_at_s + self.limits.pause_s, now_s + self.limits.rests * (now_s - began_at_s))
        return self._sight


def figures_of(overview: Overview, rates: Rates) -> dict[str, float | None]:
    """What is remembered for the charts, by name."""
    return {
        "fanouts": rates.fanouts,
        "copies": rates.copies,
        "failures": rates.receivers_failed,
        "backlog": overview.totals.backlog_count,
    }
