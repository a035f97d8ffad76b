"""How unsettled topics and ends are found in memcached: by notes that may be early, late, stale or gone."""

from collections.abc import Iterator

import pytest

from gearhorn.store.base import Subscribe, Unsubscribe
from gearhorn.store.leases import TopicVersion
from gearhorn.store.memcached_agenda import Agenda, Note, Page
from gearhorn.store.memcached_layout import NOBODY, bucket_number
from tests.functional.store.memcached_workers import LEASE_S, Worker, two_workers
from tests.servers.stores import Memcached

# In the same bucket as "news".
NEIGHBOUR = next(name for name in (f"topic-{n}" for n in range(10**6)) if bucket_number(name) == bucket_number("news"))
END_S = 1000.0


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


@pytest.fixture
def agenda(one: Worker) -> Agenda:
    return Agenda(one.peers, one.keys)


def page_key(worker: Worker, topic: str = "news") -> str:
    return worker.keys.agenda(bucket_number(topic))


def throw_out_page(worker: Worker, topic: str = "news") -> None:
    worker.peers.delete_many([page_key(worker, topic)])


def notes(agenda: Agenda, topic: str = "news") -> list[Note]:
    page = agenda.pages().get(bucket_number(topic), Page(frozenset(), False))
    return sorted(note for note in page.notes if note.topic == topic)


def let_end(worker: Worker, ttl_s: float = END_S, client_id: str = "bob") -> None:
    """One that nobody has looked at since, of a settled topic."""
    worker.settling.settle([worker.make(Subscribe("news", client_id, ttl_s))])
    worker.ahead_s += ttl_s + 1


def test_what_was_claimed_is_found_when_its_maker_had_time_enough_and_once(one: Worker, two: Worker) -> None:
    made = one.make(Subscribe("news", "bob"))
    assert two.settling.find(LEASE_S) == []
    one.ahead_s = two.ahead_s = LEASE_S + 1
    assert two.settling.find(LEASE_S) == [made]
    assert one.settling.find(LEASE_S) == two.settling.find(LEASE_S) == []
    one.ahead_s = 2 * LEASE_S + 2
    assert one.settling.find(LEASE_S) == [made]


def test_a_claim_from_far_in_the_future_is_none(one: Worker, two: Worker) -> None:
    """Its maker's clock was wrong, and it will not be at it until then."""
    one.ahead_s = 10 * LEASE_S
    made = one.make(Subscribe("news", "bob"))
    assert two.settling.find(LEASE_S) == [made]


def test_what_is_settled_is_crossed_out(one: Worker, agenda: Agenda) -> None:
    made = [one.make(Subscribe(topic, "bob")) for topic in ("news", "weather")]
    assert [len(notes(agenda, topic)) for topic in ("news", "weather")] == [1, 1]
    one.settling.settle(made)
    assert notes(agenda, "news") == notes(agenda, "weather") == []


def test_settling_crosses_out_what_was_noted_of_older_versions_too(one: Worker, agenda: Agenda) -> None:
    for name in ("alice", "bob"):
        one.make(Subscribe("news", name))
    one.settling.settle([one.make(Subscribe("news", "carol"))])
    assert notes(agenda) == []


def test_settling_leaves_what_was_noted_of_other_topics_and_of_ends(one: Worker, agenda: Agenda) -> None:
    one.make(Subscribe(NEIGHBOUR, "bob"))
    one.settling.settle([one.make(Subscribe("news", "bob", END_S))])
    assert [note.kind for note in notes(agenda)] == ["end"]
    assert [note.kind for note in notes(agenda, NEIGHBOUR)] == ["claim"]


def test_settling_two_versions_of_a_topic_settles_the_one_that_it_has(one: Worker, agenda: Agenda) -> None:
    first, second = one.make(Subscribe("news", "bob")), one.make(Subscribe("news", "alice"))
    one.settling.settle([second, first])
    assert one.is_settled("news")
    assert notes(agenda) == []


def test_a_change_that_comes_while_the_one_before_is_settled_stays_unsettled_and_noted(
    one: Worker, two: Worker
) -> None:
    for command, key in (("swap", "topic:"), ("gets", "agenda:"), ("swap", "agenda:")):
        made = []
        before = one.make(Subscribe("news", f"before {command} {key}"))
        change = Subscribe("news", f"after {command} {key}")
        one.peers.interrupt(command, key, lambda change=change, made=made: made.append(two.make(change)))
        one.settling.settle([before])
        assert not one.is_settled("news")
        assert one.settling.find(0) == made


def test_a_subscription_that_is_renewed_while_its_topic_is_settled_does_not_hinder_that(
    one: Worker, two: Worker
) -> None:
    made = one.make(Subscribe("news", "bob", END_S))
    one.peers.interrupt("swap", "topic:", lambda: two.make(Subscribe("news", "bob", 2 * END_S)))
    one.settling.settle([made])
    assert one.is_settled("news")


def test_settling_whose_answer_was_lost_settles(one: Worker) -> None:
    made = one.make(Subscribe("news", "bob"))
    one.peers.lose_answer("swap", "topic:")
    one.settling.settle([made])
    assert one.is_settled("news")


def test_of_two_that_find_the_same_one_has_it(one: Worker, two: Worker) -> None:
    made, found = one.make(Subscribe("news", "bob")), []
    one.peers.interrupt("swap", "topic:", lambda: found.extend(two.settling.find(0)))
    assert one.settling.find(0) == []
    assert found == [made]
    assert one.settling.find(0) == [made]


def test_what_is_settled_while_it_is_found_is_not_handed_out(one: Worker, two: Worker) -> None:
    made = one.make(Subscribe("news", "bob"))
    one.peers.interrupt("swap", "topic:", lambda: two.settling.settle([made]))
    assert one.settling.find(0) == []
    assert one.is_settled("news")


def test_what_is_renewed_while_it_is_found_is_found_by_the_next(one: Worker, two: Worker) -> None:
    made = one.make(Subscribe("news", "bob", END_S))
    one.peers.interrupt("swap", "topic:", lambda: two.make(Subscribe("news", "bob", 2 * END_S)))
    assert one.settling.find(0) == []
    assert one.settling.find(0) == [made]


def test_what_was_found_when_the_answer_was_lost_is_found_again(one: Worker) -> None:
    made = one.make(Subscribe("news", "bob"))
    one.ahead_s = LEASE_S + 1
    one.peers.lose_answer("swap", "topic:")
    assert one.settling.find(LEASE_S) == []
    one.ahead_s = 2 * LEASE_S + 2
    assert one.settling.find(LEASE_S) == [made]


def test_the_end_of_a_list_that_nobody_reads_is_found(one: Worker, two: Worker) -> None:
    let_end(one)
    two.ahead_s = one.ahead_s
    [found] = two.settling.find(LEASE_S)
    [(version, entries)] = one.lists.read(["news"])
    assert (found, entries) == (TopicVersion("news", version), {})


def test_ends_that_follow_on_each_other_are_all_found(one: Worker) -> None:
    ttls_s = {"first": 100.0, "second": 300.0, "third": 200.0}
    one.lists.apply("news", [Subscribe("news", name, ttl_s) for name, ttl_s in ttls_s.items()])
    one.settling.settle(one.settling.find(0))
    for ahead_s, left in ((101, [b"second", b"third"]), (201, [b"second"]), (301, [])):
        one.ahead_s = ahead_s
        found = one.settling.find(LEASE_S)
        assert [topic for topic, _ in found] == ["news"]
        one.settling.settle(found)
        assert one.members("news") == left


def test_an_end_that_was_put_off_is_found_when_it_comes(one: Worker) -> None:
    one.make(Subscribe("news", "bob", 100))
    one.settling.settle([one.make(Subscribe("news", "bob", 300))])
    for ahead_s, is_found in ((101, False), (201, False), (301, True)):
        one.ahead_s = ahead_s
        assert bool(one.settling.find(LEASE_S)) == is_found


def test_an_end_that_comes_earlier_than_was_noted_is_found(one: Worker) -> None:
    one.settling.settle([one.make(Subscribe("news", "bob", 300))])
    one.change(Subscribe("news", "bob", 100))
    one.ahead_s = 101
    assert one.settling.find(LEASE_S)


def test_notes_that_have_come_to_nothing_are_crossed_out(one: Worker, agenda: Agenda) -> None:
    one.settling.settle([one.make(Subscribe("news", "bob", 100))])
    one.change(Subscribe("news", "bob"))
    assert len(notes(agenda)) == 1
    one.ahead_s = 101
    assert one.settling.find(LEASE_S) == []
    assert notes(agenda) == []


def test_looking_again_and_again_adds_no_notes(one: Worker, agenda: Agenda) -> None:
    """Although those that are new are kept for a while."""
    one.settling.settle([one.make(Subscribe("news", name, ttl_s)) for name, ttl_s in (("bob", 5), ("alice", 1000))])
    counts = []
    for one.ahead_s in (6, 7, 8):
        one.settling.settle(one.settling.find(LEASE_S))
        counts.append(len(notes(agenda)))
    assert counts == [1, 1, 1]


def test_an_end_is_noted_again_although_one_of_another_topic_is_noted_for_earlier(one: Worker) -> None:
    one.settling.settle([one.make(Subscribe(NEIGHBOUR, name, ttl_s)) for name, ttl_s in (("bob", 100), ("al", 300))])
    one.ahead_s = 99
    one.make(Subscribe("news", "bob", 5))
    for one.ahead_s in (105, 301):
        found = one.settling.find(LEASE_S)
        assert NEIGHBOUR in {topic for topic, _ in found}
        one.settling.settle(found)


def test_an_end_is_noted_again_although_a_later_one_is_noted(one: Worker, agenda: Agenda) -> None:
    one.make(Subscribe("news", "bob", 200))
    one.ahead_s = 100
    agenda.add("news", [Note("end", int(one.clock() * 1e6) + 10**9, int(one.clock() * 1e6), "news")])
    one.settling.settle(one.settling.find(0))
    one.ahead_s = 201
    assert one.settling.find(LEASE_S)


def test_what_was_noted_for_a_change_that_was_never_made_is_crossed_out_later(one: Worker, agenda: Agenda) -> None:
    one.settling.settle([one.make(Subscribe("news", "bob"))])
    agenda.add("news", [Note("claim", NOBODY, int(one.clock() * 1e6), "news")])
    assert one.settling.find(LEASE_S) == []
    assert len(notes(agenda)) == 1
    one.ahead_s = 61
    assert one.settling.find(LEASE_S) == []
    assert notes(agenda) == []


@pytest.mark.parametrize("what", ["a change", "an end", "an earlier end"])
def test_what_is_looked_for_while_it_is_only_noted_is_found_when_it_is_there(
    one: Worker, two: Worker, what: str
) -> None:
    """A note is there before what it is about: it is not crossed out because nothing is found."""
    one.settling.settle([one.make(Subscribe("news", "bob", 0 if what == "a change" else END_S))])
    if what == "an end":
        one.ahead_s = END_S + 1  # two does not know yet that it is so late
    change = Subscribe("news", "bob", 5) if what == "an earlier end" else Subscribe("news", "alice")
    looked = []

    def look() -> None:
        two.ahead_s = 10 if what == "an earlier end" else 0
        looked.append(two.settling.find(0))

    one.peers.interrupt("swap", "topic:", look)
    one.change(change)
    assert looked == [[]]
    assert [topic for topic, _ in two.settling.find(0)] == ["news"]


def test_a_page_that_was_thrown_out_is_made_again_from_the_topics_that_are_known(one: Worker, agenda: Agenda) -> None:
    made = one.make(Subscribe("news", "bob"))
    one.settling.settle([one.make(Subscribe(NEIGHBOUR, "alice", END_S))])
    throw_out_page(one)
    assert one.settling.find(0) == [made]
    assert [note.kind for note in notes(agenda)] == ["claim"]
    one.ahead_s = END_S + 1
    assert {topic for topic, _ in one.settling.find(LEASE_S)} == {"news", NEIGHBOUR}


def test_a_page_that_was_thrown_out_and_begun_again_lacks_nothing(one: Worker, two: Worker) -> None:
    made = one.make(Subscribe("news", "bob"))
    throw_out_page(one)
    more = one.make(Subscribe(NEIGHBOUR, "alice"))
    assert sorted(one.settling.find(0)) == sorted([made, more])


def test_a_page_is_made_again_once(one: Worker, agenda: Agenda, monkeypatch: pytest.MonkeyPatch) -> None:
    one.settling.settle([one.make(Subscribe(topic, "bob")) for topic in ("news", NEIGHBOUR)])
    throw_out_page(one)
    one.settling.find(LEASE_S)
    assert agenda.pages()[bucket_number("news")] == Page(frozenset(), True)
    looked = []
    monkeypatch.setattr(one.settling._roots, "look_at", lambda topics: looked.extend(topics) or {})
    assert one.settling.find(LEASE_S) == []
    assert looked == []


def test_a_change_that_is_noted_while_a_page_is_made_again_stays_noted(one: Worker, two: Worker) -> None:
    one.settling.settle([one.make(Subscribe("news", "bob"))])
    for command in ("gets", "swap"):
        throw_out_page(one)
        made = []
        change = Subscribe(NEIGHBOUR, command)
        one.peers.interrupt(command, "agenda:", lambda change=change, made=made: made.append(two.make(change)))
        assert one.settling.find(0) == []
        assert one.settling.find(0) == made
        one.settling.settle(made)


def test_two_that_begin_a_page_are_both_noted(one: Worker, two: Worker, agenda: Agenda) -> None:
    one.peers.interrupt("swap", "agenda:", lambda: two.make(Subscribe(NEIGHBOUR, "bob")))
    one.make(Subscribe("news", "bob"))
    assert [len(notes(agenda, topic)) for topic in ("news", NEIGHBOUR)] == [1, 1]


def test_a_page_that_can_take_no_more_is_begun_again_and_lacks_nothing(one: Worker) -> None:
    made = one.make(Subscribe("news", "bob"))
    one.settling.find(LEASE_S)
    filling = b"\n".join(b"end\t1\t%d\tnobody" % number for number in range(10**6, 10**6 + 60_000))
    page = b"gearhorn agenda whole\n" + filling
    one.peers.set_many({page_key(one): page[: page[: 1024 * 1024 - 200].rindex(b"\n")]})
    while one.peers.append(page_key(one), b"\nend\t1\t1\tnobody"):
        pass
    more = one.make(Subscribe(NEIGHBOUR, "alice"))
    assert sorted(one.settling.find(0)) == sorted([made, more])


def test_a_search_that_has_too_much_to_do_finds_the_oldest_and_the_next_ones_the_rest(
    one: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []
    for one.ahead_s in range(20):
        made.append(one.make(Subscribe(f"topic-{one.ahead_s}", "bob")))
    for _ in range(8):
        one.settling.find(1000 * LEASE_S)  # makes pages whole
    monkeypatch.setattr("gearhorn.store.memcached_search.TOPICS_PER_SEARCH", 8)
    one.ahead_s = LEASE_S + 20
    found = [sorted(one.settling.find(LEASE_S)) for _ in range(4)]
    assert found == [sorted(made[:8]), sorted(made[8:16]), sorted(made[16:]), []]


def test_pages_are_made_again_some_at_a_time(one: Worker, agenda: Agenda, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gearhorn.store.memcached_search.PAGES_PER_SEARCH", 3)
    topics = [f"topic-{number}" for number in range(20)]
    made = [one.make(Subscribe(topic, "bob")) for topic in topics]
    for topic in topics:
        throw_out_page(one, topic)
    found = one.settling.find(1000 * LEASE_S)
    assert sum(page.is_whole for page in agenda.pages().values()) == 3
    for _ in range(20):
        found += one.settling.find(1000 * LEASE_S)
    one.ahead_s = 1000 * LEASE_S + 1
    assert found == []
    assert sorted(one.settling.find(1000 * LEASE_S)) == sorted(made)


def test_an_unsubscription_is_noted_like_any_change(one: Worker) -> None:
    one.settling.settle([one.make(Subscribe("news", "bob"))])
    made = one.make(Unsubscribe("news", "bob"))
    assert one.settling.find(0) == [made]
