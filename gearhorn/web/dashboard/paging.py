"""Cuts a long list into pages."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from gearhorn.subscribers.aside import first_sorted

Row = TypeVar("Row")

ROWS_PER_PAGE = 100


@dataclass(frozen=True, slots=True)
class Slice(Generic[Row]):
    """One page of a list: `number` counts from 1, `first` is the place of its first row in the list, from 1 too."""

    rows: Sequence[Row]
    number: int
    page_count: int
    row_count: int
    first: int

    @property
    def last(self) -> int:
        return self.first + len(self.rows) - 1

    def as_json(self, name: str, render: Callable[[Row], dict[str, Any]]) -> dict[str, Any]:
        """The rows under `name`, and where in the list they are."""
        return {
            "page": self.number,
            "pages": self.page_count,
            "found": self.row_count,
            name: [render(row) for row in self.rows],
        }


def cut(rows: Sequence[Row], number: int, size: int = ROWS_PER_PAGE) -> Slice[Row]:
    """A page that is not there is the nearest that is: a list may have become shorter since the link was made."""
    page_count, number = _nearest(len(rows), number, size)
    start = (number - 1) * size
    return Slice(rows[start : start + size], number, page_count, len(rows), start + 1 if rows else 0)


def cut_sorted(rows: Sequence[Row], number: int, key: Callable[[Row], Any], size: int = ROWS_PER_PAGE) -> Slice[Row]:
    """A page of the rows in the order of `key`. What comes behind it is not sorted."""
    page_count, number = _nearest(len(rows), number, size)
    start = (number - 1) * size
    shown = first_sorted(rows, number * size, key)[start:]
    return Slice(shown, number, page_count, len(rows), start + 1 if rows else 0)


def _nearest(row_count: int, number: int, size: int) -> tuple[int, int]:
    """How many pages there are, and the number of the one to show."""
    page_count = max(1, -(-row_count // size))
    return page_count, min(max(number, 1), page_count)
