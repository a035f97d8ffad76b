"""A lease is valid for a little less than the store says, reckoned from before it was asked for."""

import pytest

from gearhorn.core.lease import CLOCK_MARGIN, TOKENS_REMEMBERED, Lease

TTL_S = 10.0
LASTS_S = TTL_S * (1 - CLOCK_MARGIN)


def a_lease(token: str = "a", asked_at_s: float = 100.0) -> Lease:
    lease = Lease(TTL_S)
    lease.asked(token)
    lease.taken(token, asked_at_s)
    return lease


@pytest.mark.parametrize("now_s", [-1.0, 0.0, 100.0])
def test_a_worker_begins_without_a_lease(now_s: float) -> None:
    lease = Lease(TTL_S)
    assert lease.token is None
    assert not lease.is_valid(now_s)
    assert lease.left_s(now_s) == 0


def test_asking_for_a_lease_is_not_having_it() -> None:
    lease = Lease(TTL_S)
    lease.asked("a")
    assert lease.token is None
    assert not lease.is_valid(0)


def test_a_lease_is_valid_from_when_it_was_asked_for() -> None:
    lease = a_lease(asked_at_s=100.0)
    assert lease.token == "a"
    assert lease.is_valid(100.0)
    assert lease.is_valid(100.0 + LASTS_S - 0.001)
    assert lease.left_s(101.0) == pytest.approx(LASTS_S - 1)


def test_a_lease_ends_before_the_store_says_because_clocks_differ() -> None:
    lease = a_lease(asked_at_s=100.0)
    assert LASTS_S < TTL_S
    assert not lease.is_valid(100.0 + LASTS_S)
    assert lease.left_s(100.0 + LASTS_S) == 0
    assert lease.left_s(1000.0) == 0


def test_a_slow_answer_costs_validity_and_not_safety() -> None:
    """The clock stood at 109 when the answer came; nothing of that counts."""
    lease = a_lease(asked_at_s=100.0)
    lease.renewed(asked_at_s=101.0)
    assert lease.left_s(109.0) == pytest.approx(101.0 + LASTS_S - 109.0)


def test_a_renewal_reckons_from_its_own_question() -> None:
    lease = a_lease(asked_at_s=100.0)
    lease.renewed(asked_at_s=105.0)
    assert lease.token == "a"
    assert lease.is_valid(105.0 + LASTS_S - 0.001)
    assert not lease.is_valid(105.0 + LASTS_S)


def test_a_lease_that_was_lost_is_not_valid_however_long_it_had_yet() -> None:
    lease = a_lease(asked_at_s=100.0)
    lease.lost()
    assert lease.token is None
    assert not lease.is_valid(100.0)
    assert lease.left_s(100.0) == 0


def test_a_renewal_does_not_bring_a_lost_lease_back() -> None:
    lease = a_lease(asked_at_s=100.0)
    lease.lost()
    lease.renewed(asked_at_s=101.0)
    assert not lease.is_valid(101.0)
    assert lease.left_s(101.0) == 0


def test_a_new_lease_reckons_from_its_own_question() -> None:
    lease = a_lease("a", asked_at_s=100.0)
    lease.lost()
    lease.asked("b")
    lease.taken("b", asked_at_s=50.0)
    assert lease.token == "b"
    assert lease.is_valid(50.0)
    assert not lease.is_valid(50.0 + LASTS_S)


def test_a_token_is_ours_from_the_question_on_and_after_the_loss() -> None:
    """Whoever changes a list may find the lease in the store before its worker has the answer."""
    lease = Lease(TTL_S)
    assert not lease.was_ours("a")
    lease.asked("a")
    assert lease.was_ours("a")
    lease.taken("a", 100.0)
    assert lease.was_ours("a")
    lease.lost()
    assert lease.was_ours("a")


def test_the_token_of_another_is_not_ours() -> None:
    lease = a_lease("a")
    assert not lease.was_ours("b")
    assert not lease.was_ours("")


def test_as_many_tokens_as_said_are_remembered() -> None:
    lease = Lease(TTL_S)
    tokens = [str(number) for number in range(TOKENS_REMEMBERED + 1)]
    for token in tokens:
        lease.asked(token)
    assert [token for token in tokens if lease.was_ours(token)] == tokens[1:]
