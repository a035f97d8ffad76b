"""How long things took: how many of them were no longer than each of some bounds."""

from bisect import bisect_left
from collections.abc import Iterator
from itertools import accumulate
from math import inf

# From a cached fanout on one machine (a fraction of a millisecond) to what is waited for as long as a store is away.
SHORT_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
# For receivers, which may work for as long as [worker] foreground_timeout_limit allows.
LONG_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0)


class Histogram:
    """`cells` are the numbers of each bound alone, of what is above all of them, and the seconds of all together. Hot
    paths write there themselves.
    """

    __slots__ = ("bounds", "cells")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.cells: list[float] = [*[0] * (len(bounds) + 1), 0.0]

    def observe(self, took_s: float, count: int = 1) -> None:
        """So many took so long each."""
        self.cells[bisect_left(self.bounds, took_s)] += count
        self.cells[-1] += took_s * count

    @property
    def sum_s(self) -> float:
        return self.cells[-1]

    @property
    def count(self) -> int:
        return int(sum(self.cells[:-1]))

    def rising(self) -> Iterator[tuple[float, int]]:
        """Each bound with the number of all that were no longer than it; infinity at the end."""
        return zip((*self.bounds, inf), map(int, accumulate(self.cells[:-1])), strict=True)
