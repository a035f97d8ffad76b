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
# A pause of the machine must not make a window too small for long, nor a lucky moment make it too large.
MOST_GROWTH = 2
MOST_SHRINKAGE = 8
# The first window of a large fanout while small ones come and go: nobody knows how fast its queues will be found.
CAREFUL_COPIES = 256
# The shortest way to the server and back is believed in for long, but not for ever.
WAY_GROWTH = 1.005
# What may be on its way in bytes. Bounds the memory of a fanout of large payloads; at 10 kB a copy it is 400 copies.
MOST_BYTES = 4 << 20


class CopyWindow:
    """Counts the copies of one link. `now_s` is a monotonic clock in seconds, exact to some ten microseconds.

    The pace at which a server takes copies depends on their queues: gearmand finds those that it knows longest last. So
    what was learnt at the end of a large fanout says little about the beginning of the next one, and that of first
    windows is remembered by itself.
    """

    def __init__(self) -> None:
        self.size = FIRST_COPIES
        self._target_s = ALONE_TARGET_S
        self._first_pace = FIRST_COPIES / ALONE_TARGET_S  # copies per second
        self._is_first = True
        self._open_count = 0
        self._open_bytes = 0
        self._draining = False
        self._begun_s: float | None = None  # when the copies went out of which no answer has come yet
        self._way_s = math.inf
        # While it drains: since when, and how many answers have come.
        self._filled_s = 0.0
        self._timed_count = 0

    def rest(self) -> None:
        """To be called when nothing waits to be sent: the next full window is the first one of something new."""
        self._is_first = True

    def aim(self, target_s: float, *, is_careful: bool = False) -> None:
        """How long the server is to be busy with one window, from now on. To be called before `room`."""
        if self._is_first and not self._draining:
            limit = self._open_count + CAREFUL_COPIES if is_careful else MOST_COPIES
            self._set_size(min(self._first_pace * target_s, limit))
        elif target_s != self._target_s:
            self._set_size(self.size * target_s / self._target_s)
        self._target_s = target_s

    def room(self, copy_bytes: int) -> int:
        """How many copies of `copy_bytes` bytes may be sent now. One copy, however large, fits an empty window."""
        if self._draining:
            return 0
        by_bytes = max((MOST_BYTES - self._open_bytes) // copy_bytes, 0 if self._open_count else 1)
        return min(self.size - self._open_count, by_bytes)

    def sent(self, count: int, copy_bytes: int, now_s: float) -> None:
        if not self._open_count:
            self._begun_s = now_s
        self._open_count += count
        self._open_bytes += count * copy_bytes
        if self._open_count >= self.size or self._open_bytes + copy_bytes > MOST_BYTES:
            self._draining = True
            self._filled_s = now_s
            self._timed_count = 0

    def answered(self, count: int, now_s: float) -> None:
        """The server has answered for `count` copies, whichever way."""
        self._open_count -= count
        if self._begun_s is not None:
            self._way_s = min(now_s - self._begun_s, self._way_s * WAY_GROWTH)
            self._begun_s = None
        if self._draining:
            self._timed_count += count
        if not self._open_count:
            self._empty(now_s)

    def _empty(self, now_s: float) -> None:
        if self._draining:
            self._resize(now_s - self._filled_s - self._way_s)  # the way there and back is not the server's work
            self._is_first = False
        self._open_bytes = 0
        self._draining = False

    def _resize(self, took_s: float) -> None:
        pace = self._timed_count / took_s if took_s > 0 else math.inf
        self._set_size(min(max(pace * self._target_s, self.size / MOST_SHRINKAGE), self.size * MOST_GROWTH))
        if self._is_first:
            self._first_pace = self.size / self._target_s

    def _set_size(self, size: float) -> None:
        self.size = int(min(max(size, LEAST_COPIES), MOST_COPIES))
