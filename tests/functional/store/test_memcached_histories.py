"""Random histories of two workers that meet between any two steps, lose answers and die, against what must hold always.

Nothing is lost: who looks finds everything that is unsettled or ends. And who is not to be waited for any more cannot
come back.
"""

import itertools
from typing import NamedTuple

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gearhorn.store.base import Subscribe, Unsubscribe
from gearhorn.store.leases import LeaseKey, TopicVersion
from gearhorn.store.memcached_agenda import CLAIM, END, Agenda, Page
from gearhorn.store.memcached_layout import NOBODY, PERMANENT, bucket_number, first_end_us
from gearhorn.store.memcached_peers import AnswerLost
from tests.functional.store.memcached_workers import LEASE_S, Interruption, Worker, two_workers
from tests.servers.stores import Memcached

TOPICS = ["news", next(f"t{n}" for n in range(10**6) if bucket_number(f"t{n}") == bucket_number("news")), "weather"]
STEP_COUNT = 12

many = settings(
    max_examples=150,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


class Died(Exception):
    """The worker, in the middle of what it did."""


class Happening(NamedTuple):
    """What comes between: before or after a step of which so many come first."""

    skip_count: int
    what: str


class Deed(NamedTuple):
    worker: int
    what: str
    topic: str
    client_id: str
    ttl_s: float
    between: Happening | None


happenings = st.builds(
    Happening, st.integers(0, STEP_COUNT), st.sampled_from(["die", "die after", "lose answer", "other", "other"])
)
deeds = st.builds(
    Deed,
    st.integers(0, 1),
    st.sampled_from(["subscribe", "subscribe", "unsubscribe", "settle", "read", "find", "wait", "throw out"]),
    st.sampled_from(TOPICS),
    st.sampled_from(["bob", "alice"]),
    st.sampled_from([0.0, 0.0, 50.0, 150.0]),
    st.none() | happenings,
)


class History:
    """`wait` lets 70 seconds pass: longer than a note may be there before its root."""

    def __init__(self, workers: tuple[Worker, Worker]) -> None:
        self.workers = workers
        self.agenda = Agenda(workers[0].peers, workers[0].keys)

    def do(self, deed: Deed, other: Deed) -> None:
        worker = self.workers[deed.worker]
        if deed.between is not None:
            worker.peers.interruption = self.interruption(deed.between, other._replace(worker=1 - deed.worker))
        try:
            self.make(worker, deed)
        except (Died, AnswerLost):
            pass
        finally:
            worker.peers.interruption = None

    def interruption(self, between: Happening, other: Deed) -> Interruption:
        def happen() -> None:
            if between.what == "lose answer":
                raise AnswerLost("cut off")
            if between.what != "other":
                raise Died
            if other.what not in ("wait", "throw out"):
                self.make(self.workers[other.worker], other)

        is_after = between.what in ("die after", "lose answer")
        command = "swap" if between.what == "lose answer" else ""
        return Interruption(command, "", happen, is_after, between.skip_count)

    def make(self, worker: Worker, deed: Deed) -> None:
        if deed.what == "subscribe":
            worker.change(Subscribe(deed.topic, deed.client_id, deed.ttl_s))
        elif deed.what == "unsubscribe":
            worker.change(Unsubscribe(deed.topic, deed.client_id))
        elif deed.what == "settle":
            worker.settling.settle([TopicVersion(deed.topic, worker.roots.look(deed.topic)[0].version)])
        elif deed.what == "read":
            worker.lists.read([deed.topic])
        elif deed.what == "find":
            worker.settling.find(LEASE_S)
        elif deed.what == "wait":
            self.wait(70)
        else:
            worker.peers.delete_many([worker.keys.agenda(bucket_number(deed.topic))])

    def wait(self, pause_s: float) -> None:
        for worker in self.workers:
            worker.ahead_s += pause_s

    def check(self) -> None:
        """That everything is noted that has to be, unless its page is known not to be whole."""
        pages = self.agenda.pages()
        for topic, root in self.workers[0].roots.find(TOPICS).items():
            page = pages.get(bucket_number(topic), Page(frozenset(), False))
            noted = [note for note in page.notes if note.topic == topic]
            claims_us = [note.at_us for note in noted if note.kind == CLAIM]
            if page.is_whole and root.claimed_at_us is not None:
                assert min(claims_us) <= max(root.claimed_at_us, NOBODY)
            if page.is_whole and first_end_us(root) != PERMANENT:
                assert min(note.at_us for note in noted if note.kind == END) <= first_end_us(root)

    def check_end(self) -> None:
        """That everything is found, by who looks often enough."""
        self.wait(1000)
        worker = self.workers[0]
        left = {topic for topic, root in worker.roots.find(TOPICS).items() if root.claimed_at_us is not None}
        left |= {topic for topic, root in worker.roots.find(TOPICS).items() if first_end_us(root) != PERMANENT}
        found = worker.settling.find(LEASE_S)
        assert {topic for topic, _ in found} == left
        worker.settling.settle(found)
        assert all(worker.is_settled(topic) for topic in TOPICS)


def test_whatever_happens_between_the_steps_of_a_change_it_is_found(shared_memcached: Memcached) -> None:
    @many
    @given(st.lists(st.tuples(deeds, deeds), max_size=15))
    def run(history: list[tuple[Deed, Deed]]) -> None:
        with two_workers(shared_memcached) as workers:
            told = History(workers)
            for deed, other in history:
                told.do(deed, other)
                told.check()
            told.check_end()

    run()


class LeaseDeed(NamedTuple):
    worker: int
    what: str
    worker_id: str
    pause_s: float
    between: Happening | None


lease_deeds = st.builds(
    LeaseDeed,
    st.integers(0, 1),
    st.sampled_from(["take", "renew", "renew", "look", "look", "wait", "wait", "release", "revoke", "forget", "lose"]),
    st.sampled_from(["a", "b"]),
    st.sampled_from([0.3, 0.9, 1.6, 4.0, 9.0]),
    st.none() | happenings,
)
TTL_S = 10.0


class LeaseHistory:
    """`true_s` is the time; memcached shows it up to two seconds late, and only in whole ones.

    `valid_until_s` is until when workers go by the leases that they were told to have, and `gone` are those that
    somebody was told not to wait for.
    """

    def __init__(self, workers: tuple[Worker, Worker]) -> None:
        self.workers = workers
        self.true_s = 1000.0
        self.show(1000.0)
        self.tokens = itertools.count()
        self.held: dict[str, LeaseKey] = {}
        self.valid_until_s: dict[LeaseKey, float] = {}
        self.gone: set[LeaseKey] = set()
        for worker in workers:  # else it would not notice a loss
            worker.leases.look()

    def show(self, now_s: float) -> None:
        for worker in self.workers:
            worker.peers.now_s = now_s

    def do(self, deed: LeaseDeed, other: LeaseDeed) -> None:
        worker = self.workers[deed.worker]
        if deed.between is not None and deed.what not in ("lose", "wait"):
            worker.peers.interruption = self.interruption(deed.between, other._replace(worker=1 - deed.worker))
        try:
            self.make(worker, deed)
        except (Died, AnswerLost):
            pass
        finally:
            worker.peers.interruption = None

    def interruption(self, between: Happening, other: LeaseDeed) -> Interruption:
        def happen() -> None:
            if between.what == "lose answer":
                raise AnswerLost("cut off")
            if between.what != "other":
                raise Died
            self.make(self.workers[other.worker], other)

        is_after = between.what in ("die after", "lose answer")
        command = "swap" if between.what == "lose answer" else ""
        return Interruption(command, "", happen, is_after, between.skip_count % 5)

    def make(self, worker: Worker, deed: LeaseDeed) -> None:
        key = self.held.get(deed.worker_id, LeaseKey(deed.worker_id, "none"))
        if deed.what == "take":
            self.take(worker, LeaseKey(deed.worker_id, str(next(self.tokens))))
        elif deed.what == "renew":
            self.renew(worker, key)
        elif deed.what == "look":
            self.look(worker)
        elif deed.what == "release":
            self.release(worker, key)
        elif deed.what == "revoke":
            self.revoke(worker, key)
        elif deed.what == "forget":
            worker.leases.forget(key)
        elif deed.what == "lose":
            worker.peers.delete_many([worker.keys.leases()])
        else:
            self.true_s += deed.pause_s
            self.show(max(worker.peers.now_s or 0.0, int(self.true_s) - int(deed.pause_s > 1)))

    def take(self, worker: Worker, key: LeaseKey) -> None:
        begun_s = self.true_s
        if worker.leases.take(key, TTL_S, "{}", []) is None:
            self.held[key.worker_id] = key
            self.valid_until_s[key] = begun_s + TTL_S

    def renew(self, worker: Worker, key: LeaseKey) -> None:
        begun_s = self.true_s
        if worker.leases.renew(key, TTL_S, "{}") is not None:
            assert key not in self.gone
            self.valid_until_s[key] = begun_s + TTL_S

    def release(self, worker: Worker, key: LeaseKey) -> None:
        """Whatever the other makes of it meanwhile, no worker goes by it from now on."""
        self.valid_until_s.pop(key, None)
        try:
            worker.leases.release(key)
        finally:
            self.valid_until_s.pop(key, None)

    def look(self, worker: Worker) -> None:
        known = set(self.valid_until_s)
        leases, held_s = worker.leases.look()
        left_s = {lease.key: lease.left_s for lease in leases}
        for key in known & self.valid_until_s.keys():
            assert max(left_s.get(key, 0.0), held_s) >= self.valid_until_s[key] - self.true_s
        self.gone |= known - left_s.keys()

    def revoke(self, worker: Worker, key: LeaseKey) -> None:
        is_known = key in self.valid_until_s
        [left_s] = worker.leases.revoke([key])
        _, held_s = worker.leases.look()
        if is_known:
            self.gone.add(key)
            assert max(left_s, held_s) >= self.valid_until_s.get(key, 0.0) - self.true_s


def test_whatever_happens_between_the_steps_of_a_renewal_nobody_goes_by_a_lease_that_is_not_waited_for(
    shared_memcached: Memcached,
) -> None:
    @many
    @given(st.lists(st.tuples(lease_deeds, lease_deeds), max_size=20))
    def run(history: list[tuple[LeaseDeed, LeaseDeed]]) -> None:
        with two_workers(shared_memcached) as workers:
            told = LeaseHistory(workers)
            for deed, other in history:
                told.do(deed, other)

    run()
