"""The window holds copies back: by number, by bytes, and until it has drained."""

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gearhorn.core.window import (
    ALONE_TARGET_S,
    CAREFUL_COPIES,
    FIRST_COPIES,
    LEAST_COPIES,
    MOST_BYTES,
    MOST_COPIES,
    MOST_SHRINKAGE,
    SHARED_TARGET_S,
    CopyWindow,
)


def full_round(window: CopyWindow, took_s: float, copy_bytes: int = 100) -> int:
    """Fills the window, drains it in this time, and returns its size then. The server is no way off."""
    count = window.room(copy_bytes)
    window.sent(count, copy_bytes, 1000.0)
    window.answered(1, 1000.0)
    window.answered(count - 1, 1000.0 + took_s)
    return window.size


def test_a_new_window_takes_the_first_number_of_copies() -> None:
    assert CopyWindow().room(100) == FIRST_COPIES


def test_a_window_that_is_not_full_takes_more_at_any_time() -> None:
    window = CopyWindow()
    window.sent(10, 100, 0.0)
    assert window.room(100) == FIRST_COPIES - 10
    window.answered(4, 0.1)
    assert window.room(100) == FIRST_COPIES - 6


def test_a_full_window_takes_nothing_until_it_is_empty() -> None:
    window = CopyWindow()
    window.sent(FIRST_COPIES, 100, 0.0)
    assert window.room(100) == 0
    window.answered(FIRST_COPIES - 1, 0.001)
    assert window.room(100) == 0
    window.answered(1, 0.002)
    assert window.room(100) > 0


def test_a_window_filled_bit_by_bit_is_drained_too() -> None:
    window = CopyWindow()
    window.sent(FIRST_COPIES - 1, 100, 0.0)
    window.sent(1, 100, 0.0)
    window.answered(5, 0.001)
    assert window.room(100) == 0


def test_large_copies_fill_it_by_their_bytes() -> None:
    window = CopyWindow()
    assert window.room(1 << 20) == 4
    window.sent(4, 1 << 20, 0.0)
    assert window.room(1) == 0
    window.answered(3, 0.1)
    assert window.room(1) == 0
    window.answered(1, 0.1)
    assert window.room(1 << 20) == 4


def test_a_large_copy_waits_where_a_small_one_fits() -> None:
    window = CopyWindow()
    window.sent(2, 1 << 20, 0.0)
    assert window.room(3 << 20) == 0
    assert window.room(1 << 20) == 2


@pytest.mark.parametrize("copy_bytes", [MOST_BYTES, MOST_BYTES + 1, 100 * MOST_BYTES])
def test_one_copy_fits_an_empty_window_however_large(copy_bytes: int) -> None:
    window = CopyWindow()
    assert window.room(copy_bytes) == 1
    window.sent(1, copy_bytes, 0.0)
    assert window.room(1) == 0
    window.answered(1, 5.0)
    assert window.room(copy_bytes) == 1


def test_a_window_that_drained_at_once_doubles() -> None:
    assert full_round(CopyWindow(), 0.0) == 2 * FIRST_COPIES


def test_a_window_that_took_long_shrinks_to_a_part_and_no_further() -> None:
    assert full_round(CopyWindow(), 60.0) == FIRST_COPIES // MOST_SHRINKAGE


def test_a_window_that_took_as_long_as_it_should_keeps_its_size() -> None:
    assert full_round(CopyWindow(), ALONE_TARGET_S) == pytest.approx(FIRST_COPIES, rel=0.01)


@pytest.mark.parametrize(
    ("per_copy_s", "expected"),
    [(1e-9, MOST_COPIES), (1e-6, 6000), (1e-5, 600), (1e-3, LEAST_COPIES), (0.0, MOST_COPIES)],
)
def test_the_size_follows_the_servers_pace_within_its_bounds(per_copy_s: float, expected: int) -> None:
    window = CopyWindow()
    for _ in range(20):
        full_round(window, window.size * per_copy_s)
    assert window.size == pytest.approx(expected, rel=0.02)


def test_a_window_that_never_was_full_keeps_its_size() -> None:
    window = CopyWindow()
    window.sent(10, 100, 0.0)
    window.answered(10, 60.0)
    assert window.size == FIRST_COPIES


def test_the_way_to_the_server_and_back_is_not_its_work() -> None:
    window = CopyWindow()
    for number in range(20):
        count = window.room(100)
        window.sent(count, 100, number)
        window.answered(1, number + 0.1)  # a tenth of a second away
        window.answered(count - 1, number + 0.1 + count * 1e-6)
    assert window.size == pytest.approx(6000, rel=0.02)


def test_a_server_that_answers_all_at_once_is_timed_too() -> None:
    """gearmand without I/O threads does. The way there and back is known from other times."""
    window = CopyWindow()
    window.sent(1, 100, 0.0)
    window.answered(1, 0.001)
    for number in range(1, 20):
        count = window.room(100)
        window.sent(count, 100, number)
        window.answered(count, number + 0.001 + count * 1e-6)
    assert window.size == pytest.approx(6000, rel=0.05)


def test_the_way_may_become_longer() -> None:
    window = CopyWindow()
    for number in range(3000):
        way_s = 0.001 if number < 10 else 0.1
        count = window.room(100)
        window.sent(count, 100, number)
        window.answered(1, number + way_s)
        window.answered(count - 1, number + way_s + count * 1e-6)
    assert window.size == pytest.approx(6000, rel=0.02)


def test_what_is_new_begins_as_the_last_new_thing_did() -> None:
    window = CopyWindow()
    window.aim(ALONE_TARGET_S)
    first = full_round(window, 2 * ALONE_TARGET_S)
    assert first < FIRST_COPIES
    window.aim(ALONE_TARGET_S)
    full_round(window, 0.0)
    assert window.size == 2 * first
    window.rest()
    window.aim(ALONE_TARGET_S)
    assert window.size == pytest.approx(first, abs=1)


def test_a_window_that_drains_is_left_alone() -> None:
    window = CopyWindow()
    window.aim(ALONE_TARGET_S)
    window.sent(FIRST_COPIES, 100, 0.0)
    window.rest()
    window.aim(ALONE_TARGET_S, is_careful=True)
    assert window.size == FIRST_COPIES


def test_who_is_careful_begins_with_few_copies_and_goes_on_with_more() -> None:
    window = CopyWindow()
    window.aim(ALONE_TARGET_S, is_careful=True)
    assert window.size == CAREFUL_COPIES
    full_round(window, 0.0)
    window.aim(ALONE_TARGET_S, is_careful=True)
    assert window.size == 2 * CAREFUL_COPIES


def test_another_aim_counts_at_once() -> None:
    window = CopyWindow()
    window.aim(SHARED_TARGET_S)
    assert window.size == pytest.approx(FIRST_COPIES * SHARED_TARGET_S / ALONE_TARGET_S, abs=1)
    before = window.size
    window.aim(SHARED_TARGET_S)
    assert full_round(window, SHARED_TARGET_S) == pytest.approx(before, rel=0.01)
    window.aim(ALONE_TARGET_S)
    assert window.size == pytest.approx(FIRST_COPIES, rel=0.01)


def test_the_time_that_it_took_to_fill_does_not_count() -> None:
    window = CopyWindow()
    for number in range(FIRST_COPIES):
        window.sent(1, 100, 0.0)
        if number < 100:
            window.answered(1, number * 1.0)
    window.sent(100, 100, 5000.0)
    window.answered(1, 5000.0)
    window.answered(FIRST_COPIES - 1, 5000.0 + ALONE_TARGET_S)
    assert window.size == pytest.approx(FIRST_COPIES, rel=0.01)


class WindowHistory(RuleBasedStateMachine):
    """Copies of any size are sent as far as there is room, and answered at any time."""

    def __init__(self) -> None:
        super().__init__()
        self.window = CopyWindow()
        self.open: list[int] = []
        self.filled_bytes = 0  # since it was empty
        self.drains = False
        self.now_s = 0.0

    @rule(share=st.floats(0, 1), copy_bytes=st.sampled_from([30, 200, 10_000, 1 << 20, MOST_BYTES, 3 * MOST_BYTES]))
    def send(self, share: float, copy_bytes: int) -> None:
        room = self.window.room(copy_bytes)
        assert room >= 0
        if not self.open:
            assert room >= 1
            self.filled_bytes = 0
        if self.drains:
            assert room == 0
        if not room:
            return
        count = max(1, int(room * share))
        self.window.sent(count, copy_bytes, self.now_s)
        self.open += [copy_bytes] * count
        self.filled_bytes += copy_bytes * count
        self.drains = len(self.open) >= self.window.size or self.filled_bytes + copy_bytes > MOST_BYTES

    @precondition(lambda self: self.open)
    @rule(share=st.floats(0, 1), passed_s=st.floats(0, 0.01))
    def answer(self, share: float, passed_s: float) -> None:
        self.now_s += passed_s
        count = max(1, round(len(self.open) * share))
        del self.open[:count]
        before = self.window.size
        self.window.answered(count, self.now_s)
        self.drains = self.drains and bool(self.open)
        assert before // MOST_SHRINKAGE <= self.window.size <= before * 2

    @invariant()
    def it_is_within_its_bounds(self) -> None:
        assert LEAST_COPIES <= self.window.size <= MOST_COPIES
        assert len(self.open) <= self.window.size
        assert sum(self.open) <= MOST_BYTES or len(self.open) == 1

    def teardown(self) -> None:
        if self.open:
            self.window.answered(len(self.open), self.now_s)
        assert self.window.room(100 * MOST_BYTES) == 1


TestWindowHistories = WindowHistory.TestCase
