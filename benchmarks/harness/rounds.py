"""Lets contestants take turns, and sums up: medians, spreads, ratios pair by pair."""

import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple


class Spread(NamedTuple):
    median: float
    low: float
    high: float

    def text(self, form: str = ",.0f") -> str:
        return f"{self.median:{form}} ({self.low:{form}}–{self.high:{form}})"


def take_turns(contestants: Mapping[str, Callable[[], float]], round_count: int) -> dict[str, list[float]]:
    """A B C A B C …: what each contestant measured, round by round. Whatever drifts meanwhile hits all of them."""
    measured: dict[str, list[float]] = {name: [] for name in contestants}
    for turn in range(round_count):
        for name, measure in contestants.items():
            figure = measure()
            measured[name].append(figure)
            print(f"round {turn + 1}/{round_count}  {name}: {figure:,.1f}", file=sys.stderr, flush=True)
    return measured


def sum_up(figures: Sequence[float]) -> Spread:
    return Spread(statistics.median(figures), min(figures), max(figures))


def ratio(over: Sequence[float], under: Sequence[float]) -> Spread:
    """Pair by pair: each round's figures are compared with each other only."""
    return sum_up([above / below for above, below in zip(over, under, strict=True)])
