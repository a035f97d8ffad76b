"""How many may still subscribe to topics whose lists are long to count: an estimate that is made anew in time."""

# So many workers may go by a count of the same moment, each with its share, and the limit holds.
SHARES = 8
# Others subscribe too: a count is good for so long.
LASTS_S = 60.0
# Topics remembered. One that is forgotten is counted again.
TOPICS_LIMIT = 10_000


class Rooms:
    """`take` a place where one is known to be free; else count the list, and say what was found with `counted`."""

    def __init__(self, limit_count: int) -> None:
        self._limit_count = limit_count
        self._free: dict[str, tuple[int, float]] = {}  # topic -> places, until when

    def take(self, topic: str, now_s: float) -> bool | None:
        """Whether there is a place, which is taken then. None: it is not known here, or has been for too long."""
        count, until_s = self._free.get(topic, (0, 0.0))
        if now_s >= until_s:
            return None
        self._free[topic] = max(count - 1, 0), until_s
        return count > 0

    def counted(self, topic: str, count: int, now_s: float) -> None:
        if len(self._free) >= TOPICS_LIMIT and topic not in self._free:
            self._free.pop(next(iter(self._free)))
        self._free[topic] = (self._limit_count - count) // SHARES, now_s + LASTS_S
