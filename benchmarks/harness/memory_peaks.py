"""The most memory that a process had resident while something went on, by the kernel's own count."""

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

FORGET_PEAK = "5"  # proc(5), clear_refs: the peak becomes what is resident now


@dataclass(slots=True)
class Watched:
    before_bytes: int
    peak_bytes: int = 0

    @property
    def growth_bytes(self) -> int:
        return max(0, self.peak_bytes - self.before_bytes)


@contextmanager
def watch(pid: int) -> Iterator[Watched]:
    """The peak is known after it. Where it cannot be reset, one from before counts too: a young process has none."""
    with contextlib.suppress(OSError):
        Path(f"/proc/{pid}/clear_refs").write_text(FORGET_PEAK)
    watched = Watched(_read_bytes(pid, "VmRSS"))
    yield watched
    watched.peak_bytes = _read_bytes(pid, "VmHWM")


def _read_bytes(pid: int, field: str) -> int:
    fields = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(fields[field].split()[0]) * 1024
