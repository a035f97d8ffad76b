"""When an aim is reached, and that ratios are taken round by round."""

import pytest
from harness.rounds import Spread, ratio, sum_up
from harness.scenario import Aim


@pytest.mark.parametrize(
    ("median", "is_least", "is_reached"),
    [
        (0.85, True, True),
        (0.8499, True, False),
        (9.0, True, True),
        (0.85, False, True),
        (0.8501, False, False),
        (0.1, False, True),
    ],
)
def test_the_median_decides_whatever_the_spread(median: float, is_least: bool, is_reached: bool) -> None:
    assert Aim("", Spread(median, 0.0, 100.0), 0.85, is_least).is_reached is is_reached


def test_a_ratio_is_taken_within_each_round() -> None:
    # a busy second round halves both: what they have to each other stays
    assert ratio([100.0, 50.0, 90.0], [200.0, 100.0, 100.0]) == Spread(0.5, 0.5, 0.9)


def test_the_median_of_ratios_is_not_the_ratio_of_medians() -> None:
    over, under = [1.0, 10.0, 100.0], [1.0, 100.0, 10.0]
    assert ratio(over, under).median == 1.0
    assert ratio([1.0, 10.0, 12.0], [10.0, 1.0, 4.0]).median == 3.0 != sum_up([1.0, 10.0, 12.0]).median / 4.0


def test_a_round_that_lacks_a_contestant_is_an_error() -> None:
    with pytest.raises(ValueError, match="shorter"):
        ratio([1.0, 2.0], [1.0])
