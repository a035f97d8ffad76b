"""Two workers that change the same things in memcached, with the second between any two steps of the first."""

import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from gearhorn.errors import StoreUnavailable
from gearhorn.store.base import Applied, ChangeResult, Collision, Subscribe, Unsubscribe
from gearhorn.store.memcached_lists import MemcachedLists
from gearhorn.store.memcached_peers import Peers
from tests.servers.stores import Memcached

LIMIT_S = 20.0
FIRST = Subscribe("a_b", "c")
SECOND = Subscribe("a", "b_c")  # has the same queue name
HOSTS = [f"host-{number:04}.example.org" for number in range(3000)]


class Interrupted(Peers):
    """Lets something else happen once, right before chunks are read, a root is stored, or a claim is given up."""

    before_load: Callable[[], object] | None = None
    before_save: Callable[[], object] | None = None
    before_give_up: Callable[[], object] | None = None

    def get_many(self, keys: Iterable[str]) -> dict[str, bytes]:
        names = list(keys)
        if any(":chunk:" in key for key in names) and self.before_load:
            happen, self.before_load = self.before_load, None
            happen()
        return super().get_many(names)

    def add(self, key: str, value: bytes) -> bool:
        self._interrupt_save(key)
        return super().add(key, value)

    def cas(self, key: str, value: bytes, token: bytes) -> bool:
        self._interrupt_save(key)
        return super().cas(key, value, token)

    def cas_delete(self, key: str, token: bytes) -> bool:
        happen, self.before_give_up = self.before_give_up, None
        if happen:
            happen()
        return super().cas_delete(key, token)

    def _interrupt_save(self, key: str) -> None:
        if ":topic:" in key and self.before_save:
            happen, self.before_save = self.before_save, None
            happen()


class Worker:
    """`ahead_s`: how much later it is by its clock."""

    def __init__(self, port: int) -> None:
        self.ahead_s = 0.0
        self.peers = Interrupted([("127.0.0.1", port)], LIMIT_S)
        self.lists = MemcachedLists(self.peers, "gearhorn", LIMIT_S, lambda: time.time() + self.ahead_s)

    def change(self, change: Subscribe | Unsubscribe) -> ChangeResult:
        [result] = self.lists.apply(change.topic, [change]).results
        return result

    def members(self, topic: str) -> list[bytes]:
        [(_, entries)] = self.lists.read([topic])
        return sorted(entries)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Memcached]:
    with Memcached(tmp_path) as running:
        yield running


@pytest.fixture
def one(server: Memcached) -> Iterator[Worker]:
    worker = Worker(server.port)
    yield worker
    worker.peers.close()


@pytest.fixture
def two(server: Memcached) -> Iterator[Worker]:
    worker = Worker(server.port)
    yield worker
    worker.peers.close()


def test_two_first_subscribers_of_a_topic_are_both_on_the_list(one: Worker, two: Worker) -> None:
    one.peers.before_save = lambda: two.change(Subscribe("news", "bob"))
    alice = one.change(Subscribe("news", "alice"))
    assert isinstance(alice, Applied)
    assert alice.changed
    assert one.members("news") == [b"alice", b"bob"]


def test_two_changes_of_a_list_are_both_made_and_have_versions_of_their_own(one: Worker, two: Worker) -> None:
    one.change(Subscribe("news", "carol"))
    results = []
    one.peers.before_save = lambda: results.append(two.change(Subscribe("news", "bob")))
    results.append(one.change(Unsubscribe("news", "carol")))
    assert one.members("news") == [b"bob"]
    assert [isinstance(result, Applied) and result.changed for result in results] == [True, True]
    assert results[0].version < results[1].version  # type: ignore[union-attr]


def test_who_finds_its_wish_fulfilled_by_another_says_that_nothing_changed(one: Worker, two: Worker) -> None:
    results = []
    one.peers.before_save = lambda: results.append(two.change(Subscribe("news", "bob")))
    results.append(one.change(Subscribe("news", "bob")))
    assert results[1] == Applied(results[0].version, False)  # type: ignore[union-attr]


def test_a_reader_between_the_steps_of_a_change_sees_the_list_before_it(one: Worker, two: Worker) -> None:
    one.lists.apply("news", [Subscribe("news", host) for host in HOSTS])
    seen = []
    one.peers.before_save = lambda: seen.append(two.members("news"))
    one.change(Unsubscribe("news", HOSTS[0]))
    assert seen == [[host.encode() for host in HOSTS]]
    assert two.members("news") == [host.encode() for host in HOSTS[1:]]


def test_chunks_that_another_replaces_while_they_are_read_are_not_lost(
    one: Worker, two: Worker, caplog: pytest.LogCaptureFixture
) -> None:
    one.lists.apply("news", [Subscribe("news", host) for host in HOSTS])
    one.peers.before_load = lambda: two.change(Unsubscribe("news", HOSTS[1]))
    assert isinstance(one.change(Unsubscribe("news", HOSTS[0])), Applied)
    one.peers.before_load = lambda: two.change(Unsubscribe("news", HOSTS[2]))
    assert one.members("news") == [host.encode() for host in HOSTS[3:]]
    assert caplog.text == ""


def test_a_change_that_was_overtaken_leaves_no_rubbish(one: Worker, two: Worker, server: Memcached) -> None:
    one.lists.apply("news", [Subscribe("news", host) for host in HOSTS])
    chunk_count = sum(":chunk:" in key for key in server.list_keys())
    one.peers.before_save = lambda: two.change(Unsubscribe("news", HOSTS[1]))
    one.change(Unsubscribe("news", HOSTS[0]))
    assert sum(":chunk:" in key for key in server.list_keys()) == chunk_count > 0


def test_a_change_that_is_made_is_made_although_cleaning_up_fails(one: Worker, two: Worker) -> None:
    def fail() -> None:
        raise StoreUnavailable("away")

    one.change(FIRST)
    one.peers.before_give_up = fail
    gone = one.change(Unsubscribe(FIRST.topic, FIRST.client_id))
    assert isinstance(gone, Applied)
    assert gone.changed
    assert two.members("a_b") == []


def test_a_pair_whose_list_is_changed_while_it_is_looked_up_is_found(one: Worker, two: Worker) -> None:
    one.lists.apply("a_b", [FIRST, *(Subscribe("a_b", host) for host in HOSTS)])
    one.ahead_s = 61
    one.peers.before_load = lambda: two.lists.apply("a_b", [Unsubscribe("a_b", host) for host in HOSTS[::2]])
    assert one.change(SECOND) == Collision("a_b")


def test_a_pair_that_is_about_to_go_on_its_list_has_its_queue_name_already(one: Worker, two: Worker) -> None:
    results = []
    one.peers.before_save = lambda: results.append(two.change(SECOND))
    results.append(one.change(FIRST))
    assert results[0] == Collision("a_b")
    assert (one.members("a_b"), one.members("a")) == ([b"c"], [])


def test_who_comes_back_while_another_takes_it_off_keeps_its_queue_name(one: Worker, two: Worker) -> None:
    one.change(FIRST)
    one.peers.before_give_up = lambda: two.change(FIRST)
    one.change(Unsubscribe(FIRST.topic, FIRST.client_id))
    assert two.members("a_b") == [b"c"]
    assert two.change(SECOND) == Collision("a_b")


def test_who_comes_back_after_its_ttl_has_its_queue_name_at_once(one: Worker, two: Worker) -> None:
    one.change(Subscribe(FIRST.topic, FIRST.client_id, 1000))
    one.ahead_s = two.ahead_s = 1001
    results = []
    one.peers.before_save = lambda: results.append(two.change(SECOND))
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
    one.peers.before_save = lambda: results.append(two.change(SECOND))
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
