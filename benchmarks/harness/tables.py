"""Tables in Markdown: of any cells, and of a scenario's series."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

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


def of_series(series: Sequence[Series]) -> Iterator[list[str]]:
    """A table per unit; units that have one point only share a table with the next ones that have the same rows."""
    for units in _units_together(series):
        yield _single_points(series, units) if len(units) > 1 else _of_unit(series, units[0])


def _units_together(series: Sequence[Series]) -> list[list[str]]:
    groups: list[list[str]] = []
    for unit in _in_order(each.unit for each in series):
        if groups and _may_share(series, groups[-1][-1], unit):
            groups[-1].append(unit)
        else:
            groups.append([unit])
    return groups


def _may_share(series: Sequence[Series], *units: str) -> bool:
    chosen = [[each for each in series if each.unit == unit] for unit in units]
    rows = [_in_order(each.contestant for each in part) for part in chosen]
    return all(len({each.point for each in part}) == 1 for part in chosen) and all(each == rows[0] for each in rows)


def _single_points(series: Sequence[Series], units: Sequence[str]) -> list[str]:
    chosen = [each for each in series if each.unit in units]
    columns = {each.unit: f"{each.unit}, {each.point}" if each.point else each.unit for each in chosen}
    cells = {(each.contestant, each.unit): each for each in chosen}
    return _pivot(cells, "", columns)


def _of_unit(series: Sequence[Series], unit: str) -> list[str]:
    cells = {(each.contestant, each.point): each for each in series if each.unit == unit}
    return _pivot(cells, unit, {each.point: each.point or "median (lowest–highest)" for each in cells.values()})


def _pivot(cells: Mapping[tuple[str, str], Series], corner: str, columns: Mapping[str, str]) -> list[str]:
    """Contestants and `columns`, whichever are fewer from left to right. Ours stand out where there are others."""
    contestants = _in_order(contestant for contestant, _ in cells)
    bold = {name for name in contestants if is_ours(name)}
    bold = bold if len(bold) < len(contestants) else set()
    names = {name: _bold(name) if name in bold else name for name in contestants}
    texts = {key: numerals.spread(sum_up(each.figures)) for key, each in cells.items()}
    texts |= {key: _bold(text) for key, text in texts.items() if key[0] in bold}
    if len(contestants) < len(columns):
        rows = [[columns[point], *(texts.get((name, point), "–") for name in names)] for point in columns]
        return markdown([corner, *names.values()], rows)
    rows = [[names[name], *(texts.get((name, point), "–") for point in columns)] for name in names]
    return markdown([corner, *columns.values()], rows)


def _bold(text: str) -> str:
    return f"**{text}**"


def _in_order(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))


def _escape(cell: str) -> str:
    return cell.replace("|", "\\|").replace("\n", " ")
