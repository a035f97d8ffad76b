"""Makes changes as gearhorn's workers do: in the store, in their own memory, and in that of all others."""

from collections.abc import Awaitable, Callable, Sequence

from gearhorn.core.matchmaking import Matchmaking
from gearhorn.matchmaking.directory import news_of
from gearhorn.store.base import Change, Outcome
from tests.unit.simulation.history import Attempt, History
from tests.unit.simulation.process import Process
from tests.unit.simulation.rounds import Rounds
from tests.unit.simulation.scheduler import Bell
from tests.unit.simulation.store import NO_ANSWER, StoreLink

RETRY_S = 0.5


class Changes:
    """`patience_s` is how long a store that is away is asked again. `step` is where a fault may strike."""

    def __init__(
        self,
        process: Process,
        link: StoreLink,
        matchmaking: Matchmaking,
        rounds: Rounds,
        history: History,
        patience_s: float,
        step: Callable[[str], Awaitable[None]],
    ) -> None:
        self._process = process
        self._link = link
        self._matchmaking = matchmaking
        self._rounds = rounds
        self._history = history
        self._patience_s = patience_s
        self._step = step
        self._waiting: list[Attempt] = []
        self._work = Bell()

    def submit(self, attempt: Attempt) -> None:
        """What comes while a call is under way goes with the next one."""
        self._waiting.append(attempt)
        self._work.ring()

    async def run(self) -> None:
        while True:
            await self._work.wait()
            attempts, self._waiting = self._waiting, []
            await self._make(attempts)

    async def _make(self, attempts: Sequence[Attempt]) -> None:
        changes = [attempt.change for attempt in attempts]
        outcome = await self._apply(changes)
        if outcome is None:
            for attempt in attempts:
                self._history.fail(self._process.name, attempt)
            return
        await self._step("applied")
        news = list(news_of(changes, outcome))
        self._matchmaking.hear_own(news, [lease.key.token for lease in outcome.leases])
        await self._step("heard")
        told = {one.topic for one in news}
        for attempt in attempts:
            if attempt.topic not in told:
                self._history.complete(self._process.name, attempt)
        if news:
            waiting = [attempt for attempt in attempts if attempt.topic in told]
            self._rounds.tell(news, waiting, outcome.leases, outcome.held_s)

    async def _apply(self, changes: Sequence[Change]) -> Outcome | None:
        give_up_at_s = self._process.now_s() + self._patience_s
        while self._process.now_s() < give_up_at_s:
            answer = await self._link.ask(self._process, "apply", changes)
            if answer is not NO_ANSWER:
                outcome: Outcome = answer.value
                return outcome
            await self._process.sleep(RETRY_S)
        return None
