"""The store of the simulation, and the way to it. The store itself is gearhorn's own that keeps all in memory."""

from collections.abc import Sequence
from copy import deepcopy
from functools import partial
from typing import Any

from gearhorn.store.base import Change, Outcome
from gearhorn.store.leases import LeaseKey
from gearhorn.store.memory import MemoryLists, MemoryStore
from gearhorn.store.memory_leases import MemoryLeases
from tests.unit.simulation.history import History
from tests.unit.simulation.process import Process
from tests.unit.simulation.scheduler import Scheduler, Signal
from tests.unit.simulation.weather import Sky

# Later than the epoch, from which versions count up.
STORE_STARTS_S = 1000.0
# How long an answer is waited for.
ANSWER_LIMIT_S = 2.0
# The answer to a command that has none.
NO_ANSWER = None


class Answer:
    """What the store said; `NO_ANSWER` stands in its place where it said nothing."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


class LossyStore(MemoryStore):
    """Can lose its leases, and go back to lists as they were or to none. It then says so as a store has to.

    All leases last for LEASE_TTL_S seconds.
    """

    LEASE_TTL_S = 10.0

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._kept = MemoryLists()
        self._held_until_s = 0.0
        super().__init__(self._kept, lambda: STORE_STARTS_S + scheduler.now_s)

    @property
    def held_s(self) -> float:
        return max(0.0, self._held_until_s - self._scheduler.now_s)

    def save(self) -> MemoryLists:
        return deepcopy(self._kept)

    def go_back_to(self, saved: MemoryLists) -> None:
        self._kept.__dict__.update(saved.__dict__)
        self._kept.leases = MemoryLeases()
        self._held_until_s = self._scheduler.now_s + self.LEASE_TTL_S

    def lists(self) -> dict[str, frozenset[str]]:
        return {name: frozenset(topic.ends_s) for name, topic in self._kept.topics.items()}

    def unsettled(self) -> list[str]:
        return sorted(self._kept.unsettled)

    async def apply(self, changes: Sequence[Change]) -> Outcome:
        """While leases that were lost may last, nothing is settled: what their workers know may be lost as well."""
        outcome = await super().apply(changes)
        if not self.held_s:
            return outcome
        topics = {topic: state._replace(is_settled=False) for topic, state in outcome.topics.items()}
        return outcome._replace(topics=topics, held_s=self.held_s)

    async def revoke_leases(self, keys: Sequence[LeaseKey]) -> list[float]:
        known = {lease.key for lease in await self.leases()}
        left_s = await super().revoke_leases(keys)
        return [left if key in known else self.held_s for key, left in zip(keys, left_s, strict=True)]


def run_at_once(store: MemoryStore, method: str, args: Sequence[Any]) -> Any:
    """The memory store never waits for anything."""
    try:
        getattr(store, method)(*args).send(None)
    except StopIteration as end:
        return end.value
    raise AssertionError(f"{method} waits")


class StoreLink:
    """Commands travel to the store and answers back; both can be late or get lost. `store` may be away for all, or be
    cut off for one process.
    """

    def __init__(self, store: LossyStore, scheduler: Scheduler, sky: Sky, history: History) -> None:
        self.store = store
        self._scheduler = scheduler
        self._sky = sky
        self._history = history
        self._away_until_s = 0.0
        self._cut_until_s: dict[str, float] = {}
        self._is_mended = False
        run_at_once(store, "open", ())

    def be_away(self, duration_s: float) -> None:
        self._away_until_s = self._scheduler.now_s + duration_s

    def cut_off(self, process: Process, duration_s: float) -> None:
        self._cut_until_s[process.name] = self._scheduler.now_s + duration_s

    def mend(self) -> None:
        """From now on the dead are silent: their last commands are lost where they are."""
        self._is_mended = True
        self._away_until_s = 0.0
        self._cut_until_s = {}

    async def ask(self, process: Process, method: str, *args: Any) -> Answer | None:
        """One command. NO_ANSWER: there was no answer in time; it may have been carried out, or be so even later."""
        answer: Signal[Answer | None] = Signal()
        process.after(ANSWER_LIMIT_S, partial(answer.set, NO_ANSWER))
        if not self._sky.is_hit(self._sky.weather.lost_commands):
            self._scheduler.after(self._sky.transit_s(), partial(self._arrive, process, method, args, answer))
        return await answer

    def _arrive(self, process: Process, method: str, args: Sequence[Any], answer: Signal[Answer | None]) -> None:
        # Who gives up on a change closes the connection, and asks again on a new one only then: the same change is not
        # made once more after it was answered. A worker that crashed leaves its last commands on the way.
        if not self._is_reached(process) or (method == "apply" and answer.is_set):
            return
        value = run_at_once(self.store, method, args)
        self._history.note("store", f"{method} by {process.name}", *args, value)
        if not self._sky.is_hit(self._sky.weather.lost_answers):
            self._scheduler.after(self._sky.transit_s(), partial(self._return, process, answer, Answer(value)))

    def _return(self, process: Process, answer: Signal[Answer | None], value: Answer) -> None:
        if self._is_reached(process):
            process.deliver(partial(answer.set, value))

    def _is_reached(self, process: Process) -> bool:
        now_s = self._scheduler.now_s
        if self._is_mended and not process.is_alive:
            return False
        return now_s >= self._away_until_s and now_s >= self._cut_until_s.get(process.name, 0.0)
