"""The clock that leases are waited out by."""

import time

from gearhorn import clock
from gearhorn.clock import steady_s


def test_it_never_goes_back() -> None:
    readings = [steady_s() for _ in range(1000)]
    assert readings == sorted(readings)


def test_it_counts_on_while_the_machine_sleeps_where_there_is_such_a_clock() -> None:
    assert getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC) == clock._CLOCK
    before_s = time.clock_gettime(clock._CLOCK)
    assert before_s <= steady_s() <= time.clock_gettime(clock._CLOCK)


def test_it_is_read_anew_with_each_call() -> None:
    first_s = steady_s()
    while steady_s() == first_s:
        pass
