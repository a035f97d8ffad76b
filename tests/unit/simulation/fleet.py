"""Which workers there are, and how they come and go."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial

from tests.unit.simulation.channel import Channel
from tests.unit.simulation.history import Attempt, History
from tests.unit.simulation.scheduler import Scheduler
from tests.unit.simulation.worker import Worker

# Nothing that a crashed worker sent is on its way for longer.
LONGEST_TRANSIT_S = 10.0
# When a Gearman server has noticed that a worker is gone, and tells those whose jobs it had.
NOTICED_S = 0.2
# A worker that leaves finishes what it has, but does not wait for ever.
LEAVING_LIMIT_S = 4.0

NewWorker = Callable[[str, str, Sequence[str]], Worker]


class Fleet:
    """`new_worker` makes one of an id, a name and the tokens of its dead predecessors, as far as they are known."""

    def __init__(self, scheduler: Scheduler, channel: Channel, history: History, new_worker: NewWorker) -> None:
        self.alive: list[Worker] = []
        self._scheduler = scheduler
        self._channel = channel
        self._history = history
        self._new_worker = new_worker
        self._dead_tokens: dict[str, list[str]] = defaultdict(list)
        self._started_counts: dict[str, int] = defaultdict(int)

    @property
    def open_to_jobs(self) -> list[Worker]:
        """Those that a Gearman server gives jobs. It does not know of one that stands still."""
        return [worker for worker in self.alive if not worker.is_leaving]

    def start(self, worker_id: str, *, knows_predecessors: bool) -> None:
        self._started_counts[worker_id] += 1
        dead_tokens = self._dead_tokens[worker_id] if knows_predecessors else ()
        worker = self._new_worker(worker_id, f"{worker_id}{self._started_counts[worker_id]}", dead_tokens)
        self._history.note(worker.process.name, "starts")
        self.alive.append(worker)
        self._channel.serve(worker_id, worker)
        worker.start()

    def crash(self, worker: Worker) -> None:
        if worker.process.is_alive:
            self._history.note(worker.process.name, "crashes")
            self._end(worker)

    def leave(self, worker: Worker) -> None:
        """It takes no more jobs, and is gone in a while."""
        self._history.note(worker.process.name, "leaves")
        worker.is_leaving = True
        worker.process.run(self._leave(worker))

    async def _leave(self, worker: Worker) -> None:
        await worker.leave(LEAVING_LIMIT_S)
        self._scheduler.after(0.0, partial(self.crash, worker))

    def _end(self, worker: Worker) -> None:
        worker.process.crash()
        self.alive.remove(worker)
        self._channel.leave(worker.worker_id, worker)
        self._dead_tokens[worker.worker_id] += worker.leasing.tokens
        for attempt in worker.open_attempts:
            self._scheduler.after(NOTICED_S, partial(attempt.answered.set, False))
            self._scheduler.after(LONGEST_TRANSIT_S, partial(self._history.fail, worker.process.name, attempt))

    def give(self, worker: Worker, attempt: Attempt, transit_s: float) -> None:
        self._history.note(worker.process.name, "is given", str(attempt))
        worker.attempts.append(attempt)
        self._scheduler.after(transit_s, partial(worker.process.deliver, partial(worker.changes.submit, attempt)))
