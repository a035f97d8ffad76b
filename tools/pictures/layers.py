"""The parts of the package, each above all that it may import: drawn from the table that a test holds."""

from functools import cache

from tests.unit.import_rules import AT_HOME, MAY_IMPORT, PURE
from tools.pictures.canvas import Canvas

_ABOUT = "Each part may import parts below it only. Those with a blue frame decide and touch nothing outside."

_WIDTH, _ROW_PX, _GAP = 800, 66, 8
_NAMES_LEFT = 20


@cache
def height_of(part: str) -> int:
    """0 for what imports nothing of ours, else one more than the highest part that it may import."""
    return 1 + max(map(height_of, MAY_IMPORT[part].split()), default=-1)


def rows() -> list[list[str]]:
    """From the top."""
    by_height: dict[int, list[str]] = {}
    for part in MAY_IMPORT:
        if not part.startswith("__"):
            by_height.setdefault(height_of(part), []).append(part)
    return [sorted(by_height[height]) for height in sorted(by_height, reverse=True)]


def libraries_of(part: str) -> list[str]:
    """In lines, two to each."""
    names = sorted(library for library, homes in AT_HOME.items() if part in homes.split())
    return [", ".join(names[start : start + 2]) for start in range(0, len(names), 2)]


def draw() -> str:
    parts = rows()
    canvas = Canvas(_WIDTH, len(parts) * _ROW_PX + 40, "The parts of the package", _ABOUT)
    for number, row in enumerate(parts):
        _draw_row(canvas, row, 10 + number * _ROW_PX)
    canvas.text(_NAMES_LEFT, len(parts) * _ROW_PX + 28, _ABOUT, "small faint")
    return canvas.svg()


def _draw_row(canvas: Canvas, row: list[str], top: float) -> None:
    space = _WIDTH - 2 * _NAMES_LEFT
    width = min(150.0, (space - _GAP * (len(row) - 1)) / len(row))
    left = _NAMES_LEFT + (space - len(row) * width - _GAP * (len(row) - 1)) / 2
    for number, part in enumerate(row):
        words = [part, *libraries_of(part)]
        kind = "own" if part in PURE else "box"
        canvas.box(left + number * (width + _GAP), top, width, _ROW_PX - 12, *words, kind=kind)
