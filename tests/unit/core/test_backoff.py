"""Delays double up to a limit, and no two workers keep step."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gearhorn.core.backoff import Backoff


class Always(Random):
    """A generator at one end of what it may draw."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self._share = share

    def random(self) -> float:
        return self._share


def test_delays_double_up_to_the_most() -> None:
    backoff = Backoff(0.1, 1.0, Always(1.0))
    assert [round(backoff.next_s(), 3) for _ in range(6)] == [0.1, 0.2, 0.4, 0.8, 1.0, 1.0]


def test_jitter_goes_down_to_the_half() -> None:
    backoff = Backoff(0.1, 1.0, Always(0.0))
    assert [round(backoff.next_s(), 3) for _ in range(6)] == [0.05, 0.1, 0.2, 0.4, 0.5, 0.5]


def test_a_reset_begins_anew() -> None:
    backoff = Backoff(0.1, 1.0, Always(1.0))
    for _ in range(5):
        backoff.next_s()
    backoff.reset()
    assert backoff.next_s() == pytest.approx(0.1)


def test_two_workers_do_not_keep_step() -> None:
    one, other = Backoff(1, 60, Random(1)), Backoff(1, 60, Random(2))
    assert [one.next_s() for _ in range(4)] != [other.next_s() for _ in range(4)]


@given(st.floats(0.001, 10), st.floats(10, 1000), st.integers(), st.integers(1, 200))
def test_a_delay_is_never_above_the_most_nor_below_half_of_the_first(
    first_s: float, most_s: float, seed: int, count: int
) -> None:
    backoff = Backoff(first_s, most_s, Random(seed))
    delays = [backoff.next_s() for _ in range(count)]
    assert min(delays) >= first_s / 2
    assert max(delays) <= most_s
