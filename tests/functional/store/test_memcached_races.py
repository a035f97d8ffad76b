"""Two workers that change the same things in memcached, with the second between any two steps of the first."""

from collections.abc import Iterator

import pytest

from gearhorn.errors import StoreUnavailable
from gearhorn.store.base import UNKNOWN_VERSION, Applied, Collision, Subscribe, TopicState, Unsubscribe
from tests.functional.store.memcached_workers import Worker, two_workers
from tests.servers.stores import Memcached

FIRST = Subscribe("a_b", "c")
SECOND = Subscribe("a", "b_c")  # has the same queue name
HOSTS = [f"host-{number:04}.example.org" for number in range(3000)]


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


def test_two_first_subscribers_of_a_topic_are_both_on_the_list(one: Worker, two: Worker) -> None:
    one.peers.interrupt("swap", "topic:", lambda: two.change(Subscribe("news", "bob")))
    alice = one.change(Subscribe("news", "alice"))
    assert isinstance(alice, Applied)
    assert alice.changed
    assert one.members("news") == [b"alice", b"bob"]


def test_two_changes_of_a_list_are_both_made_and_have_versions_of_their_own(one: Worker, two: Worker) -> None:
    one.change(Subscribe("news", "carol"))
    results = []
    one.peers.interrupt("swap", "topic:", lambda: results.append(two.change(Subscribe("news", "bob"))))
    results.append(one.change(Unsubscribe("news", "carol")))
    assert one.members("news") == [b"bob"]
    assert [isinstance(result, Applied) and result.changed for result in results] == [True, True]
    assert results[0].version < results[1].version  # type: ignore[union-attr]


def test_who_finds_its_wish_fulfilled_by_another_says_that_nothing_changed(one: Worker, two: Worker) -> None:
    results = []
    one.peers.interrupt("swap", "topic:", lambda: results.append(two.change(Subscribe("news", "bob"))))
    results.append(one.change(Subscribe("news", "bob")))
    assert results[1] == Applied(results[0].version, False)  # type: ignore[union-attr]


def test_a_reader_between_the_steps_of_a_change_sees_the_list_before_it(one: Worker, two: Worker) -> None:
    one.lists.apply("news", [Subscribe("news", host) for host in HOSTS])
    seen = []
    one.peers.interrupt("swap", "topic:", lambda: seen.append(two.members("news")))
    one.change(Unsubscribe("news", HOSTS[0]))
    assert seen == [[host.encode() for host in HOSTS]]
    assert two.members("news") == [host.encode() for host in HOSTS[1:]]


def test_chunks_that_another_replaces_while_they_are_read_are_not_lost(
    one: Worker, two: Worker, caplog: pytest.LogCaptureFixture
) -> None:
    one.lists.apply("news", [Subscribe("news", host) for host in HOSTS])
    one.peers.interrupt("get", "chunk:", lambda: two.change(Unsubscribe("news", HOSTS[1])))
    assert isinstance(one.change(Unsubscribe("news", HOSTS[0])), Applied)
    one.peers.interrupt("get", "chunk:", lambda: two.change(Unsubscribe("news", HOSTS[2])))
    assert one.members("news") == [host.encode() for host in HOSTS[3:]]
    assert caplog.text == ""


def test_a_change_that_was_overtaken_leaves_no_rubbish(one: Worker, two: Worker, shared_memcached: Memcached) -> None:
    def count_chunks() -> int:
        return sum(key.startswith(f"{one.prefix}:chunk:") for key in shared_memcached.list_keys())

    one.lists.apply("news", [Subscribe("news", host) for host in HOSTS])
    chunk_count = count_chunks()
    one.peers.interrupt("swap", "topic:", lambda: two.change(Unsubscribe("news", HOSTS[1])))
    one.change(Unsubscribe("news", HOSTS[0]))
    assert count_chunks() == chunk_count > 0


def test_a_change_that_is_made_is_made_although_cleaning_up_fails(one: Worker, two: Worker) -> None:
    def fail() -> None:
        raise StoreUnavailable("away")

    one.change(FIRST)
    one.peers.interrupt("cas delete", "queue:", fail)
    gone = one.change(Unsubscribe(FIRST.topic, FIRST.client_id))
    assert isinstance(gone, Applied)
    assert gone.changed
    assert two.members("a_b") == []


def test_a_pair_whose_list_is_changed_while_it_is_looked_up_is_found(one: Worker, two: Worker) -> None:
    one.lists.apply("a_b", [FIRST, *(Subscribe("a_b", host) for host in HOSTS)])
    one.ahead_s = 61
    one.peers.interrupt(
        "get", "chunk:", lambda: two.lists.apply("a_b", [Unsubscribe("a_b", host) for host in HOSTS[::2]])
    )
    assert one.change(SECOND) == Collision("a_b")


def test_a_pair_that_is_about_to_go_on_its_list_has_its_queue_name_already(one: Worker, two: Worker) -> None:
    results = []
    one.peers.interrupt("swap", "topic:", lambda: results.append(two.change(SECOND)))
    results.append(one.change(FIRST))
    assert results[0] == Collision("a_b")
    assert (one.members("a_b"), one.members("a")) == ([b"c"], [])


def test_who_comes_back_while_another_takes_it_off_keeps_its_queue_name(one: Worker, two: Worker) -> None:
    one.change(FIRST)
    one.peers.interrupt("cas delete", "queue:", lambda: two.change(FIRST))
    one.change(Unsubscribe(FIRST.topic, FIRST.client_id))
    assert two.members("a_b") == [b"c"]
    assert two.change(SECOND) == Collision("a_b")


def test_who_comes_back_after_its_ttl_has_its_queue_name_at_once(one: Worker, two: Worker) -> None:
    one.change(Subscribe(FIRST.topic, FIRST.client_id, 1000))
    one.ahead_s = two.ahead_s = 1001
    results = []
    one.peers.interrupt("swap", "topic:", lambda: results.append(two.change(SECOND)))
    one.change(FIRST)
    assert results == [Collision("a_b")]
    assert (one.members("a_b"), one.members("a")) == ([b"c"], [])


def test_a_queue_name_of_one_past_its_ttl_that_nobody_has_looked_at_is_free(one: Worker, two: Worker) -> None:
    one.change(Subscribe(FIRST.topic, FIRST.client_id, 1000))
    assert two.change(SECOND) == Collision("a_b")
    two.ahead_s = 1001
    assert isinstance(two.change(SECOND), Applied)
    one.ahead_s = 1001
    assert one.change(FIRST) == Collision("a")


def test_who_was_held_up_so_long_that_its_claim_seemed_left_over_leaves_the_list_again(
    one: Worker, two: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gearhorn.store.memcached_lists.LEFT_OVER_AFTER_S", 0.0)  # any pause is a long one
    two.ahead_s = 61
    results = []
    one.peers.interrupt("swap", "topic:", lambda: results.append(two.change(SECOND)))
    results.append(one.change(FIRST))
    assert isinstance(results[0], Applied)
    assert results[1] == Collision("a")
    assert (one.members("a_b"), one.members("a")) == ([], [b"b_c"])
    assert one.change(FIRST) == Collision("a")


def test_who_was_held_up_and_kept_its_claim_stays_on_the_list(
    one: Worker, two: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gearhorn.store.memcached_lists.LEFT_OVER_AFTER_S", 0.0)
    assert isinstance(one.change(FIRST), Applied)
    assert two.members("a_b") == [b"c"]


def test_a_change_that_was_overtaken_comes_from_the_version_of_the_other(one: Worker, two: Worker) -> None:
    bob = []
    one.peers.interrupt("swap", "topic:", lambda: bob.append(two.make(Subscribe("news", "bob"))))
    made = one.lists.apply("news", [Subscribe("news", "alice")])
    alice = made.results[0]
    assert made.state == TopicState(bob[0].version, alice.version, False)  # type: ignore[union-attr]
    assert alice.version > bob[0].version  # type: ignore[union-attr]


def test_a_change_whose_answer_was_lost_cannot_say_what_it_came_from(one: Worker) -> None:
    for name in ("alice", "bob"):
        one.peers.lose_answer("swap", "topic:")
        made = one.lists.apply("news", [Subscribe("news", name)])
        [(version, _)] = one.lists.read(["news"])
        assert made.results == [Applied(version, True)]
        assert made.state == TopicState(UNKNOWN_VERSION, version, False)


def test_a_change_whose_answer_was_lost_is_not_called_settled_because_another_saw_to_it(
    one: Worker, two: Worker
) -> None:
    """As if nothing had been changed: that is not known."""
    one.peers.lose_answer("swap", "topic:", lambda: two.settling.settle([two.make(Subscribe("news", "bob"))]))
    made = one.lists.apply("news", [Subscribe("news", "bob")])
    assert two.is_settled("news")
    assert not made.state.is_settled


def test_what_is_retracted_after_a_pause_is_told_as_one_chain_of_changes(
    one: Worker, two: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gearhorn.store.memcached_lists.LEFT_OVER_AFTER_S", 0.0)
    before = one.make(Subscribe("a_b", "x"))
    two.ahead_s = 61
    one.peers.interrupt("swap", "topic:", lambda: two.change(SECOND))
    made = one.lists.apply("a_b", [FIRST])
    [(version, _)] = one.lists.read(["a_b"])
    assert made.results == [Collision("a")]
    assert made.state == TopicState(before.version, version, False)
