"""What is done a second, from readings of the workers' counters."""

import math

from gearhorn.overview.rates import measure, measure_worker
from gearhorn.overview.views import HELD, RAN_OUT, Overview, Reading, StoreView, WorkerView


def worker(name: str = "one", since_s: float = 0.0, state: str = HELD, **readings: Reading | None) -> WorkerView:
    return WorkerView(name, state, 5.0, since_s=since_s, **readings)  # type: ignore[arg-type]


def overview(*workers: WorkerView) -> Overview:
    return Overview(0.0, StoreView("redis", "", is_reachable=True), workers)


def reading(at_s: float, **counters: int) -> Reading:
    return Reading(at_s, counters)


def test_one_look_is_enough_where_workers_tell_two_readings() -> None:
    seen = worker(reading=reading(10.0, fanouts=30, copies=300), earlier=reading(5.0, fanouts=20, copies=100))
    assert measure_worker(seen) == {"fanouts": 2.0, "copies": 40.0}


def test_rates_of_all_workers_add_up() -> None:
    one = worker("one", reading=reading(2.0, copies=4), earlier=reading(0.0, copies=0))
    two = worker("two", reading=reading(4.0, copies=4), earlier=reading(0.0, copies=0))
    assert measure(overview(one, two)).copies == 3.0


def test_what_a_worker_has_never_counted_it_has_not_done() -> None:
    seen = worker(reading=reading(2.0), earlier=reading(0.0))
    assert measure(overview(seen)).fanouts == 0.0


def test_a_counter_that_is_new_began_at_nothing() -> None:
    seen = worker(reading=reading(2.0, changes=4), earlier=reading(0.0))
    assert measure_worker(seen) == {"changes": 2.0}


def test_two_looks_measure_a_worker_that_tells_one_reading() -> None:
    before = overview(worker(reading=reading(10.0, fanouts=5)))
    after = overview(worker(reading=reading(12.0, fanouts=9)))
    assert measure(after).fanouts is None
    assert measure(after, before).fanouts == 2.0


def test_a_worker_that_was_started_again_is_not_held_against_its_predecessor() -> None:
    before = overview(worker(since_s=0.0, reading=reading(10.0, fanouts=1000)))
    after = overview(worker(since_s=11.0, reading=reading(12.0, fanouts=1)))
    assert measure(after, before).fanouts is None


def test_a_worker_that_has_gone_adds_nothing() -> None:
    gone = worker("gone", reading=reading(10.0, copies=1000), earlier=reading(5.0))
    here = worker("here", reading=reading(12.0, copies=2), earlier=reading(10.0))
    assert measure(overview(here), overview(gone, here)).copies == 1.0


def test_a_lease_that_ran_out_tells_nothing_of_now() -> None:
    gone = worker(state=RAN_OUT, reading=reading(10.0, copies=1000), earlier=reading(5.0))
    assert measure(overview(gone)).copies is None


def test_a_counter_that_goes_down_is_no_rate_below_nothing() -> None:
    seen = worker(reading=reading(2.0, copies=1), earlier=reading(0.0, copies=5))
    assert measure_worker(seen) == {"copies": 0.0}


def test_readings_of_one_moment_or_of_none_tell_nothing() -> None:
    assert measure_worker(worker(reading=reading(2.0, copies=1), earlier=reading(2.0))) is None
    assert measure_worker(worker(reading=reading(math.nan, copies=1), earlier=reading(math.nan))) is None
    assert measure_worker(worker()) is None


def test_nobody_to_measure_is_not_the_same_as_nothing_done() -> None:
    assert measure(overview()).copies is None
