"""How much is done a second, from what the workers count.

A worker tells its counters with each renewal of its lease, together with those of the renewal before. The difference
of two readings of one process is its rate. A process that was started again counts from 0: its readings are never
held against those of its predecessor, so that no rate is negative. A worker that has gone adds nothing.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from gearhorn.overview.views import RAN_OUT, Overview, Reading, WorkerView

# Those that a rate is told of, by the names of the workers' counters.
FANOUTS = "fanouts"
COPIES = "copies"
COMPLETED = "receivers_completed"
FAILED = "receivers_failed"
CHANGES = "changes"

# Readings nearer to each other than this say more of the clock than of the work.
SHORTEST_S = 0.05


@dataclass(frozen=True, slots=True)
class Rates:
    """Per second, of all workers together; None where none of them could be measured."""

    fanouts: float | None = None
    copies: float | None = None
    receivers_completed: float | None = None
    receivers_failed: float | None = None
    changes: float | None = None


def measure_worker(worker: WorkerView, before: WorkerView | None = None) -> dict[str, float] | None:
    """The rates of one worker by the name of the counter, as of its last renewal; None if they cannot be told.

    `before`: how it was seen earlier, for one that does not tell its readings in pairs.
    """
    now = worker.reading
    if now is None or worker.state == RAN_OUT:
        return None
    for then in _earlier_readings(worker, before):
        seconds = now.at_s - then.at_s  # NaN where a moment is not told
        if seconds >= SHORTEST_S:
            return {name: max(0, count - then.counters.get(name, 0)) / seconds for name, count in now.counters.items()}
    return None


def measure(after: Overview, before: Overview | None = None) -> Rates:
    """The rates at `after`. An overview from `before` helps with workers whose lease was renewed only once."""
    seen = {worker.worker_id: worker for worker in before.workers} if before else {}
    measured = [measure_worker(worker, seen.get(worker.worker_id)) for worker in after.workers]
    known = [rates for rates in measured if rates is not None]
    return Rates(*(_total(known, name) for name in (FANOUTS, COPIES, COMPLETED, FAILED, CHANGES)))


def _earlier_readings(worker: WorkerView, before: WorkerView | None) -> Iterator[Reading]:
    if worker.earlier is not None:
        yield worker.earlier
    if before is not None and before.reading is not None and before.since_s == worker.since_s:
        yield before.reading


def _total(known: Iterable[dict[str, float]], name: str) -> float | None:
    """What a worker has never counted it has not done."""
    rates = [each.get(name, 0.0) for each in known]
    return sum(rates) if rates else None
