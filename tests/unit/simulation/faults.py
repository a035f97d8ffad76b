"""What goes wrong in a history by plan: crashes, pauses, cuts, outages, and worse."""

from functools import partial

from gearhorn.store.memory import MemoryLists
from tests.unit.simulation.channel import Channel
from tests.unit.simulation.fleet import Fleet
from tests.unit.simulation.history import History
from tests.unit.simulation.scheduler import Scheduler, Signal
from tests.unit.simulation.store import LossyStore, StoreLink
from tests.unit.simulation.weather import Sky
from tests.unit.simulation.worker import Worker

# A pause or a cut may be longer than a lease lasts.
LONGEST_IN_LEASES = 1.8
# A step of a change that is only slow.
SLOW_S = 2.0
# An outage of the store for all, and how long a worker is gone before it is started again.
LONGEST_OUTAGE_S = 5.0
LONGEST_ABSENCE_S = 8.0
# How old the lists are to which a store goes back that loses only what is new.
LONGEST_UNSAVED_S = 3.0


class Faults:
    def __init__(
        self,
        scheduler: Scheduler,
        sky: Sky,
        fleet: Fleet,
        link: StoreLink,
        channel: Channel,
        store: LossyStore,
        history: History,
    ) -> None:
        self._scheduler = scheduler
        self._sky = sky
        self._random = sky.random
        self._fleet = fleet
        self._link = link
        self._channel = channel
        self._store = store
        self._history = history
        self._saved = MemoryLists()
        self._gone: Worker | None = None
        self._longest_s = LONGEST_IN_LEASES * store.LEASE_TTL_S

    def start(self) -> None:
        if self._sky.weather.faults:
            self._plan_next()
        if "loss" in self._sky.weather.faults:
            self._save()

    def end(self) -> None:
        """What was broken is mended, and from now on all goes well. Of each id one worker is left, or none."""
        self._sky.clear_up()
        self._link.mend()
        self._channel.mend()
        for worker in list(self._fleet.alive):
            if any(other.worker_id == worker.worker_id for other in self._fleet.open_to_jobs if other is not worker):
                self._fleet.crash(worker)
            else:
                self._resume(worker)
        if self._random.random() < 0.2 and len(self._fleet.open_to_jobs) > 1:
            self._gone = self._random.choice(self._fleet.open_to_jobs)
            self._fleet.crash(self._gone)

    async def step(self, worker: Worker, name: str) -> None:
        """A change has come to a step at which its worker may be struck."""
        if self._sky.is_hit(self._sky.weather.struck):
            self._history.note(worker.process.name, f"is struck when it has come to {name!r}")
            await self._strike(worker, self._random.choice(self._sky.weather.blows))

    async def _strike(self, worker: Worker, blow: str) -> None:
        if blow == "crash":
            self._scheduler.after(0.0, partial(self._crash, worker))
            await Signal()
        elif blow == "pause":
            self._scheduler.after(0.0, partial(self._pause, worker))
            await worker.process.sleep(0.001)
        else:
            await worker.process.sleep(self._random.random() * SLOW_S)

    def _plan_next(self) -> None:
        self._scheduler.after(self._random.expovariate(1 / self._sky.weather.fault_every_s), self._happen)

    def _happen(self) -> None:
        if not self._sky.weather.faults:
            return
        kind = self._random.choice(self._sky.weather.faults)
        if kind == "outage":
            self._go_away()
        elif kind == "loss":
            self._lose()
        elif self._fleet.open_to_jobs:
            strike = {"crash": self._crash, "pause": self._pause, "cut": self._cut, "twin": self._twin}
            strike.get(kind, self._leave)(self._choose())
        self._plan_next()

    def _choose(self) -> Worker:
        """Rather one with a change in hand."""
        workers = self._fleet.open_to_jobs
        busy = [worker for worker in workers if worker.rounds.is_under_way]
        return self._random.choice(busy if busy and self._random.random() < 0.5 else workers)

    def _crash(self, worker: Worker) -> None:
        self._fleet.crash(worker)
        self._return_later(worker.worker_id)

    def _leave(self, worker: Worker) -> None:
        self._fleet.leave(worker)
        self._return_later(worker.worker_id)

    def _return_later(self, worker_id: str) -> None:
        self._scheduler.after(self._random.random() * LONGEST_ABSENCE_S, partial(self._return, worker_id))

    def _return(self, worker_id: str) -> None:
        is_gone = self._gone is not None and self._gone.worker_id == worker_id
        if not is_gone and all(worker.worker_id != worker_id for worker in self._fleet.open_to_jobs):
            self._fleet.start(worker_id, knows_predecessors=self._random.random() < 0.5)

    def _twin(self, worker: Worker) -> None:
        """Another one is started under the same id, by mistake."""
        self._fleet.start(worker.worker_id, knows_predecessors=True)

    def _pause(self, worker: Worker) -> None:
        if worker.process.is_alive and not worker.process.is_paused:
            self._history.note(worker.process.name, "stops")
            worker.process.pause()
            self._scheduler.after(self._random.random() * self._longest_s, partial(self._resume, worker))

    def _resume(self, worker: Worker) -> None:
        if worker.process.is_paused:
            self._history.note(worker.process.name, "goes on")
            worker.process.resume()

    def _cut(self, worker: Worker) -> None:
        duration_s = self._random.random() * self._longest_s
        self._history.note(worker.process.name, f"does not reach the store for {duration_s:.3f} s")
        self._link.cut_off(worker.process, duration_s)
        if self._random.random() < 0.5:
            self._history.note(worker.process.name, "nor do messages reach it")
            self._channel.cut_off(worker.process, duration_s)

    def _go_away(self) -> None:
        duration_s = self._random.random() * LONGEST_OUTAGE_S
        self._history.note("store", f"is away for {duration_s:.3f} s")
        self._link.be_away(duration_s)

    def _save(self) -> None:
        if self._sky.weather.faults:
            self._saved = self._store.save()
            self._scheduler.after(self._random.random() * LONGEST_UNSAVED_S, self._save)

    def _lose(self) -> None:
        """Goes back to lists that were saved a while ago; to none; or only its leases are gone."""
        self._store.go_back_to(self._random.choice((self._saved, MemoryLists(), self._store.save())))
        self._saved = self._store.save()
        self._history.lose(self._store.lists())
