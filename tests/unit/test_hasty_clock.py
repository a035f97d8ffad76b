"""The clock of a lease's holder is never slow, whichever of the machine's clocks can be believed."""

import pytest

from gearhorn.clock import HastyClock


class Clocks:
    def __init__(self) -> None:
        self.steady_s = 1000.0
        self.wall_s = 1_700_000_000.0

    def sleep(self, seconds: float) -> None:
        self.steady_s += seconds
        self.wall_s += seconds


@pytest.fixture
def clocks() -> Clocks:
    return Clocks()


@pytest.fixture
def hasty(clocks: Clocks) -> HastyClock:
    return HastyClock(lambda: clocks.steady_s, lambda: clocks.wall_s)


def test_it_goes_with_the_steady_clock(clocks: Clocks, hasty: HastyClock) -> None:
    before_s = hasty()
    clocks.sleep(7)
    assert hasty() - before_s == pytest.approx(7)


def test_a_leap_of_the_wall_clock_is_time_that_has_passed(clocks: Clocks, hasty: HastyClock) -> None:
    before_s = hasty()
    clocks.wall_s += 3600  # the machine was suspended, and the steady clock stood still
    assert hasty() - before_s == pytest.approx(3600)
    clocks.sleep(5)
    assert hasty() - before_s == pytest.approx(3605)


def test_it_does_not_go_back_with_the_wall_clock_and_counts_each_leap_once(clocks: Clocks, hasty: HastyClock) -> None:
    before_s = hasty()
    clocks.wall_s -= 50
    assert hasty() - before_s == pytest.approx(0)
    clocks.wall_s += 20
    assert hasty() - before_s == pytest.approx(20)
    assert hasty() - before_s == pytest.approx(20)


def test_small_adjustments_of_the_wall_clock_are_let_pass(clocks: Clocks, hasty: HastyClock) -> None:
    before_s = hasty()
    clocks.wall_s += 0.05
    assert hasty() - before_s == pytest.approx(0)


def test_it_has_the_clocks_of_the_machine() -> None:
    clock = HastyClock()
    first_s = clock()
    assert clock() >= first_s
