"""How the command line prints rows: a table for people, lines for pipes, JSON for programs."""

import json
import sys
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

Cell = str | int | float | list[str] | dict[str, int] | None


def print_rows(columns: Sequence[str], rows: Sequence[Sequence[Cell]], *, as_json: bool) -> None:
    """To standard output: with `as_json` one list of objects, else a table on a terminal and tab-separated lines
    without a head elsewhere. None is null, or nothing. The parts of a list are one below the other in the table, and
    have commas between them in lines.
    """
    if as_json:
        print(json.dumps([dict(zip(columns, row, strict=True)) for row in rows], ensure_ascii=False))
    elif sys.stdout.isatty():
        _print_table(columns, rows)
    else:
        for row in rows:
            print(*map(_written, row), sep="\t")


def _print_table(columns: Sequence[str], rows: Sequence[Sequence[Cell]]) -> None:
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column.replace("_", " "), overflow="fold")
    for row in rows:
        table.add_row(*(Text(_written(cell, "\n")) for cell in row))  # Text: names are no markup
    Console().print(table)


def _written(cell: Cell, between: str = ",") -> str:
    if isinstance(cell, float):
        return str(round(cell))
    if isinstance(cell, dict):
        return between.join(f"{key}={value}" for key, value in cell.items())
    if isinstance(cell, list):
        return between.join(cell)
    return "" if cell is None else str(cell)
