"""Reads a server's answer to the admin command `status`: a line for each queue, and a dot at the end.

A line is name, jobs, those of them that are running, and workers, with tabs between them. Servers list every queue that
they know, which may be 100,000: what is not of interest leaves nothing behind here.
"""

import re
from collections.abc import Callable, Collection, Iterator
from typing import NamedTuple

from gearhorn.errors import ProtocolViolation

LINE = re.compile(rb"^([^\t\n]+)\t([0-9]+)\t([0-9]+)\t([0-9]+)\r?$", re.MULTILINE)
ENDS = (b"\n.\n", b"\n.\r\n")
_LONGEST_END_BYTES = 4

# Far above the answer of a server with a million queues, each with the longest name that it could have.
ANSWER_LIMIT_BYTES = 1 << 30
# So much is read at a time: some 3,000 lines, in one or two milliseconds.
PIECE_BYTES = 64 << 10

# More than waits anywhere, for who wants to know of named queues alone.
NO_OTHERS = 1 << 62


class Counts(NamedTuple):
    """One queue on one server: jobs that no worker has taken yet, and workers that are registered for it.

    gearmand goes on counting jobs whose client is gone, until a worker would have had them.
    """

    waiting_count: int
    worker_count: int


class Answered(NamedTuple):
    """The answer is complete."""


class StatusRole:
    """A role for a connection: asks once, and collects the answer. When that is complete, `read` is to be gone through.

    After it `counts` has the queues named in `wanted` that the server knows, and those that have more than `over_count`
    jobs waiting and no worker.
    """

    def __init__(
        self, over_count: int, wanted: Collection[bytes] = (), on_backlog: Callable[[bytes, int], None] | None = None
    ) -> None:
        """`on_backlog`, if wanted, is called with each queue that has jobs waiting, and how many."""
        self.counts: dict[bytes, Counts] = {}
        self.violation: ProtocolViolation | None = None
        self._over_count = over_count
        self._wanted = frozenset(wanted)
        self._on_backlog = on_backlog
        self._pieces: list[bytes] = []
        self._size_bytes = 0
        self._end = b"\n"  # the last bytes that came; as if a line had ended before the first one
        self._out = [b"status\n"]

    def take_pieces(self) -> list[bytes]:
        out, self._out = self._out, []
        return out

    def receive(self, data: bytes) -> list[Answered]:
        self._pieces.append(data)
        self._size_bytes += len(data)
        self._end = (self._end + data[-_LONGEST_END_BYTES:])[-_LONGEST_END_BYTES:]
        if self._size_bytes > ANSWER_LIMIT_BYTES:
            self.violation = ProtocolViolation(f"the answer to status has more than {ANSWER_LIMIT_BYTES} bytes")
        elif self._is_refused():
            self.violation = ProtocolViolation(f"status was refused: {self._pieces[0][:80]!r}")
        return [Answered()] if self.violation is None and self._end.endswith(ENDS) else []

    def read(self) -> Iterator[None]:
        """Reads the answer bit by bit, so that others have their turns between. A line costs half a microsecond."""
        answer, self._pieces = b"".join(self._pieces), []
        start = 0
        while start < len(answer):
            end = answer.find(b"\n", start + PIECE_BYTES) + 1 or len(answer)
            self._read(answer[start:end])
            start = end
            yield

    def _is_refused(self) -> bool:
        return self._pieces[0].startswith(b"ERR")

    def _read(self, lines: bytes) -> None:
        over_count, wanted, on_backlog = self._over_count, self._wanted, self._on_backlog
        for name, total, running, workers in LINE.findall(lines):
            if on_backlog is not None and total != running:
                on_backlog(name, int(total) - int(running))
            if workers == b"0" and total != b"0":
                waiting_count = int(total) - int(running)
                if waiting_count > over_count or name in wanted:
                    self.counts[name] = Counts(waiting_count, 0)
            elif name in wanted:
                self.counts[name] = Counts(int(total) - int(running), int(workers))
