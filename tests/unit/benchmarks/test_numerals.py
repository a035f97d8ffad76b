"""Figures are told with three digits that count."""

import pytest
from harness import numerals
from harness.rounds import Spread


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (435013.0, "435,000"),
        (999.6, "1,000"),
        (123.4, "123"),
        (12.34, "12.3"),
        (9.999, "10.0"),
        (1.0, "1"),
        (1.004, "1.00"),
        (0.0123456, "0.0123"),
        (0.0, "0"),
        (-12.34, "-12.3"),
    ],
)
def test_a_figure(number: float, text: str) -> None:
    assert numerals.figure(number) == text


def test_a_spread_that_is_none_is_not_told() -> None:
    assert numerals.spread(Spread(2.0, 1.5, 3.0)) == "2 (1.50–3)"
    assert numerals.spread(Spread(2.0, 2.0, 2.0)) == "2"
