"""A round is over when nobody can serve an older list from memory, and not later than that."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gearhorn.core.lease import CLOCK_MARGIN
from gearhorn.core.round import Round

TIMEOUT_S = 2.0
NOW_S = 100.0
OVERDUE_S = NOW_S + TIMEOUT_S


def a_round(*asked: str, held_s: float = 0.0, **revoked: float) -> Round[str]:
    holders: dict[str, float | None] = {**dict.fromkeys(asked), **revoked}
    return Round(holders, held_s, TIMEOUT_S, NOW_S)


def end_s(left_s: float, now_s: float = NOW_S) -> float:
    """When a lease that lasts `left_s` yet has ended by the slowest clock."""
    return now_s + left_s * (1 + CLOCK_MARGIN)


def test_without_holders_a_round_is_over_at_once() -> None:
    round_ = a_round()
    assert round_.is_over(NOW_S)
    assert round_.overdue(OVERDUE_S) == []
    assert set(round_.open_holders()) == set()


# Acknowledgements


def test_a_round_is_over_when_all_have_acknowledged() -> None:
    round_ = a_round("a", "b")
    assert set(round_.open_holders()) == {"a", "b"}
    round_.acknowledged("a")
    assert not round_.is_over(NOW_S)
    assert set(round_.open_holders()) == {"b"}
    round_.acknowledged("b")
    assert round_.is_over(NOW_S)
    assert set(round_.open_holders()) == set()


def test_time_alone_does_not_end_a_round() -> None:
    assert not a_round("a").is_over(NOW_S + 1e9)


def test_an_acknowledgement_that_comes_twice_counts_once() -> None:
    round_ = a_round("a", "b")
    round_.acknowledged("a")
    round_.acknowledged("a")
    assert not round_.is_over(NOW_S)


def test_an_acknowledgement_of_a_stranger_counts_nothing() -> None:
    round_ = a_round("a")
    round_.acknowledged("x")
    assert not round_.is_over(NOW_S)
    assert set(round_.open_holders()) == {"a"}


def test_who_has_acknowledged_is_not_overdue() -> None:
    round_ = a_round("a", "b")
    round_.acknowledged("a")
    assert round_.overdue(OVERDUE_S) == ["b"]


# Revoking


def test_nobody_is_overdue_before_the_time() -> None:
    round_ = a_round("a")
    assert round_.overdue(OVERDUE_S - 0.001) == []
    assert round_.overdue(OVERDUE_S) == ["a"]


def test_those_overdue_are_named_once() -> None:
    round_ = a_round("a", "b")
    assert sorted(round_.overdue(OVERDUE_S)) == ["a", "b"]
    assert round_.overdue(OVERDUE_S + 100) == []


def test_a_lease_that_is_being_revoked_is_waited_for() -> None:
    round_ = a_round("a")
    round_.overdue(OVERDUE_S)
    assert not round_.is_over(OVERDUE_S + 1e9)
    assert set(round_.open_holders()) == {"a"}


def test_an_acknowledgement_may_come_while_the_lease_is_being_revoked() -> None:
    round_ = a_round("a")
    round_.overdue(OVERDUE_S)
    round_.acknowledged("a")
    assert round_.is_over(OVERDUE_S)


def test_who_acknowledged_while_its_lease_was_being_revoked_is_not_waited_for() -> None:
    round_ = a_round("a")
    round_.overdue(OVERDUE_S)
    round_.acknowledged("a")
    round_.revoked("a", 8.0, OVERDUE_S)
    assert round_.is_over(OVERDUE_S)
    assert set(round_.open_holders()) == set()


def test_a_revoked_lease_is_waited_out_with_a_margin_for_its_clock() -> None:
    round_ = a_round("a")
    round_.overdue(OVERDUE_S)
    round_.revoked("a", 8.0, OVERDUE_S + 1)
    at_s = end_s(8.0, OVERDUE_S + 1)
    assert at_s > OVERDUE_S + 1 + 8.0
    assert not round_.is_over(at_s - 0.001)
    assert set(round_.open_holders()) == {"a"}
    assert round_.is_over(at_s)
    assert set(round_.open_holders()) == set()


def test_a_late_acknowledgement_ends_the_wait() -> None:
    round_ = a_round("a")
    round_.overdue(OVERDUE_S)
    round_.revoked("a", 8.0, OVERDUE_S)
    round_.acknowledged("a")
    assert round_.is_over(OVERDUE_S)


@pytest.mark.parametrize("left_s", [0.0, -3.0])
def test_a_lease_that_had_run_out_when_it_was_revoked_is_not_waited_for(left_s: float) -> None:
    round_ = a_round("a")
    round_.overdue(OVERDUE_S)
    round_.revoked("a", left_s, OVERDUE_S)
    assert round_.is_over(OVERDUE_S)


def test_the_longest_of_the_revoked_leases_counts() -> None:
    round_ = a_round("a", "b")
    round_.overdue(OVERDUE_S)
    round_.revoked("a", 8.0, OVERDUE_S)
    round_.revoked("b", 3.0, OVERDUE_S)
    assert not round_.is_over(end_s(3.0, OVERDUE_S))
    assert set(round_.open_holders()) == {"a"}
    assert round_.is_over(end_s(8.0, OVERDUE_S))


# Leases that were revoked before


def test_a_lease_that_was_revoked_before_is_waited_out_and_not_revoked_again() -> None:
    round_ = a_round(a=5.0)
    assert set(round_.open_holders()) == {"a"}
    assert round_.overdue(OVERDUE_S) == []
    assert not round_.is_over(end_s(5.0) - 0.001)
    assert round_.is_over(end_s(5.0))


def test_the_holder_of_a_revoked_lease_may_acknowledge() -> None:
    round_ = a_round(a=5.0)
    round_.acknowledged("a")
    assert round_.is_over(NOW_S)


@pytest.mark.parametrize("left_s", [0.0, -1.0])
def test_a_revoked_lease_that_has_run_out_holds_up_nothing(left_s: float) -> None:
    assert a_round(a=left_s).is_over(NOW_S)


# Leases that the store has lost


def test_lost_leases_are_waited_out_with_a_margin() -> None:
    round_ = a_round(held_s=5.0)
    assert not round_.is_over(end_s(5.0) - 0.001)
    assert round_.is_over(end_s(5.0))


def test_acknowledgements_do_not_shorten_the_wait_for_lost_leases() -> None:
    round_ = a_round("a", held_s=5.0)
    round_.acknowledged("a")
    assert not round_.is_over(end_s(5.0) - 0.001)


# When to ask again


def test_the_time_to_ask_again_is_when_somebody_is_overdue() -> None:
    round_ = a_round("a", held_s=50.0, b=50.0)
    assert round_.next_s() == OVERDUE_S


def test_time_alone_does_nothing_while_leases_are_being_revoked() -> None:
    round_ = a_round("a", b=50.0)
    round_.overdue(OVERDUE_S)
    assert round_.next_s() is None


def test_the_time_to_ask_again_is_when_the_last_lease_has_run_out() -> None:
    round_ = a_round(a=5.0, b=3.0)
    assert round_.next_s() == end_s(5.0)
    round_.acknowledged("a")
    assert round_.next_s() == end_s(3.0)
    assert a_round(held_s=9.0, a=5.0).next_s() == end_s(9.0)


def test_a_round_that_is_over_asks_for_no_time_to_come() -> None:
    assert a_round().next_s() == NOW_S


@dataclass(frozen=True)
class Worker:
    """`revoked_left_s` is what its lease had left at the start if it was revoked then; `left_s` when it is revoked in
    the round. None for `acknowledged_at_s`: never.
    """

    revoked_left_s: float | None
    left_s: float
    acknowledged_at_s: float | None

    def free_s(self, revoked_at_s: float) -> float:
        """From when on it serves no older list."""
        was_revoked = self.revoked_left_s is not None
        out_s = end_s(self.revoked_left_s or 0.0) if was_revoked else end_s(self.left_s, revoked_at_s)
        return out_s if self.acknowledged_at_s is None else min(out_s, self.acknowledged_at_s)


seconds = st.integers(0, 20).map(float)
workers = st.builds(Worker, st.none() | seconds, seconds, st.none() | seconds.map(lambda at_s: NOW_S + at_s))


class Loop:
    """Sleeps until it is told to ask again, or an acknowledgement comes, and does what is asked."""

    def __init__(self, workers: list[Worker], held_s: float, revoking_s: float) -> None:
        holders = {number: worker.revoked_left_s for number, worker in enumerate(workers)}
        self.round: Round[int] = Round(holders, held_s, TIMEOUT_S, NOW_S)
        self.workers = workers
        self.revoking_s = revoking_s
        self.now_s = NOW_S
        self.named: list[int] = []

    def run(self) -> None:
        self._move(NOW_S)
        for _ in range(2 * len(self.workers) + 3):  # each of them acknowledges, and all are revoked
            if self.round.is_over(self.now_s):
                return
            if late := self.round.overdue(self.now_s):
                self._revoke(late)
            else:
                self._sleep()
        raise AssertionError("the loop turns and gets nowhere")

    def _revoke(self, late: list[int]) -> None:
        self.named += late
        self._move(self.now_s + self.revoking_s)
        for number in late:
            self.round.revoked(number, self.workers[number].left_s, self.now_s)

    def _sleep(self) -> None:
        to_come = [at_s for worker in self.workers if (at_s := worker.acknowledged_at_s or 0.0) > self.now_s]
        until_s = self.round.next_s()
        assert until_s is not None
        assert until_s > self.now_s
        self._move(min([until_s, *to_come]))

    def _move(self, now_s: float) -> None:
        for number, worker in enumerate(self.workers):
            if worker.acknowledged_at_s is not None and worker.acknowledged_at_s <= now_s:
                self.round.acknowledged(number)
        self.now_s = now_s


@given(st.lists(workers, max_size=5), st.just(0.0) | seconds, seconds)
def test_a_loop_that_does_as_it_is_told_ends_when_everybody_is_free(
    all_workers: list[Worker], held_s: float, revoking_s: float
) -> None:
    loop = Loop(all_workers, held_s, revoking_s)
    loop.run()
    revoked_at_s = OVERDUE_S + revoking_s
    free_s = [worker.free_s(revoked_at_s) for worker in all_workers]
    assert loop.now_s == max([NOW_S, end_s(held_s), *free_s, *([revoked_at_s] if loop.named else [])])
    assert sorted(loop.named) == [
        number
        for number, worker in enumerate(all_workers)
        if worker.revoked_left_s is None and (worker.acknowledged_at_s or 1e9) > OVERDUE_S
    ]
