"""What happened, as clients saw it: all that the oracle goes by; and a trace for people."""

from collections.abc import Callable
from dataclasses import dataclass, field

from gearhorn.store.base import Change, Subscribe, Unsubscribe
from tests.unit.simulation.scheduler import Signal


@dataclass(slots=True, eq=False)
class Attempt:
    """A job that subscribes (`is_on`) or unsubscribes. Its moments count up through the history.

    `invoked` is when it was submitted, `completed` when it completed, `over` when it can have no effect any more: then,
    or after it failed. `answered` tells its client whether it completed, if its client hears of that.
    """

    number: int
    topic: str
    client_id: str
    is_on: bool
    ttl_s: float
    invoked: int
    invoked_s: float
    completed: int | None = None
    over: int | None = None
    answered: Signal[bool] = field(default_factory=Signal)

    @property
    def change(self) -> Change:
        if self.is_on:
            return Subscribe(self.topic, self.client_id, self.ttl_s)
        return Unsubscribe(self.topic, self.client_id)

    def __str__(self) -> str:
        verb = "subscribes" if self.is_on else "unsubscribes"
        return f"job {self.number} ({self.client_id} {verb} {self.topic}{f' for {self.ttl_s} s' * bool(self.ttl_s)})"


@dataclass(frozen=True, slots=True)
class Fanout:
    """A fanout that was submitted at the moment `submitted`, and went by the list `members` at the moment `used`."""

    worker: str
    topic: str
    submitted: int
    used: int
    used_s: float
    members: frozenset[str]
    from_memory: bool


@dataclass(frozen=True, slots=True)
class Loss:
    """The store went back to these lists, which are all that it has."""

    moment: int
    lists: dict[str, frozenset[str]]


class History:
    """`now_s` gives the true time."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        self.attempts: list[Attempt] = []
        self.fanouts: list[Fanout] = []
        self.losses: list[Loss] = []
        self._now_s = now_s
        self._moment = 0
        self._trace: list[tuple[float, str, str, tuple[object, ...]]] = []

    def moment(self) -> int:
        """Later than all that were given before."""
        self._moment += 1
        return self._moment

    def note(self, who: str, what: str, *details: object) -> None:
        """`details` must not change afterwards: they are made into text when somebody wants to read it."""
        self._trace.append((self._now_s(), who, what, details))

    def trace(self) -> list[str]:
        return [
            f"{now_s:9.4f}  {who:<8} {what}{': ' if details else ''}{', '.join(map(str, details))}"
            for now_s, who, what, details in self._trace
        ]

    def invoke(self, topic: str, client_id: str, is_on: bool, ttl_s: float) -> Attempt:
        number = len(self.attempts) + 1
        attempt = Attempt(number, topic, client_id, is_on, ttl_s, self.moment(), self._now_s())
        self.attempts.append(attempt)
        return attempt

    def complete(self, who: str, attempt: Attempt) -> None:
        attempt.completed = attempt.over = self.moment()
        self.note(who, "completes", str(attempt))
        attempt.answered.set(True)

    def fail(self, who: str, attempt: Attempt) -> None:
        """It was not completed, and has no effect from now on."""
        attempt.over = self.moment()
        self.note(who, "fails", str(attempt))
        attempt.answered.set(False)

    def use(self, who: str, topic: str, submitted: int, members: frozenset[str], *, from_memory: bool) -> None:
        used = self.moment()
        self.fanouts.append(Fanout(who, topic, submitted, used, self._now_s(), members, from_memory))
        source = "memory" if from_memory else "the store"
        self.note(who, f"answers a fanout of {topic} from {source}", sorted(members))

    def lose(self, lists: dict[str, frozenset[str]]) -> None:
        self.losses.append(Loss(self.moment(), lists))
        self.note("store", "loses its leases and goes back to", {topic: sorted(ids) for topic, ids in lists.items()})
