"""Small charts as SVG paths: one line over the last minutes, with the room below it filled.

Pure: figures in, coordinates out. The template draws them.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

# The picture is stretched to the width that there is.
WIDTH, HEIGHT = 300, 48
# The line's own width, and a little air for a peak.
_TOP, _BOTTOM = 4.0, 46.0
# Round figures, with noughts behind them.
_STEPS = (1, 1.5, 2, 3, 5, 7.5)


@dataclass(frozen=True, slots=True)
class Point:
    """A figure at a moment, of any clock."""

    at_s: float
    value: float


@dataclass(frozen=True, slots=True)
class Chart:
    """Paths for the attribute `d`. `top` is what the upper edge stands for, `peak` the largest figure shown."""

    line: str
    area: str
    top: float
    peak: float


def draw(points: Sequence[Point], *, now_s: float, span_s: float, gap_s: float) -> Chart:
    """The last `span_s` seconds, `now_s` at the right. Where nobody looked for more than `gap_s`, there is a gap."""
    shown = [point for point in points if now_s - span_s <= point.at_s <= now_s]
    peak = max((point.value for point in shown), default=0.0)
    top = ceiling(peak)
    lines, areas = [], []
    for run in _runs(shown, gap_s):
        places = [(_x(point.at_s, now_s, span_s), _y(point.value, top)) for point in run]
        if len(places) == 1:  # a dash, so that there is something to see
            places.append((min(places[0][0] + 2.0, WIDTH), places[0][1]))
        line = "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
        lines.append(f"M{line}")
        areas.append(f"M{places[0][0]:.1f} {HEIGHT}L{line}L{places[-1][0]:.1f} {HEIGHT}Z")
    return Chart("".join(lines), "".join(areas), top, peak)


def ceiling(peak: float) -> float:
    """The next round figure: so the scale stays while a figure wavers."""
    if peak <= 0 or not math.isfinite(peak):
        return 1.0
    power = 10.0 ** math.floor(math.log10(peak))
    return next((step * power for step in _STEPS if step * power >= peak), 10 * power)


def _runs(points: Iterable[Point], gap_s: float) -> Iterator[list[Point]]:
    run: list[Point] = []
    for point in points:
        if run and point.at_s - run[-1].at_s > gap_s:
            yield run
            run = []
        run.append(point)
    if run:
        yield run


def _x(at_s: float, now_s: float, span_s: float) -> float:
    return WIDTH * (1 - (now_s - at_s) / span_s)


def _y(value: float, top: float) -> float:
    return _BOTTOM - (_BOTTOM - _TOP) * min(max(value, 0.0) / top, 1.0)
