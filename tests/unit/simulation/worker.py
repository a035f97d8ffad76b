"""One worker's process, put together."""

from collections.abc import Awaitable, Callable, Sequence

from gearhorn.core.matchmaking import Matchmaking, MatchmakingLimits
from gearhorn.core.news import News
from gearhorn.store.leases import LeaseKey, Renewal
from tests.unit.simulation.changes import Changes
from tests.unit.simulation.channel import Channel
from tests.unit.simulation.history import Attempt, History
from tests.unit.simulation.leasing import Leasing
from tests.unit.simulation.lookups import Lookups
from tests.unit.simulation.process import Process, Task
from tests.unit.simulation.rounds import Rounds
from tests.unit.simulation.store import StoreLink

# How often a worker that leaves looks whether it has finished.
POLL_S = 0.2

Step = Callable[["Worker", str], Awaitable[None]]


class Worker:
    """`step` is called at each step of a change; a fault may strike there."""

    def __init__(
        self,
        worker_id: str,
        process: Process,
        link: StoreLink,
        channel: Channel,
        history: History,
        limits: MatchmakingLimits,
        patience_s: float,
        dead_tokens: Sequence[str],
        step: Step,
    ) -> None:
        async def my_step(name: str) -> None:
            await step(self, name)

        self.worker_id = worker_id
        self.process = process
        self.is_leaving = False
        self.matchmaking = matchmaking = Matchmaking(limits)
        self.lookups = Lookups(process, link, matchmaking, history)
        self.leasing = Leasing(process, link, matchmaking, worker_id, dead_tokens, self._on_renewal)
        self.rounds = Rounds(process, link, channel, matchmaking, history, patience_s, my_step)
        self.changes = Changes(process, link, matchmaking, self.rounds, history, patience_s, my_step)
        self.attempts: list[Attempt] = []
        self._link = link
        self._keeper: Task = self.leasing.run()

    def start(self) -> None:
        self.process.run(self._keeper)
        self.process.run(self.changes.run())
        self.process.run(self.rounds.run())

    @property
    def open_attempts(self) -> list[Attempt]:
        """Jobs that were given to this worker, and neither completed nor failed."""
        self.attempts = [attempt for attempt in self.attempts if attempt.over is None]
        return self.attempts

    async def leave(self, limit_s: float) -> None:
        """Finishes what it has, within `limit_s` seconds, and gives its lease back."""
        end_s = self.process.now_s() + limit_s
        while self.open_attempts and self.process.now_s() < end_s:
            await self.process.sleep(POLL_S)
        self.process.end(self._keeper)
        await self.leasing.release()

    def hear_message(self, token: str, news: Sequence[News]) -> bool:
        return self.matchmaking.hear_message(token, news)

    def _on_renewal(self, renewal: Renewal) -> None:
        news = [News(topic, version) for topic, version in renewal.unsettled]
        if news:
            self.matchmaking.hear(news)
            self.rounds.tell_for_others(news)
        for key in renewal.run_out:
            self.process.run(self._forget(key))

    async def _forget(self, key: LeaseKey) -> None:
        await self._link.ask(self.process, "forget_lease", key)
