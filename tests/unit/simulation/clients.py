"""Those who subscribe and unsubscribe, and those who publish."""

from collections.abc import Sequence
from functools import partial

from tests.unit.simulation.fleet import Fleet
from tests.unit.simulation.history import History
from tests.unit.simulation.process import Process
from tests.unit.simulation.scheduler import Scheduler
from tests.unit.simulation.weather import Sky
from tests.unit.simulation.worker import Worker

# A job that was not answered for so long is given to another worker, though the first may yet do it.
IMPATIENT_S = 15.0
RETRY_S = 0.3


class Publisher:
    """Publishes every `every_s` seconds or so; and everywhere at the moment at which a change completes, when a worker
    that has missed it shows.
    """

    def __init__(self, scheduler: Scheduler, sky: Sky, fleet: Fleet, history: History, every_s: float) -> None:
        self._scheduler = scheduler
        self._sky = sky
        self._random = sky.random
        self._fleet = fleet
        self._history = history
        self._every_s = every_s
        self._is_over = False

    def start(self, topics: Sequence[str]) -> None:
        self._scheduler.after(self._random.expovariate(1 / self._every_s), partial(self._publish_somewhere, topics))

    def end(self) -> None:
        self._is_over = True

    def publish(self, worker: Worker, topic: str, transit_s: float) -> None:
        submitted = self._history.moment()
        fan_out = partial(worker.lookups.fan_out, topic, submitted)
        self._scheduler.after(transit_s, partial(worker.process.deliver, fan_out))

    def publish_everywhere(self, topic: str) -> None:
        for worker in self._fleet.alive:
            self.publish(worker, topic, 0.0 if self._sky.is_hit(0.7) else self._sky.transit_s())

    def _publish_somewhere(self, topics: Sequence[str]) -> None:
        if self._is_over:
            return
        if workers := self._fleet.open_to_jobs:
            self.publish(self._random.choice(workers), self._random.choice(topics), self._sky.transit_s())
        self.start(topics)


class Subscriber:
    """One client id of one topic. It wants one thing at a time: to be on the list, or not."""

    def __init__(
        self,
        process: Process,
        sky: Sky,
        fleet: Fleet,
        history: History,
        publisher: Publisher,
        pair: tuple[str, str],
        pause_s: float,
        ttl_s: float,
    ) -> None:
        """It waits `pause_s` seconds on average before it wants something else; it subscribes for `ttl_s` seconds."""
        self._process = process
        self._sky = sky
        self._random = sky.random
        self._fleet = fleet
        self._history = history
        self._publisher = publisher
        self._topic, self._client_id = pair
        self._pause_s = pause_s
        self._ttl_s = ttl_s
        self._is_over = False

    def start(self) -> None:
        self._process.run(self._live())

    def end(self) -> None:
        """What it wants, it still gets; it wants nothing else."""
        self._is_over = True

    async def _live(self) -> None:
        is_on = True
        await self._process.sleep(self._random.random() * self._pause_s)
        while not self._is_over:
            await self._get_done(is_on)
            is_on = not is_on if self._sky.is_hit(0.85) else is_on
            await self._process.sleep(self._random.expovariate(1 / self._pause_s))

    async def _get_done(self, is_on: bool) -> None:
        """Asks until the job completes, or, sometimes, changes its mind before."""
        while self._is_over or self._sky.is_hit(0.95):
            if self._fleet.open_to_jobs and await self._try(is_on):
                self._publisher.publish_everywhere(self._topic)
                return
            await self._process.sleep(RETRY_S)

    async def _try(self, is_on: bool) -> bool:
        """A client sees only that a job takes long, or that its worker is gone; the job may yet be done."""
        attempt = self._history.invoke(self._topic, self._client_id, is_on, self._ttl_s if is_on else 0.0)
        self._fleet.give(self._random.choice(self._fleet.open_to_jobs), attempt, self._sky.transit_s())
        self._process.after(IMPATIENT_S, partial(attempt.answered.set, False))
        return await attempt.answered
