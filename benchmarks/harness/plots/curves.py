"""A curve per contestant over the points, with whiskers from the lowest to the highest and its name at its end."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from harness.plots import looks
from harness.rounds import sum_up
from harness.scenario import Plot, Series, is_ours

LOG_FROM = 20  # points that are further apart than this, as a factor, stand on a logarithmic axis
MARKERS = "osD^vPX"
LABEL_POINTS = 13.0  # from one name to the next, in typographic points


def draw(figure: Figure, plot: Plot, series: Sequence[Series]) -> None:
    axes = figure.subplots()
    _set_scales(axes, plot, [float(each.x) for each in series if each.x is not None])
    names = list(dict.fromkeys(each.contestant for each in series))
    colours = looks.colours(names)
    ends = {}
    for number, name in enumerate(names):
        own = sorted((each for each in series if each.contestant == name), key=lambda each: each.x or 0.0)
        ends[name] = _draw_curve(axes, own, colours[name], MARKERS[number % len(MARKERS)])
    axes.set_xlabel(plot.x_label)
    axes.set_ylabel(plot.unit)
    looks.quieten(axes, grid_axis="y")
    looks.write_figures(axes, "y")
    if not plot.is_log:
        axes.set_ylim(0, 1.08 * max(max(each.figures) for each in series))
    _name_curves(figure, axes, ends, colours)


def _set_scales(axes: Axes, plot: Plot, xs: Sequence[float]) -> None:
    """Where they are few, just the points that were measured are marked along the x axis."""
    if min(xs) > 0 and max(xs) / min(xs) >= LOG_FROM:
        axes.set_xscale("log")
    else:
        axes.set_xlim(0, 1.05 * max(xs))
    if plot.is_log:
        axes.set_yscale("log")
    looks.write_figures(axes, "x")
    if len(set(xs)) <= looks.MOST_TICKS:
        axes.set_xticks(sorted(set(xs)))
    axes.xaxis.minorticks_off()


def _draw_curve(axes: Axes, series: Sequence[Series], colour: str, marker: str) -> tuple[float, float]:
    """Returns the place of its end."""
    ours = is_ours(series[0].contestant)
    xs = [float(each.x or 0) for each in series]
    spreads = [sum_up(each.figures) for each in series]
    medians = [spread.median for spread in spreads]
    whiskers = [[each.median - each.low for each in spreads], [each.high - each.median for each in spreads]]
    has_spread = any(each.low < each.high for each in spreads)
    axes.errorbar(
        xs,
        medians,
        yerr=whiskers if has_spread else None,
        color=colour,
        marker=marker,
        markersize=6 if ours else 5,
        linewidth=2.6 if ours else 1.4,
        elinewidth=1,
        capsize=2.5,
        zorder=3 if ours else 2,
    )
    return xs[-1], medians[-1]


def _name_curves(figure: Figure, axes: Axes, ends: dict[str, tuple[float, float]], colours: dict[str, str]) -> None:
    """Names stand to the right of the axes, level with the curve's end, and apart from each other."""
    figure.draw_without_rendering()
    per_point = figure.dpi / 72
    heights = {name: float(axes.transData.transform(end)[1]) / per_point for name, end in ends.items()}
    bottom = float(axes.transAxes.transform((1, 0))[1]) / per_point
    for name, height in _spread_out(heights, bottom).items():
        axes.annotate(
            name,
            (1.0, 0.0),
            (8, height - bottom),
            xycoords="axes fraction",
            textcoords="offset points",
            va="center",
            fontsize=looks.FONT_SIZE,
            fontweight="bold" if is_ours(name) else "normal",
            color=colours[name],
        )


def _spread_out(heights: dict[str, float], bottom: float) -> dict[str, float]:
    """From the lowest up, each at least one line above the one before."""
    placed: dict[str, float] = {}
    free = bottom
    for name, height in sorted(heights.items(), key=lambda item: item[1]):
        placed[name] = max(height, free)
        free = placed[name] + LABEL_POINTS
    return placed
