"""The watching worker's looks at the subscribers, and what each look leads to."""

import asyncio
import time
from collections.abc import Collection, Iterable
from functools import partial

from gearhorn.clock import steady_s
from gearhorn.core.health import DEAD, IDLE, SUSPECT, Case, Ward
from gearhorn.errors import GearhornError
from gearhorn.logs.event import log_for
from gearhorn.logs.events.subscribers import SUBSCRIBERS_DROPPED, SUBSCRIBERS_UNDROPPED
from gearhorn.logs.trouble import Trouble
from gearhorn.metrics import Counters
from gearhorn.net.connection import LinkSettings
from gearhorn.subscribers.aside import reckon
from gearhorn.subscribers.backlogs import Backlogs
from gearhorn.subscribers.dropping import Dropper
from gearhorn.subscribers.letters import LetterBox
from gearhorn.subscribers.owners import Owners
from gearhorn.subscribers.policies import DROP, OFF, PAUSE, ReaperSettings
from gearhorn.subscribers.report import NOTHING, Report, owner_of, paused_of
from gearhorn.subscribers.survey import Survey, Surveyor
from gearhorn.subscribers.telling import Patient, tell_back, tell_worse

log = log_for(__name__)

_WORSE = (SUSPECT, DEAD)

# So many are dropped together.
DROPPED_AT_ONCE = 200


class Looker:
    """`begin` when this worker comes to watch, `look` again and again, `end` when it watches no more."""

    def __init__(
        self, settings: ReaperSettings, surveyor: Surveyor, owners: Owners, dropper: Dropper, counters: Counters
    ) -> None:
        self._settings = settings
        self._surveyor = surveyor
        self._owners = owners
        self._dropper = dropper
        self._counters = counters
        self._dropping: asyncio.Task[None] | None = None
        self._drop_trouble = Trouble()
        self._ward = Ward(settings.limits)
        self.backlogs = Backlogs(owners.topics)
        self._looked_at_s = 0.0
        self.look_count = 0
        self.paused: list[tuple[str, str]] = []

    def begin(self, report: Report | None) -> None:
        """Goes on from what the watcher before has left."""
        self.look_count, _, cases = report or NOTHING
        self._ward = Ward(self._settings.limits, dict(cases))
        self._looked_at_s = steady_s()

    async def end(self) -> None:
        """What was counted at the last look is another's to tell."""
        self.backlogs.forget()
        for state in (*_WORSE, "paused"):
            self._counters.set(f"reaper_{state}_subscribers", 0)
        if self._dropping is not None:
            self._dropping.cancel()
            await asyncio.wait([self._dropping])

    def adjust(self, settings: ReaperSettings, link: LinkSettings, letter_box: LetterBox) -> None:
        """From the next look on. What is known of the subscribers stays."""
        self._settings = settings
        self._ward.limits = settings.limits
        self._surveyor.adjust(link)
        self._dropper.adjust(link, letter_box)

    @property
    def cases(self) -> dict[bytes, Case]:
        return self._ward.cases

    def due_in_s(self) -> float | None:
        """When something will have changed if nothing else happens."""
        return self._ward.due_in_s()

    async def look(self) -> Survey:
        """Raises StoreUnavailable; what was seen is not forgotten by that."""
        await self.backlogs.begin()
        limit_count = self._settings.limits.max_backlog_count
        survey = await self._surveyor.look(limit_count, self.cases.keys(), self.backlogs.add)
        self.backlogs.finish()
        now_s = steady_s()
        elapsed_s, self._looked_at_s = now_s - self._looked_at_s, now_s
        look = partial(self._ward.look, now_s=time.time(), elapsed_s=elapsed_s, is_complete=survey.is_complete)
        over = await reckon(len(survey.sights) + len(self.cases), lambda: look(survey.sights))
        self._tell_back(over)
        await self._owners.find(await reckon(len(self.cases), self._in_trouble))
        await reckon(len(self.cases), self._judge)
        self._forget_dropped(survey)
        self.look_count += 1
        return survey

    def drop_dead(self, marked: Collection[bytes]) -> None:
        """To be called when the store knows of those marked, so that another worker can finish this."""
        dropped = {queue: case for queue, case in self.cases.items() if case.is_dropped}
        if dropped and self._dropping is None:
            new = {queue: case for queue, case in dropped.items() if queue in marked}
            self._dropping = asyncio.create_task(self._drop(new, _without(dropped, new)))
            self._dropping.add_done_callback(self._dropped)

    def mark_dead(self) -> list[bytes]:
        """Those that are to be dropped now. None while others are at it."""
        if self._dropping is not None:
            return []
        dead = [queue for queue, case in self.cases.items() if not case.is_dropped and self._is_to_drop(case, queue)]
        for queue in dead:
            self.cases[queue].is_dropped = True
        return dead

    def unmark(self, marked: Iterable[bytes]) -> None:
        for queue in marked:
            self.cases[queue].is_dropped = False

    # What follows from a look.

    def _in_trouble(self) -> dict[bytes, Case]:
        return {queue: case for queue, case in self.cases.items() if self._ward.state(case) != IDLE}

    def _judge(self) -> None:
        worse: dict[str, list[Patient]] = {SUSPECT: [], DEAD: []}
        counts = dict.fromkeys(worse, 0)
        for queue, case in self.cases.items():
            state = self._state(queue, case)
            case.is_paused = state != IDLE and self._policy(queue, case) == PAUSE
            if state != IDLE:
                counts[state] += 1
                if state != case.told:
                    worse[state].append(_patient(queue, case))
            case.told = state
        for state, patients in worse.items():
            tell_worse(state, patients)
            self._counters.set(f"reaper_{state}_subscribers", counts[state])
        self.paused = paused_of(self.cases)
        self._counters.set("reaper_paused_subscribers", len(self.paused))

    def _state(self, queue: bytes, case: Case) -> str:
        """Of what is nobody's queue, or nobody's business, nothing is told."""
        if not case.topic_bytes or case.is_dropped or self._policy(queue, case) == OFF:
            return IDLE
        return self._ward.state(case)

    def _policy(self, queue: bytes, case: Case) -> str:
        return self._settings.policy_of(owner_of(queue, case)[0])

    def _is_to_drop(self, case: Case, queue: bytes) -> bool:
        return case.told == DEAD and self._policy(queue, case) == DROP

    def _tell_back(self, over: dict[bytes, Case]) -> None:
        tell_back([_patient(queue, case) for queue, case in over.items() if case.told != IDLE])

    def _forget_dropped(self, survey: Survey) -> None:
        """Of those that are dropped nothing is left when no server has a job of theirs."""
        if survey.is_complete and self._dropping is None:
            done = [queue for queue, case in self.cases.items() if case.is_dropped]
            self._ward.forget(
                queue for queue in done if queue not in survey.sights or not survey.sights[queue].backlog_count
            )

    # Dropping.

    async def _drop(self, new: dict[bytes, Case], begun: dict[bytes, Case]) -> None:
        for some in _pieces(begun):
            self._leave_alone(await self._dropper.empty(some, is_new=False))
        for some in _pieces(new):
            try:
                gone = await self._dropper.unsubscribe(some)
            except GearhornError:
                _unmark(new)  # also those after it; those before are marked by the store as well
                raise
            _unmark(_without(some, gone))
            for queue in some:
                new.pop(queue)
            self._leave_alone(await self._dropper.empty(gone, is_new=True))

    def _leave_alone(self, back: Iterable[bytes]) -> None:
        """They have shown that they live."""
        for queue in back:
            self.cases[queue].is_dropped = False
            self.cases[queue].alone_s = 0.0

    def _dropped(self, task: asyncio.Task[None]) -> None:
        self._dropping = None
        if task.cancelled():
            return
        if (error := task.exception()) is None:
            if self._drop_trouble.ends():
                log.say(SUBSCRIBERS_DROPPED)
        elif not isinstance(error, GearhornError):
            raise error
        elif self._drop_trouble.begins():
            log.say(SUBSCRIBERS_UNDROPPED, error=error)


def _patient(queue: bytes, case: Case) -> Patient:
    return Patient(*owner_of(queue, case), case.backlog_count, case.since_s, case.is_paused)


def _without(cases: dict[bytes, Case], others: Collection[bytes]) -> dict[bytes, Case]:
    return {queue: case for queue, case in cases.items() if queue not in others}


def _unmark(cases: dict[bytes, Case]) -> None:
    for case in cases.values():
        case.is_dropped = False


def _pieces(cases: dict[bytes, Case]) -> Iterable[dict[bytes, Case]]:
    items = list(cases.items())
    return [dict(items[at : at + DROPPED_AT_ONCE]) for at in range(0, len(items), DROPPED_AT_ONCE)]
