"""Looks after the subscribers: one worker for all watches the servers, and the others go by what it found.

What is found is kept in the store, so that the worker that comes after knows since when. A record that ends, because
nobody can tell any more, lets all copies flow again.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from random import Random
from typing import NamedTuple

from gearhorn.clock import steady_s
from gearhorn.errors import GearhornError
from gearhorn.logs.event import log_for
from gearhorn.logs.events.subscribers import WATCH_BEGUN, WATCH_BLIND, WATCH_ENDED, WATCH_OFF, WATCH_SEES
from gearhorn.logs.trouble import Trouble
from gearhorn.matchmaking.directory import Directory
from gearhorn.metrics import Counters
from gearhorn.net.address import Address
from gearhorn.net.connection import LinkSettings
from gearhorn.net.dispatch import Dispatch
from gearhorn.store.base import Store
from gearhorn.subscribers.aside import reckon
from gearhorn.subscribers.dropping import Dropper
from gearhorn.subscribers.election import Election
from gearhorn.subscribers.letters import LetterBox, LetterFile, LetterQueue, NoLetterBox
from gearhorn.subscribers.looking import Looker
from gearhorn.subscribers.owners import Owners
from gearhorn.subscribers.pauses import Pauses
from gearhorn.subscribers.policies import ReaperSettings
from gearhorn.subscribers.report import read_paused, read_report, write_report
from gearhorn.subscribers.survey import Surveyor

log = log_for(__name__)

# A watcher that says nothing for so many intervals is taken for dead; what it knew outlasts that.
OFFICE_INTERVALS = 3
REPORT_INTERVALS = 6
# A server that took longer than this for its list stood still meanwhile (geard does, 1 s for 100,000 queues); it is
# asked so seldom that this is a fiftieth of its time.
LONG_ANSWER_S = 0.5
MOST_SHARE = 1 / 50
# What is about to fall due is looked at when it does; so often in an interval at the most.
LOOKS_PER_INTERVAL = 4
# A pause ends a little early by one clock or the other.
CLOCK_TICK_S = 0.01


class Names(NamedTuple):
    """What this worker is called, and where workers meet."""

    worker_id: str
    client_id: str
    matchmaking_topic: str


class Watcher:
    """`run` watches or follows, whichever falls to this worker."""

    def __init__(
        self, settings: ReaperSettings, store: Store, election: Election, looker: Looker, pauses: Pauses
    ) -> None:
        self._settings = settings
        self._store = store
        self._election = election
        self._looker = looker
        self._pauses = pauses
        self._is_watching = False
        self._trouble = Trouble()
        self._heard_at_s = steady_s()
        self._pause_s = settings.interval_s
        self._adjusted = asyncio.Event()

    def adjust(self, settings: ReaperSettings, link: LinkSettings, letter_box: LetterBox) -> None:
        """Other settings, from the next look on, which comes at once if they differ."""
        is_new, self._settings = settings != self._settings, settings
        self._looker.adjust(settings, link, letter_box)
        if is_new:
            self._pause_s = settings.interval_s
            self._adjusted.set()

    @property
    def is_watching(self) -> bool:
        """For all workers, at its last turn."""
        return self._is_watching

    @property
    def backlogs(self) -> Mapping[str, int]:
        """By topic, the copies that waited at this worker's last look; nothing where another one watches."""
        return self._looker.backlogs.by_topic

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            while not self._is_on():
                await self._sleep(None)
            await self._turn(self._follow)  # at once: this worker may have been away for a moment only
            await self._sleep(self._settings.interval_s * Random().random())  # workers that start together
            while self._is_on():
                await self._turn(self._watch_or_follow)
                await self._sleep(self._pause_s)
            await self._turn(self._retire)

    def _is_on(self) -> bool:
        return not self._settings.is_off

    async def _sleep(self, limit_s: float | None) -> None:
        """Until then, or until the settings are others."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limit_s):
                await self._adjusted.wait()
        self._adjusted.clear()

    async def close(self) -> None:
        """Lets another worker watch. To be called before the store is closed."""
        await self._looker.end()
        await self._election.release()

    async def _turn(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except GearhornError as error:
            if self._trouble.begins():
                log.say(WATCH_BLIND, error=error)
        else:
            if self._trouble.ends():
                log.say(WATCH_SEES)
        if steady_s() - self._heard_at_s > REPORT_INTERVALS * self._settings.interval_s:
            self._pauses.set(())

    async def _watch_or_follow(self) -> None:
        is_elected = await self._election.hold(self._for_intervals(OFFICE_INTERVALS))
        was_watching, self._is_watching = self._is_watching, is_elected
        self._pause_s = self._settings.interval_s
        if is_elected:
            if not was_watching:
                log.say(WATCH_BEGUN)
                self._looker.begin(await read_report(self._store))
            await self._watch()
            return
        if was_watching:
            log.say(WATCH_ENDED)
            await self._looker.end()
        await self._follow()

    async def _retire(self) -> None:
        """Nobody is looked after any more, and nobody is paused."""
        log.say(WATCH_OFF)
        self._pauses.set(())
        self._is_watching = False
        await self.close()

    async def _watch(self) -> None:
        survey = await self._looker.look()
        await self._pause(self._looker.paused)
        self._pause_s = self._next_pause_s(survey.longest_s)
        if self._pause_s > self._settings.interval_s:
            await self._election.hold(self._for_intervals(OFFICE_INTERVALS))
        marked = self._looker.mark_dead()
        try:
            ttl_s = self._for_intervals(REPORT_INTERVALS)
            await write_report(self._store, self._looker.look_count, self._looker.cases, ttl_s)
        except GearhornError:
            self._looker.unmark(marked)
            raise
        self._heard_at_s = steady_s()
        self._looker.drop_dead(marked)

    async def _follow(self) -> None:
        paused = await read_paused(self._store)
        await self._pause(paused or ())
        self._heard_at_s = steady_s()

    async def _pause(self, pairs: Collection[tuple[str, str]]) -> None:
        await reckon(len(pairs), lambda: self._pauses.set(pairs))

    def _next_pause_s(self, longest_s: float) -> float:
        interval_s = self._settings.interval_s
        due_in_s = self._looker.due_in_s()
        if due_in_s is not None:
            interval_s = min(interval_s, max(due_in_s + CLOCK_TICK_S, interval_s / LOOKS_PER_INTERVAL))
        return interval_s if longest_s < LONG_ANSWER_S else max(interval_s, longest_s / MOST_SHARE)

    def _for_intervals(self, count: int) -> float:
        return count * max(self._settings.interval_s, self._pause_s)


def make_watcher(
    settings: ReaperSettings,
    store: Store,
    directory: Directory,
    dispatch: Dispatch,
    servers: Sequence[Address],
    link: LinkSettings,
    names: Names,
    counters: Counters,
    pauses: Pauses,
) -> Watcher:
    dropper = Dropper(directory, servers, link, names.client_id, letter_box(settings, dispatch), counters)
    owners = Owners(store, directory, names.matchmaking_topic)
    looker = Looker(settings, Surveyor(servers, link), owners, dropper, counters)
    return Watcher(settings, store, Election(store, names.worker_id), looker, pauses)


def letter_box(settings: ReaperSettings, dispatch: Dispatch) -> LetterBox:
    if settings.dead_letter_file:
        return LetterFile(settings.dead_letter_file)
    return LetterQueue(dispatch.links, settings.dead_letter_queue) if settings.dead_letter_queue else NoLetterBox()
