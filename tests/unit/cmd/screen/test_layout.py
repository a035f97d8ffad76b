"""What is on a screen that is never large enough."""

import io

import pytest
from rich.console import Console

from gearhorn.cmd.screen.layout import allot, draw
from gearhorn.cmd.screen.scene import Scene
from tests.unit.cmd.screen.scenes import scene


def shown(drawn: Scene, rows: int, columns: int = 80, sort: str = "b") -> list[str]:
    console = Console(file=io.StringIO(), width=columns, height=rows, force_terminal=False)
    console.print(draw(drawn, rows, sort))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


@pytest.mark.parametrize(
    ("rows", "wanted", "shares"),
    [
        (10, [2, 3], [2, 3]),
        (5, [2, 100, 100], [2, 2, 1]),
        (6, [1, 100, 1], [1, 4, 1]),
        (0, [3, 3], [0, 0]),
        (-4, [3], [0]),
        (5, [], []),
    ],
)
def test_rows_are_shared_out_one_by_one(rows: int, wanted: list[int], shares: list[int]) -> None:
    assert allot(rows, wanted) == shares


@pytest.mark.parametrize("rows", [10, 16, 24, 50])
@pytest.mark.parametrize("columns", [40, 80, 200])
def test_a_large_system_in_trouble_fits_on_any_screen(rows: int, columns: int) -> None:
    lines = shown(scene(30, 40, 500, 70), rows, columns)
    assert len(lines) <= max(rows, 9)
    assert max(map(len, lines)) <= columns


def test_what_is_wrong_comes_first_and_what_is_not_shown_is_counted() -> None:
    lines = shown(scene(30, 40, 500, 70), 24)
    assert lines[0].startswith("16 things are wrong")
    assert any(line.startswith("… and 12 more") for line in lines)
    assert any("topic (2 of 500)" in line for line in lines)


def test_a_system_without_trouble_says_so() -> None:
    assert shown(scene(1), 24)[0].startswith("all is well")


@pytest.mark.parametrize(
    ("sort", "first"), [("b", "topic00000"), ("s", "topic00008"), ("n", "topic00000"), ("d", "topic00001")]
)
def test_topics_come_in_the_order_that_was_asked_for(sort: str, first: str) -> None:
    lines = shown(scene(topic_count=9), 40, sort=sort)
    assert next(line for line in lines if line.startswith("topic0")).startswith(first)


def test_names_are_no_markup() -> None:
    drawn = scene()
    odd = drawn.overview.topics[0].__class__("[red]x[/red]", 1)
    lines = shown(drawn._replace(overview=drawn.overview.__class__(0.0, drawn.overview.store, topics=(odd,))), 24)
    assert any("[red]x[/red]" in line for line in lines)
