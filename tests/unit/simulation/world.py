"""One history: everything put together, let run, troubled, left in peace, and judged.

* scheduler.py, process.py: virtual time, and processes with clocks of their own that stop, go on and crash.
* weather.py, faults.py: what goes wrong.
* store.py, channel.py: the store and the way to it, and the messages between workers.
* worker.py, with leasing.py, lookups.py, changes.py, rounds.py: a worker around the core that is under test.
* fleet.py, clients.py: which workers there are, and who wants something of them.
* history.py, oracle.py, ending.py: what happened, and whether it may.
"""

from collections.abc import Iterator, Sequence
from random import Random
from typing import NamedTuple

from gearhorn.core.matchmaking import MatchmakingLimits
from tests.unit.simulation import ending, oracle
from tests.unit.simulation.channel import Channel
from tests.unit.simulation.clients import Publisher, Subscriber
from tests.unit.simulation.faults import Faults
from tests.unit.simulation.fleet import Fleet
from tests.unit.simulation.history import History
from tests.unit.simulation.process import Process
from tests.unit.simulation.scheduler import Scheduler
from tests.unit.simulation.store import LossyStore, StoreLink
from tests.unit.simulation.weather import Sky, Weather, draw_weather
from tests.unit.simulation.worker import Worker

WORKER_IDS = ("a", "b", "c")
# The clocks of workers differ from the store's by this much at most: what core/lease.py allows for.
CLOCK_SPREAD = 0.02
TROUBLED_S = 30.0


class Verdict(NamedTuple):
    """`breaches` of the promise, and `leftovers`: what did not come to rest when the trouble had ended."""

    seed: int
    weather: Weather
    history: History
    breaches: list[str]
    leftovers: list[str]
    event_count: int

    @property
    def wrongs(self) -> list[str]:
        return self.breaches + self.leftovers


def describe(verdict: Verdict, options: str = "") -> str:
    """What is wrong, and the command that tells how it came. `options` are those that it needs besides the seed."""
    wrongs = "\n  ".join(verdict.wrongs)
    return f"seed {verdict.seed}; for its history: python -m tests.unit.simulation {verdict.seed}{options}\n  {wrongs}"


def run(seed: int, weather: Weather | None = None) -> Verdict:
    """The history of a seed. It depends on nothing else, save the weather where that is given."""
    return World(seed, weather).run()


class World:
    def __init__(self, seed: int, weather: Weather | None) -> None:
        self._seed = seed
        self._random = random = Random(seed)
        self._weather = weather or draw_weather(random)
        self._sky = sky = Sky(self._weather, random)
        self._scheduler = scheduler = Scheduler()
        self._history = history = History(lambda: scheduler.now_s)
        self._store = LossyStore(scheduler)
        self._link = StoreLink(self._store, scheduler, sky, history)
        self._channel = Channel(scheduler, sky, history)
        self._limits = MatchmakingLimits(LossyStore.LEASE_TTL_S, random.choice((1, 10)), random.choice((4, 100)))
        self._patience_s = random.choice((3.0, 30.0))
        self._fleet = Fleet(scheduler, self._channel, history, self._new_worker)
        self._faults = Faults(scheduler, sky, self._fleet, self._link, self._channel, self._store, history)
        self._publisher = Publisher(scheduler, sky, self._fleet, history, random.choice((0.5, 2.0)))
        self._topics = ["t1", "t2"][: random.choice((1, 1, 2))]
        self._subscribers = list(self._new_subscribers())

    def run(self) -> Verdict:
        for worker_id in WORKER_IDS:
            self._fleet.start(worker_id, knows_predecessors=False)
        for subscriber in self._subscribers:
            subscriber.start()
        self._publisher.start(self._topics)
        self._faults.start()
        self._scheduler.run_until(TROUBLED_S)
        leftovers = list(self._come_to_rest())
        breaches = oracle.breaches(self._history)
        return Verdict(self._seed, self._weather, self._history, breaches, leftovers, self._scheduler.event_count)

    def _new_worker(self, worker_id: str, name: str, dead_tokens: Sequence[str]) -> Worker:
        random = self._random
        rate = 1 + CLOCK_SPREAD * random.choice((-1, 1, -1, 1, 0, random.uniform(-1, 1)))
        return Worker(
            worker_id,
            Process(name, self._scheduler, random, rate, random.uniform(-1e6, 1e6)),
            self._link,
            self._channel,
            self._history,
            self._limits,
            self._patience_s,
            dead_tokens,
            self._faults.step,
        )

    def _new_subscribers(self) -> Iterator[Subscriber]:
        """Some two to five, on the few topics."""
        random = self._random
        crowd = Process("clients", self._scheduler, random)
        pause_s, ttl_s = random.choice((1.5, 4.0)), random.choice((0.0, 0.0, 0.0, 6.0))
        for topic in self._topics:
            for number in range(random.choice((2, 3))):
                yield Subscriber(
                    crowd,
                    self._sky,
                    self._fleet,
                    self._history,
                    self._publisher,
                    (topic, f"s{number + 1}"),
                    pause_s,
                    ttl_s,
                )

    def _come_to_rest(self) -> Iterator[str]:
        self._history.note("all", "come to rest")
        self._faults.end()
        self._publisher.end()
        for subscriber in self._subscribers:
            subscriber.end()
        submitted = list(self._history.attempts)
        self._scheduler.run_until(TROUBLED_S + ending.COMPLETED_WITHIN_S)
        yield from ending.find_unanswered(submitted)
        self._scheduler.run_until(TROUBLED_S + ending.SETTLED_WITHIN_S)
        yield from ending.find_unanswered(self._history.attempts)
        yield from ending.find_unsettled(self._store)
        yield from ending.find_strange_leases(self._store, self._fleet)
        yield from ending.find_wrong_lists(self._scheduler, self._store, self._fleet, self._publisher, self._topics)
