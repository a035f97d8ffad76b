"""Tables in Markdown: of any cells, and of a scenario's series."""

from collections.abc import Iterable, Sequence

from harness import numerals
from harness.rounds import sum_up
from harness.scenario import Series, is_ours


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Lines; the columns are as wide as they must be, so that the text alone reads well too."""
    cells = [[_escape(cell) for cell in row] for row in (head, *rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    rule = ["-" * width for width in widths]
    return [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in (cells[0], rule, *cells[1:])
    ]


def units(series: Sequence[Series]) -> list[str]:
    return _in_order(each.unit for each in series)


def of_series(series: Sequence[Series], unit: str) -> list[str]:
    """What was measured in this unit: contestants and points, whichever are fewer as columns."""
    chosen = [each for each in series if each.unit == unit]
    contestants = _in_order(each.contestant for each in chosen)
    points = _in_order(each.point for each in chosen)
    cells = {(each.contestant, each.point): numerals.spread(sum_up(each.figures)) for each in chosen}
    if len(contestants) < len(points):
        rows = [[point, *(_cell(cells, name, point) for name in contestants)] for point in points]
        return markdown([unit, *map(_emphasise, contestants)], rows)
    rows = [[_emphasise(name), *(_cell(cells, name, point) for point in points)] for name in contestants]
    return markdown([unit, *points], rows)


def _cell(cells: dict[tuple[str, str], str], contestant: str, point: str) -> str:
    text = cells.get((contestant, point), "–")
    return f"**{text}**" if is_ours(contestant) and text != "–" else text


def _emphasise(contestant: str) -> str:
    return f"**{contestant}**" if is_ours(contestant) else contestant


def _in_order(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))


def _escape(cell: str) -> str:
    return cell.replace("|", "\\|").replace("\n", " ")
