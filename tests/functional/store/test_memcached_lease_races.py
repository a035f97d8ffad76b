"""Leases in memcached when something happens between any two steps: reading the registry, the time, and the swap."""

from collections.abc import Iterator

import pytest

from gearhorn.errors import StoreUnavailable
from gearhorn.store.leases import LeaseKey
from gearhorn.store.memcached_peers import AnswerLost
from tests.functional.store.memcached_workers import LEASE_S, Worker, two_workers
from tests.servers.stores import Memcached

A = LeaseKey("a", "1")


@pytest.fixture
def workers(shared_memcached: Memcached) -> Iterator[tuple[Worker, Worker]]:
    with two_workers(shared_memcached) as both:
        yield both


@pytest.fixture
def one(workers: tuple[Worker, Worker]) -> Worker:
    return workers[0]


@pytest.fixture
def two(workers: tuple[Worker, Worker]) -> Worker:
    return workers[1]


def left_s(worker: Worker, key: LeaseKey = A) -> float:
    [lease] = [lease for lease in worker.leases.leases() if lease.key == key]
    return lease.left_s


def test_a_renewal_that_is_under_way_when_a_change_goes_by_the_end_of_its_lease_is_lost(
    one: Worker, two: Worker
) -> None:
    """It has looked at the time before."""
    key, seen = one.take(), []
    two.peers.ahead_s = LEASE_S + 2
    one.peers.interrupt("swap", "leases", lambda: seen.append(two.holders()))
    assert one.renew(key) is None
    assert seen == [[]]
    two.peers.ahead_s = 0
    assert two.renew(key) is None  # even if it had not run out


def test_a_renewal_that_is_under_way_when_its_lease_is_revoked_too_late_is_lost(one: Worker, two: Worker) -> None:
    key, told = one.take(), []
    two.peers.ahead_s = LEASE_S + 2
    one.peers.interrupt("swap", "leases", lambda: told.append(two.leases.revoke([key])))
    assert one.renew(key) is None
    assert told == [[0]]


def test_a_change_that_finds_a_lease_renewed_at_the_last_moment_waits_for_it(one: Worker, two: Worker) -> None:
    key, told = one.take(), []
    two.peers.ahead_s = LEASE_S + 2
    two.peers.interrupt("swap", "leases", lambda: told.append(one.renew(key, 2 * LEASE_S)))
    assert two.holders() == [key]
    assert told == [[]]


@pytest.mark.parametrize("now_s", [1000, 1001])
def test_a_renewal_that_is_under_way_when_its_lease_is_revoked_is_lost(one: Worker, two: Worker, now_s: float) -> None:
    """Also one that leaves everything as it was, because it is made within the second of the one before."""
    one.peers.now_s = two.peers.now_s = 1000
    key, told = one.take(), []
    one.peers.now_s = two.peers.now_s = now_s
    one.peers.interrupt("swap", "leases", lambda: told.extend(two.leases.revoke([key])))
    assert one.renew(key) is None
    assert told == [1000 + LEASE_S + 2 - now_s]


def test_a_renewal_that_is_under_way_when_its_lease_is_released_is_lost(one: Worker, two: Worker) -> None:
    key = one.take()
    one.peers.interrupt("swap", "leases", lambda: two.leases.release(key))
    assert one.renew(key) is None
    assert two.leases.leases() == []


def test_who_wants_an_id_that_another_takes_at_the_same_time_gets_that_lease(one: Worker, two: Worker) -> None:
    one.leases.look()  # makes the registry
    one.peers.interrupt("swap", "leases", lambda: two.take("a", "2"))
    found = one.leases.take(A, LEASE_S, "{}", [])
    assert found is not None
    assert found.key == LeaseKey("a", "2")
    assert one.holders() == [found.key]


def test_two_first_workers_make_one_registry(one: Worker, two: Worker) -> None:
    one.peers.interrupt("swap", "leases", lambda: two.take("b"))
    one.take("a")
    assert [key.worker_id for key in two.holders()] == ["a", "b"]
    assert one.leases.look()[1] == two.leases.look()[1] == 0


def test_two_renewals_at_once_are_both_made_and_one_is_handed_what_ran_out(one: Worker, two: Worker) -> None:
    dead, a, b = one.take("dead", ttl_s=1), one.take("a"), two.take("b")
    one.peers.ahead_s = two.peers.ahead_s = 3
    handed = []
    one.peers.interrupt("swap", "leases", lambda: handed.append(two.renew(b)))
    handed.append(one.renew(a))
    assert handed == [[dead], []]
    assert one.holders() == [a, b]


def test_a_lease_that_is_taken_anew_before_it_is_forgotten_stays(one: Worker, two: Worker) -> None:
    dead = one.take(ttl_s=1)
    one.peers.ahead_s = two.peers.ahead_s = 3
    one.peers.interrupt("swap", "leases", lambda: two.take("a", "2"))
    one.leases.forget(dead)
    assert one.holders() == [LeaseKey("a", "2")]


def test_a_lease_whose_answer_was_lost_is_the_one_that_was_wanted(one: Worker) -> None:
    one.leases.look()  # makes the registry
    one.peers.lose_answer("swap", "leases")
    one.take()
    assert one.holders() == [A]


def test_a_lease_that_is_there_under_the_same_token_is_not_taken_twice(one: Worker) -> None:
    one.take()
    found = one.leases.take(A, LEASE_S, "{}", [])
    assert found is not None
    assert found.key == A


def test_a_renewal_whose_answer_was_lost_is_one(one: Worker) -> None:
    key = one.take()
    one.peers.lose_answer("swap", "leases")
    assert one.renew(key, 3 * LEASE_S) == []
    assert left_s(one) > 2 * LEASE_S


def test_what_came_between_a_renewal_and_its_answer_that_was_lost_counts(one: Worker, two: Worker) -> None:
    key = one.take()
    one.peers.lose_answer("swap", "leases", lambda: two.leases.revoke([key]))
    assert one.renew(key) is None


def test_other_changes_of_leases_whose_answer_was_lost_are_made(one: Worker) -> None:
    key, dead = one.take(), one.take("dead", ttl_s=1)
    one.peers.lose_answer("swap", "leases")
    assert one.leases.revoke([key])[0] > 0
    one.peers.ahead_s = 3
    one.peers.lose_answer("swap", "leases")
    one.leases.forget(dead)
    one.peers.lose_answer("swap", "leases")
    one.leases.release(key)
    assert one.leases.leases() == []


def test_a_second_answer_that_is_lost_is_trouble(one: Worker) -> None:
    key = one.take()
    one.peers.lose_answer("swap", "leases", lambda: one.peers.lose_answer("swap", "leases"))
    with pytest.raises(AnswerLost):
        one.renew(key)


def test_a_first_registry_whose_answer_was_lost_is_no_loss(one: Worker) -> None:
    one.peers.lose_answer("swap", "leases")
    one.take()
    assert one.leases.look()[1] == 0


def test_a_lease_lasts_two_seconds_longer_than_it_was_asked_for(one: Worker) -> None:
    """The server looks at its clock once a second, and tells whole seconds: it is up to two seconds later than it says.

    Whoever asks just before it looks again would otherwise find the lease run out while its worker goes by it.
    """
    one.peers.now_s = 1000
    key = one.take(ttl_s=3)
    assert left_s(one) == 5
    assert one.renew(key, 10.5) == []
    assert left_s(one) == 12.5
    for now_s, expected in ((1012, [key]), (1013, [])):
        one.peers.now_s = now_s
        assert one.holders() == expected


def test_changes_are_held_up_two_seconds_longer_than_a_lost_lease_was_asked_for(one: Worker) -> None:
    one.peers.now_s = 1000
    one.take(ttl_s=10.5)
    one.peers.delete_many([one.keys.leases()])
    for now_s, held_s in ((1000, 12.5), (1012, 0.5), (1013, 0)):
        one.peers.now_s = now_s
        assert one.leases.look() == ([], held_s)


@pytest.mark.parametrize("what", ["take", "renew"])
def test_a_lease_that_began_by_a_clock_that_stood_still_begins_again(one: Worker, two: Worker, what: str) -> None:
    """As that of a server does which was stopped, and which answers before it looks at the time."""
    one.leases.look()  # makes the registry
    key = one.take(ttl_s=1000) if what == "renew" else A

    def leap() -> None:
        one.peers.ahead_s = 0

    one.peers.ahead_s = -50
    one.peers.interrupt("swap", "leases", leap)
    if what == "take":
        one.take()
    else:
        assert one.renew(key) == []
    assert left_s(two) > LEASE_S - 10


def test_a_lease_that_began_by_the_clock_of_a_memcached_that_is_gone_begins_again(one: Worker) -> None:
    def start_again() -> None:
        one.peers.process = "another"

    one.leases.look()  # makes the registry
    one.peers.interrupt("swap", "leases", start_again)
    one.take()
    assert one.holders() == [A]


def test_a_clock_that_leaps_all_the_time_is_trouble(one: Worker) -> None:
    one.leases._limit_s = 0.05

    def leap() -> None:
        one.peers.ahead_s += 5
        one.peers.interrupt("clock", "leases", leap)

    leap()
    with pytest.raises(StoreUnavailable, match="the leases"):
        one.leases.take(A, LEASE_S, "{}", [])
