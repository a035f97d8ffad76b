"""What all plots have in common: colours, type sizes, the quiet frame, how they are saved."""

import io
from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter
from PIL import Image

from harness import numerals
from harness.scenario import is_ours

WIDTH_INCHES, DOTS_PER_INCH = 8.0, 110
OURS = ("#0067c5", "#4da3ff", "#003e7e")
OTHERS = ("#6b7280", "#d97706", "#7c3aed", "#15803d", "#be185d", "#0d9488", "#78350f", "#dc2626", "#4d7c0f")
INK, FAINT = "#1f2937", "#e5e7eb"
FONT_SIZE = 9.5
PALETTE_SIZE = 128
MOST_TICKS = 6
FEW_DECADES = 300  # as the factor from one end of an axis to the other


def new_figure(title: str) -> Figure:
    """Its height is set by what is drawn."""
    figure = Figure(figsize=(WIDTH_INCHES, 4.2), dpi=DOTS_PER_INCH, layout="constrained", facecolor="white")
    figure.suptitle(title, x=0.01, ha="left", fontsize=FONT_SIZE + 2.5, fontweight="bold", color=INK)
    return figure


def save(figure: Figure, path: Path) -> Path:
    """With a palette of few colours it is a third of the size, and looks the same."""
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png")
    picture = Image.open(drawn).convert("RGB")
    picture.quantize(PALETTE_SIZE, dither=Image.Dither.NONE).save(path, optimize=True)
    return path


def colours(contestants: Sequence[str]) -> dict[str, str]:
    """Ours from one family, whatever else there is."""
    ours = [name for name in contestants if is_ours(name)]
    others = [name for name in contestants if not is_ours(name)]
    return {
        **{name: OURS[number % len(OURS)] for number, name in enumerate(ours)},
        **{name: OTHERS[number % len(OTHERS)] for number, name in enumerate(others)},
    }


def quieten(axes: Axes, grid_axis: str) -> None:
    """No box, and a grid that one sees only when looking for it."""
    for side in ("top", "right", "left" if grid_axis == "x" else "bottom"):
        axes.spines[side].set_visible(False)
    for spine in axes.spines.values():
        spine.set_color(INK)
    axes.set_axisbelow(True)
    axes.grid(visible=True, axis="x" if grid_axis == "x" else "y", color=FAINT, linewidth=0.8)
    axes.tick_params(which="both", labelsize=FONT_SIZE, colors=INK, length=0)
    axes.xaxis.label.set(size=FONT_SIZE, color=INK)
    axes.yaxis.label.set(size=FONT_SIZE, color=INK)


def write_figures(axes: Axes, axis: str) -> None:
    """12,000 instead of 1.2e4 along the axis, and not so many of them that they touch."""
    chosen = axes.xaxis if axis == "x" else axes.yaxis
    if chosen.get_scale() == "log":
        low, high = chosen.get_view_interval()
        chosen.set_major_locator(LogLocator(subs=(1, 2, 5) if high / low < FEW_DECADES else (1,)))
    else:
        chosen.set_major_locator(MaxNLocator(MOST_TICKS, steps=(1, 2, 5, 10)))
    chosen.set_major_formatter(FuncFormatter(lambda value, _: numerals.exact(value)))
    chosen.set_minor_formatter(NullFormatter())
