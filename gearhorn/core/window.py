"""How many copies may be on their way to one server without its confirmation.

gearmand with I/O threads (its default) serves a connection until that has nothing more to say: a client that keeps its
connection full starves every other client of the server. So a window that was filled is drained before anything more
is sent, and its size follows the pace of the last answers: what the server takes in a few milliseconds.

That is a bargain. Each drain costs a way to the server and back, a third of a millisecond on one machine, and whoever
wants something else of the server waits for a window to pass at each of some four steps of a fanout. So windows are
short while several fanouts want to go out, and longer while there is but one.

A window that is not full takes more at any time: small fanouts do not wait for each other.
"""

import math

# How long the server is to be busy with one window: while others wait for their turn, and while nobody does.
SHARED_TARGET_S = 0.002
ALONE_TARGET_S = 0.006
LEAST_COPIES = 64
MOST_COPIES = 8192
FIRST_COPIES = 4096
# What may be on its way in bytes. Bounds the memory of a fanout of large payloads; at 10 kB a copy it is 400 copies.
MOST_BYTES = 4 << 20


class CopyWindow:
    """Counts the copies of one link. `now_s` is a monotonic clock in seconds."""

    def __init__(self) -> None:
        self.size = FIRST_COPIES
        self._target_s = ALONE_TARGET_S
        self._open_count = 0
        self._open_bytes = 0
        self._draining = False
        # While it drains: when the first answer came, and how many came after that.
        self._first_answer_s: float | None = None
        self._timed_count = 0

    def aim(self, target_s: float) -> None:
        """How long the server is to be busy with one window, from now on."""
        if target_s != self._target_s:
            self._set_size(self.size * target_s / self._target_s)
            self._target_s = target_s

    def room(self, copy_bytes: int) -> int:
        """How many copies of `copy_bytes` bytes may be sent now. One copy, however large, fits an empty window."""
        if self._draining:
            return 0
        by_bytes = max((MOST_BYTES - self._open_bytes) // copy_bytes, 0 if self._open_count else 1)
        return min(self.size - self._open_count, by_bytes)

    def sent(self, count: int, copy_bytes: int) -> None:
        self._open_count += count
        self._open_bytes += count * copy_bytes
        if self._open_count >= self.size or self._open_bytes + copy_bytes > MOST_BYTES:
            self._draining = True
            self._first_answer_s = None
            self._timed_count = 0

    def answered(self, count: int, now_s: float) -> None:
        """The server has answered for `count` copies, whichever way."""
        self._open_count -= count
        if self._draining:
            self._time(count, now_s)
        if not self._open_count:
            self._open_bytes = 0
            self._draining = False

    def _time(self, count: int, now_s: float) -> None:
        """Counts from the first answer on: what passes before it is the way to the server and back, not its work."""
        if self._first_answer_s is None:
            self._first_answer_s = now_s
        else:
            self._timed_count += count
        if not self._open_count:
            self._resize(now_s - self._first_answer_s)

    def _resize(self, took_s: float) -> None:
        pace = self._timed_count / took_s if took_s > 0 else math.inf
        # A pause of the machine must not shrink the window at one stroke, nor a lucky moment blow it up.
        self._set_size(min(max(pace * self._target_s, self.size / 2), self.size * 2))

    def _set_size(self, size: float) -> None:
        self.size = int(min(max(size, LEAST_COPIES), MOST_COPIES))
