"""Reads what a server tells of itself: its version, and how much waits in each of its queues.

`version` and `status` are asked together. geard gives no answer to the first: then the answer begins with the second.
"""

from collections.abc import Collection
from typing import NamedTuple

from gearhorn.wire.status import LINE, NO_OTHERS, StatusRole

_VERSION_PREFIX = b"OK "  # gearmand's; Perl's server has none
_REFUSAL = b"ERR"
_QUESTION_COUNT = 2


class Load(NamedTuple):
    """One queue: jobs that no worker has taken yet, jobs that one has, and workers that are registered for it."""

    waiting_count: int
    running_count: int
    worker_count: int


IDLE_LOAD = Load(0, 0, 0)


def add_loads(one: Load, other: Load) -> Load:
    return Load(
        one.waiting_count + other.waiting_count,
        one.running_count + other.running_count,
        one.worker_count + other.worker_count,
    )


class LoadRole(StatusRole):
    """As a StatusRole. After `read`, `loads` has the queues with jobs, and those of `wanted` that the server knows.

    `version` is empty where the server does not tell it. `queue_count` is how many queues it knows.
    """

    def __init__(self, wanted: Collection[bytes] = ()) -> None:
        super().__init__(NO_OTHERS, wanted)
        self.loads: dict[bytes, Load] = {}
        self.version = ""
        self.queue_count = 0
        self._out = [b"version\nstatus\n"]

    def _is_refused(self) -> bool:
        """Both questions. A server that only refuses to tell its version answers the other one."""
        head = self._pieces[0].splitlines()[:_QUESTION_COUNT]
        return len(head) == _QUESTION_COUNT and all(line.startswith(_REFUSAL) for line in head)

    def _read(self, lines: bytes) -> None:
        if not self.version and not self.queue_count:
            self.version = _read_version(lines)
        wanted = self._wanted
        for name, total, running, workers in LINE.findall(lines):
            self.queue_count += 1
            if total != b"0" or name in wanted:
                running_count = int(running)
                self.loads[name] = Load(int(total) - running_count, running_count, int(workers))


def _read_version(lines: bytes) -> str:
    line = lines.partition(b"\n")[0].strip()
    if b"\t" in line or line == b"." or line.startswith(_REFUSAL):
        return ""
    return line.removeprefix(_VERSION_PREFIX).decode(errors="replace")[:80]
