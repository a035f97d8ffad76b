"""One fanout's run: which copies are still open, what became of the others, and what the answer is.

A run's copies travel in portions, one for each server that takes some of them. A copy is known by its portion and its
position there; it gets no object of its own. It is open until it is settled, once: a background copy by the server's
confirmation, a foreground copy by its receiver's end, both by a refusal or by giving up.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from gearhorn.core.members import NOBODY, Members, Row
from gearhorn.core.progress import Tally, Track

COMPLETE = "complete"
FAILED = "failed"
EXCEPTION = "exception"
TIMEOUT = "timeout"
NOT_SENT = "not sent"

_WAITING, _CONFIRMED, _SETTLED = 0, 1, 2


class Failure(NamedTuple):
    """A copy that did not reach its end, and why."""

    client_id: bytes
    reason: str


class Portion:
    """Copies that go through one server, in order."""

    __slots__ = ("_next", "_states", "members", "settled_count", "track")

    def __init__(self, members: Members, track: Track | None = None) -> None:
        self.members = members
        self.track = track  # where its copies are in the run's tally
        self.settled_count = 0  # told by a tally alone
        self._next = 0
        self._states = bytearray(len(members))

    @property
    def is_idle(self) -> bool:
        """Every copy that was sent is settled. To be asked only of a run with a tally."""
        return self.settled_count >= self._next

    @property
    def unsent_count(self) -> int:
        return len(self.members) - self._next

    def next_id_bytes(self) -> int:
        """The length of the client id that goes out next."""
        return self.members.id_bytes_at(self._next)

    def take(self, limit: int) -> tuple[int, Row]:
        """The next copies to be sent, all with ids of one length: the position of the first, and the ids."""
        first = self._next
        row = self.members.row(first, limit)
        self._next += row.id_count
        return first, row

    def withdraw(self) -> range:
        """Takes what was not sent yet off the portion: the positions of those copies."""
        unsent = range(self._next, len(self.members))
        self._next = len(self.members)
        return unsent

    def confirm(self, first: int, count: int) -> None:
        """Copies that are settled stay so."""
        stretch = self._states[first : first + count]
        self._states[first : first + count] = stretch.replace(bytes((_WAITING,)), bytes((_CONFIRMED,)))

    def settle(self, position: int) -> bool:
        """Marks the copy settled; False when it was already."""
        if self._states[position] == _SETTLED:
            return False
        self._states[position] = _SETTLED
        return True

    def open_positions(self) -> Iterator[int]:
        return (position for position, state in enumerate(self._states) if state != _SETTLED)

    def is_confirmed(self, position: int) -> bool:
        return self._states[position] != _WAITING


class FanoutRun:
    """What is told about the copies goes in; `is_settled` says when nothing is open, `failures` what went wrong.

    A run whose progress is recorded has a `tally`. One that goes on where an earlier one was cut short begins with
    `done_count` copies that are done.
    """

    __slots__ = ("_open_count", "_portions", "done_count", "failures", "foreground", "tally", "total_count")

    def __init__(self, total_count: int, *, foreground: bool, done_count: int = 0, tally: Tally | None = None) -> None:
        self.foreground = foreground
        self.total_count = total_count
        self.done_count = done_count
        self.tally = tally
        self.failures: list[Failure] = []
        self._open_count = total_count - done_count
        self._portions: list[Portion] = []

    @property
    def is_settled(self) -> bool:
        return self._open_count == 0

    def add_portion(self, members: Members) -> Portion:
        portion = Portion(members, self.tally.track(members) if self.tally is not None else None)
        if self.foreground:  # only a run that waits has to know later which copies are open
            self._portions.append(portion)
        return portion

    def confirm(self, portion: Portion, first: int, count: int) -> None:
        """The server has these copies. That is all that a background copy needs."""
        if self.is_settled:
            return
        if self.foreground:
            portion.confirm(first, count)
        else:
            self._open_count -= count
            self.done_count += count
            if self.tally is not None:
                self._tell(portion, first, count)

    def complete(self, portion: Portion, position: int) -> bool:
        """The receiver completed its copy. False when the copy was settled before."""
        if not self._open_count or not portion.settle(position):  # as in `_settle`, for a copy in half the time
            return False
        self._open_count -= 1
        self.done_count += 1
        if self.tally is not None:
            self._tell(portion, position, 1)
        return True

    def fail(self, portion: Portion, position: int, reason: str) -> bool:
        """The copy came to nothing. False when it was settled before."""
        if not self._settle(portion, position):
            return False
        self.failures.append(Failure(portion.members[position], reason))
        if self.tally is not None:  # nothing is open there; a record names those that failed beside what is done
            self._tell(portion, position, 1)
        return True

    def leave_out(self, client_ids: Iterable[bytes], reason: str) -> None:
        """Counts as failed those to whom no copy is sent at all."""
        left_out = [Failure(client_id, reason) for client_id in client_ids]
        self.total_count += len(left_out)
        self.failures += left_out

    def reopen(self, portion: Portion, positions: Iterable[int]) -> Members:
        """Takes back copies that were lost with a connection, for another portion to carry."""
        if self.is_settled:
            return NOBODY
        return Members.of([portion.members[position] for position in positions if portion.settle(position)])

    def abandon(self) -> None:
        """Nothing more is to be sent or waited for: the job is another worker's now."""
        self._open_count = 0

    def time_out(self) -> list[bytes]:
        """Ends the waiting: whatever is open has failed. Returns the client ids of those that were waited for."""
        late: list[bytes] = []
        for portion in self._portions:
            for position in portion.open_positions():
                if portion.is_confirmed(position):
                    late.append(portion.members[position])
                    self.fail(portion, position, TIMEOUT)
                else:
                    self.fail(portion, position, f"{NOT_SENT}: the Gearman server has not confirmed it in time")
        return late

    def _tell(self, portion: Portion, first: int, count: int) -> None:
        assert self.tally is not None
        portion.settled_count += count
        self.tally.settle(portion.track, portion.members, first, count)

    def _settle(self, portion: Portion, position: int) -> bool:
        if self.is_settled or not portion.settle(position):
            return False
        self._open_count -= 1
        return True
