"""What becomes of the copies of one fanout."""

import pytest

from gearhorn.core.fanout import Failure, FanoutRun, Portion
from gearhorn.core.members import NOBODY, Members, Row

THREE = Members.of([b"a", b"b", b"c"])
MIXED = Members.of([b"ann", b"bob", b"carla", b"dora1", b"ed"])


def run_of(members: Members, *, foreground: bool) -> tuple[FanoutRun, Portion]:
    run = FanoutRun(len(members), foreground=foreground)
    return run, run.add_portion(members)


def test_copies_are_taken_in_order_with_ids_of_one_length() -> None:
    portion = Portion(MIXED)
    assert portion.next_id_bytes() == 3
    assert portion.take(1) == (0, Row(b"ann\n", 3, 1))
    assert portion.take(9) == (1, Row(b"bob\n", 3, 1))
    assert (portion.unsent_count, portion.next_id_bytes()) == (3, 5)
    assert portion.take(9) == (2, Row(b"carla\ndora1\n", 5, 2))
    assert portion.take(9) == (4, Row(b"ed\n", 2, 1))
    assert portion.unsent_count == 0


def test_what_was_not_taken_can_be_withdrawn_once() -> None:
    portion = Portion(MIXED)
    portion.take(2)
    assert list(portion.withdraw()) == [2, 3, 4]
    assert list(portion.withdraw()) == []
    assert portion.unsent_count == 0


@pytest.mark.parametrize("foreground", [True, False])
def test_a_run_for_nobody_is_settled(foreground: bool) -> None:
    assert FanoutRun(0, foreground=foreground).is_settled


def test_a_background_run_is_settled_by_confirmations() -> None:
    run, portion = run_of(THREE, foreground=False)
    run.confirm(portion, 0, 2)
    assert not run.is_settled
    run.confirm(portion, 2, 1)
    assert run.is_settled
    assert (run.done_count, run.failures) == (3, [])


def test_a_background_run_is_settled_by_confirmations_and_refusals() -> None:
    run, portion = run_of(THREE, foreground=False)
    assert run.fail(portion, 1, "not sent: full")
    run.confirm(portion, 0, 1)
    run.confirm(portion, 2, 1)
    assert run.is_settled
    assert (run.done_count, run.failures) == (2, [Failure(b"b", "not sent: full")])


def test_a_background_run_that_is_settled_stays_so() -> None:
    run, portion = run_of(THREE, foreground=False)
    run.confirm(portion, 0, 3)
    run.confirm(portion, 0, 3)
    assert not run.fail(portion, 0, "not sent: full")
    assert run.is_settled
    assert (run.done_count, run.failures) == (3, [])


def test_a_foreground_run_is_not_settled_by_confirmations() -> None:
    run, portion = run_of(THREE, foreground=True)
    run.confirm(portion, 0, 3)
    assert not run.is_settled
    assert run.done_count == 0


def test_a_foreground_run_is_settled_by_its_receivers() -> None:
    run, portion = run_of(THREE, foreground=True)
    run.confirm(portion, 0, 3)
    assert run.complete(portion, 2)
    assert run.fail(portion, 0, "failed")
    assert not run.is_settled
    assert run.complete(portion, 1)
    assert run.is_settled
    assert (run.done_count, run.failures) == (2, [Failure(b"a", "failed")])


@pytest.mark.parametrize("second", ["complete", "fail"])
@pytest.mark.parametrize("first", ["complete", "fail"])
def test_the_second_ending_of_a_copy_counts_for_nothing(first: str, second: str) -> None:
    run, portion = run_of(THREE, foreground=True)
    endings = {"complete": lambda: run.complete(portion, 1), "fail": lambda: run.fail(portion, 1, "failed")}
    assert endings[first]()
    assert not endings[second]()
    assert run.done_count + len(run.failures) == 1


def test_a_confirmation_behind_the_end_does_not_open_the_copy_again() -> None:
    run, portion = run_of(THREE, foreground=True)
    run.complete(portion, 1)
    run.confirm(portion, 0, 3)
    assert not run.complete(portion, 1)
    assert run.done_count == 1


@pytest.mark.parametrize("foreground", [True, False])
def test_lost_copies_are_given_back_for_another_portion(foreground: bool) -> None:
    run, portion = run_of(MIXED, foreground=foreground)
    lost = run.reopen(portion, [4, 0, 1])
    assert sorted(lost) == [b"ann", b"bob", b"ed"]
    assert not run.is_settled
    assert list(run.reopen(portion, [4, 0, 1])) == []


def test_lost_copies_end_where_they_went() -> None:
    run, portion = run_of(THREE, foreground=True)
    other = run.add_portion(run.reopen(portion, range(3)))
    assert not run.complete(portion, 0)
    assert [run.complete(other, position) for position in range(3)] == [True] * 3
    assert run.is_settled
    assert run.done_count == 3


def test_copies_that_ended_are_not_lost() -> None:
    run, portion = run_of(THREE, foreground=True)
    run.complete(portion, 0)
    run.fail(portion, 1, "failed")
    assert list(run.reopen(portion, range(3))) == [b"c"]


def test_nothing_is_given_back_once_the_run_is_settled() -> None:
    run, portion = run_of(THREE, foreground=False)
    run.confirm(portion, 0, 3)
    assert run.reopen(portion, range(3)) is NOBODY


def test_time_that_is_up_ends_the_waiting_for_confirmed_and_unconfirmed_copies() -> None:
    run, portion = run_of(THREE, foreground=True)
    run.confirm(portion, 0, 2)
    run.complete(portion, 0)
    assert run.time_out() == [b"b"]
    assert run.is_settled
    assert run.done_count == 1
    (late, unsent) = run.failures
    assert late == Failure(b"b", "timeout")
    assert unsent.client_id == b"c"
    assert unsent.reason.startswith("not sent: ")


def test_time_that_is_up_reaches_every_portion() -> None:
    run = FanoutRun(len(MIXED), foreground=True)
    for part in MIXED.split(2):
        run.add_portion(part)
    assert run.time_out() == []
    assert sorted(failure.client_id for failure in run.failures) == sorted(MIXED)


def test_nothing_changes_after_the_time_is_up() -> None:
    run, portion = run_of(THREE, foreground=True)
    run.time_out()
    run.confirm(portion, 0, 3)
    assert not run.complete(portion, 0)
    assert not run.fail(portion, 1, "failed")
    assert list(run.reopen(portion, range(3))) == []
    assert run.time_out() == []
    assert (run.done_count, len(run.failures)) == (0, 3)


def test_those_who_get_no_copy_are_counted_and_named() -> None:
    run, portion = run_of(THREE, foreground=True)
    run.leave_out([b"d"], "not sent: paused")
    assert run.total_count == 4
    for position in range(3):
        run.complete(portion, position)
    assert run.is_settled
    assert (run.done_count, run.failures) == (3, [Failure(b"d", "not sent: paused")])
