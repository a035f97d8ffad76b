"""Which queues nobody serves any more, decided from one look at the servers after the other.

A queue is under watch while on some server more than `max_backlog` jobs wait in it that no worker is there for. It is

* idle until that was seen for `grace_s` seconds, as one without a worker and with fewer jobs is,
* suspect from then on,
* dead when for `dead_after_s` seconds more no server has had a worker for it either.

Whatever else is seen ends the watch: a worker is back, or the jobs are gone. Only time between two looks that both saw
a queue in trouble counts, and, for the dead, only looks at all of the servers: one that cannot be asked may be the one
where a queue is served.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

LIVE = "live"
IDLE = "idle"
SUSPECT = "suspect"
DEAD = "dead"


@dataclass(frozen=True, slots=True)
class HealthLimits:
    max_backlog_count: int = 1000
    grace_s: float = 300.0
    dead_after_s: float = 86400.0


class Sight(NamedTuple):
    """What one look saw of a queue: the jobs waiting on all servers, the most that wait on one where the queue has no
    worker, and whether any server has one.
    """

    backlog_count: int
    unserved_count: int
    has_worker: bool


@dataclass(slots=True)
class Case:
    """One queue under watch. `since_s` is Unix time, for people; what is decided goes by the seconds counted.

    `topic_bytes` is the length of the topic that its name begins with, once a subscriber of it is known; `told` the
    state that was last reported; `is_paused` whether it gets copies; `is_dropped` whether it is being emptied.
    """

    since_s: float
    backlog_count: int = 0
    over_s: float = 0.0
    alone_s: float = 0.0
    topic_bytes: int = 0
    told: str = IDLE
    is_paused: bool = False
    is_dropped: bool = False


@dataclass(slots=True)
class Ward:
    """The queues under watch, by name."""

    limits: HealthLimits
    cases: dict[bytes, Case] = field(default_factory=dict)
    _was_complete: bool = False

    def state(self, case: Case) -> str:
        if case.over_s < self.limits.grace_s:
            return IDLE
        return SUSPECT if case.alone_s < self.limits.grace_s + self.limits.dead_after_s else DEAD

    def look(
        self, sights: Mapping[bytes, Sight], *, now_s: float, elapsed_s: float, is_complete: bool
    ) -> dict[bytes, Case]:
        """Takes in what was seen `elapsed_s` seconds after the look before, and returns the cases that are over.

        Of a queue under watch every server that was asked has been heard. Not `is_complete`: some servers could not be
        asked. What is not seen in trouble then is left as it was.
        """
        alone_for_s = elapsed_s if is_complete and self._was_complete else 0.0
        self._was_complete = is_complete
        for queue, sight in sights.items():
            if sight.unserved_count > self.limits.max_backlog_count:
                self._see(queue, sight, now_s, elapsed_s, alone_for_s)
        return self._end(sights) if is_complete else {}

    def due_in_s(self) -> float | None:
        """Seconds until some case is in another state if nothing changes; None when there is none such."""
        grace_s, dead_s = self.limits.grace_s, self.limits.grace_s + self.limits.dead_after_s
        due = [
            grace_s - case.over_s if case.over_s < grace_s else dead_s - case.alone_s
            for case in self.cases.values()
            if case.over_s < grace_s or case.alone_s < dead_s
        ]
        return min(due, default=None)

    def forget(self, queues: Iterable[bytes]) -> None:
        for queue in queues:
            self.cases.pop(queue, None)

    def _see(self, queue: bytes, sight: Sight, now_s: float, elapsed_s: float, alone_for_s: float) -> None:
        case = self.cases.get(queue)
        if case is None:
            case = self.cases[queue] = Case(now_s)
        else:
            case.over_s += elapsed_s
            case.alone_s = 0.0 if sight.has_worker else case.alone_s + alone_for_s
        case.backlog_count = sight.backlog_count

    def _end(self, sights: Mapping[bytes, Sight]) -> dict[bytes, Case]:
        limit = self.limits.max_backlog_count
        over = {
            queue: case
            for queue, case in self.cases.items()
            if not case.is_dropped and (queue not in sights or sights[queue].unserved_count <= limit)
        }
        self.forget(over)
        return over
