"""Bars from left to right, a block of them per point, each with its contestant's name and its median beside it.

On a logarithmic axis they are dots: a bar's length would mean nothing there.
"""

from collections.abc import Sequence
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from harness import numerals
from harness.plots import looks
from harness.rounds import Spread, sum_up
from harness.scenario import Plot, Series, is_ours

ROW_INCHES, MARGIN_INCHES = 0.27, 1.15


class Row(NamedTuple):
    y: float
    name: str
    series: Series
    spread: Spread


def draw(figure: Figure, plot: Plot, series: Sequence[Series]) -> None:
    blocks = _blocks(series)
    rows, headings, height = _lay_out(blocks)
    figure.set_size_inches(looks.WIDTH_INCHES, MARGIN_INCHES + ROW_INCHES * height)
    axes = figure.subplots()
    if plot.is_log:
        axes.set_xscale("log")
    for row in rows:
        _draw_row(axes, row, plot.is_log)
    axes.set_xlabel(plot.unit)
    axes.set_ylim(height - 0.4, -0.6)
    looks.quieten(axes, grid_axis="x")
    _name_rows(axes, rows, headings)
    looks.write_figures(axes, "x")
    axes.margins(x=0.12)
    if not plot.is_log:
        axes.set_xlim(left=0)


def _blocks(series: Sequence[Series]) -> dict[str, list[Series]]:
    blocks: dict[str, list[Series]] = {}
    for each in series:
        blocks.setdefault(each.point, []).append(each)
    return blocks


def _lay_out(blocks: dict[str, list[Series]]) -> tuple[list[Row], dict[float, str], float]:
    """Every series' row, the blocks' headings by their place, and how many rows there are in all.

    A block of one series needs no heading: its row has the point's name instead of the contestant's.
    """
    rows, headings, y, gap = [], {}, 0.0, 0.0
    for point, block in blocks.items():
        y += gap
        is_single = point != "" and len(block) == 1
        if point and not is_single:
            headings[y] = point
            y += 1
        for each in block:
            rows.append(Row(y, point if is_single else each.contestant, each, sum_up(each.figures)))
            y += 1
        gap = 0.1 if is_single else 0.5
    return rows, headings, y


def _draw_row(axes: Axes, row: Row, is_log: bool) -> None:
    ours = is_ours(row.series.contestant)
    colour = looks.OURS[0] if ours else "#9ca3af"
    median, low, high = row.spread
    if is_log:
        axes.plot(median, row.y, "o", markersize=7, color=colour)
    else:
        axes.barh(row.y, median, height=0.72, color=colour)
    if low < high:
        whiskers = [[median - low], [high - median]]
        axes.errorbar(median, row.y, xerr=whiskers, fmt="none", ecolor=looks.INK, elinewidth=1, capsize=2.5)
    axes.annotate(
        numerals.figure(median),
        (high, row.y),
        (6, 0),
        textcoords="offset points",
        va="center",
        fontsize=looks.FONT_SIZE,
        fontweight="bold" if ours else "normal",
        color=looks.INK,
    )


def _name_rows(axes: Axes, rows: Sequence[Row], headings: dict[float, str]) -> None:
    """Ours stand out where there are others."""
    has_others = not all(is_ours(row.series.contestant) for row in rows)
    ours = {row.y for row in rows if has_others and is_ours(row.series.contestant)}
    names = {**{row.y: row.name for row in rows}, **headings}
    axes.set_yticks(list(names), list(names.values()))
    for y, label in zip(names, axes.get_yticklabels(), strict=True):
        if y in headings:
            label.set_fontweight("bold")
        elif y in ours:
            label.set(fontweight="bold", color=looks.OURS[0])
