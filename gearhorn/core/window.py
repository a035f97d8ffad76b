"""How many copies may be on their way to one server without its confirmation.

gearmand with I/O threads (its default) serves a connection until that has nothing more to say: a client that keeps its
connection full starves every other client of the server. So a window that was filled is drained before anything more
is sent, and its size follows the pace of the last answers: what the server takes in about three milliseconds.

That is a bargain. Beside a fanout of 100,000 copies small ones take about 9 ms in the median with windows of 2 ms and
14 with 3 (800 with none); but each drain costs a way to the server and back, and 10,000 copies then go at 0.7 of the
pace of a raw client with 2 ms and at 0.8 with 3.

A window that is not full takes more at any time: small fanouts do not wait for each other.
"""

import math

TARGET_S = 0.003
LEAST_COPIES = 64
MOST_COPIES = 8192
FIRST_COPIES = 2048
# What may be on its way in bytes. Bounds the memory of a fanout of large payloads; at 10 kB a copy it is 400 copies.
MOST_BYTES = 4 << 20


class CopyWindow:
    """Counts the copies of one link. `now_s` is a monotonic clock in seconds."""

    def __init__(self) -> None:
        self.size = FIRST_COPIES
        self._open_count = 0
        self._open_bytes = 0
        self._draining = False
        # While it drains: when the first answer came, and how many came after that.
        self._first_answer_s: float | None = None
        self._timed_count = 0

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
        bounded = min(max(pace * TARGET_S, self.size / 2), self.size * 2)
        self.size = int(min(max(bounded, LEAST_COPIES), MOST_COPIES))
