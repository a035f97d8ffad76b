"""Work with very many items, beside which others must have their turns."""

import random

import pytest

from gearhorn.subscribers.aside import FEW, RUN, first_sorted, reckon


@pytest.mark.parametrize("count", [0, 1, RUN, RUN + 1, 3 * RUN + 7])
def test_the_first_of_very_many_are_those_that_a_sort_would_find(count: int) -> None:
    items = random.Random(count).choices(range(1000), k=count)
    for wanted in (0, 1, 100, count, count + 1):
        assert first_sorted(items, wanted, lambda item: -item) == sorted(items, key=lambda item: -item)[:wanted]


async def test_what_is_reckoned_is_the_same_here_and_aside() -> None:
    assert [await reckon(count, lambda: "done") for count in (1, FEW + 1)] == ["done", "done"]
