"""Reads a server's answer to the admin command `status` as it comes: a line for each queue, and a dot at the end.

A line is name, jobs, those of them that are running, and workers, with tabs between them. Servers list every queue that
they know, which may be 100,000: what is not of interest leaves nothing behind here.
"""

import re
from collections.abc import Collection
from typing import NamedTuple

from gearhorn.errors import ProtocolViolation

_LINE = re.compile(rb"^([^\t\n]+)\t([0-9]+)\t([0-9]+)\t([0-9]+)\r?$", re.MULTILINE)
_END = re.compile(rb"^\.\r?$", re.MULTILINE)

# No queue name comes near it, so that what has no end within it is no line.
LINE_LIMIT_BYTES = 64 << 10

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
    """A role for a connection: asks once. `counts` has the queues named in `wanted` that the server knows, and those
    that have more than `over_count` jobs waiting and no worker.

    A line costs about half a microsecond.
    """

    def __init__(self, over_count: int, wanted: Collection[bytes] = ()) -> None:
        self.counts: dict[bytes, Counts] = {}
        self.violation: ProtocolViolation | None = None
        self._over_count = over_count
        self._wanted = frozenset(wanted)
        self._rest = b""
        self._out = [b"status\n"]

    def take_pieces(self) -> list[bytes]:
        out, self._out = self._out, []
        return out

    def receive(self, data: bytes) -> list[Answered]:
        whole, line_end, self._rest = (self._rest + data).rpartition(b"\n")
        end = _END.search(whole) if line_end else None
        if line_end:
            self._read(whole[: end.start()] if end else whole)
        if self.violation is None and len(self._rest) > LINE_LIMIT_BYTES:
            self.violation = ProtocolViolation(f"a line without an end came for status: {self._rest[:80]!r}")
        return [Answered()] if end and self.violation is None else []

    def _read(self, lines: bytes) -> None:
        found = _LINE.findall(lines)
        if not found and lines.strip():
            self.violation = ProtocolViolation(f"what came is no answer to status: {lines[:80]!r}")
        over_count, wanted = self._over_count, self._wanted
        for name, total, running, workers in found:
            if workers == b"0" and total != b"0":
                waiting_count = int(total) - int(running)
                if waiting_count > over_count or name in wanted:
                    self.counts[name] = Counts(waiting_count, 0)
            elif name in wanted:
                self.counts[name] = Counts(int(total) - int(running), int(workers))
