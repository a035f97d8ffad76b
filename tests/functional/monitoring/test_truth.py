"""The figures against the truth: what was asked for and what came to receivers, counted by who asked and received."""

import json
import re
import signal
import time
from collections import Counter

from gearhorn.metrics.catalogue import CATALOGUE, COUNTER
from gearhorn.metrics.exposition import series
from tests.functional.contract.clients import encode
from tests.functional.contract.stage import Stage
from tests.functional.facts.raw import Job, Kind
from tests.functional.monitoring.conftest import BODY_LIMIT_BYTES, Place
from tests.functional.monitoring.pages import counted, get, metrics
from tests.servers.commands import run_gearhorn
from tests.servers.process import wait_until

LIMIT_S = 30.0

HOSTS = ("ann", "bob", "cat", "dan", "eve")
LONG_AGO_S = 1.0

FANOUTS, COPIES, RECEIVERS = "gearhorn_fanouts_total", "gearhorn_copies_total", "gearhorn_receivers_total"
CHANGES, REFUSED = "gearhorn_subscription_changes_total", "gearhorn_jobs_refused_total"


class Tally:
    """What is asked of the worker, and what the receivers get: nothing here comes from the worker's own figures."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.stages: list[Stage] = []
        self.expected: dict[str, Counter[tuple[str, ...]]] = {
            name: Counter() for name in (FANOUTS, COPIES, RECEIVERS, CHANGES, REFUSED)
        }
        self.expired_count = 0

    def stage(self, topic: str, *hosts: str) -> Stage:
        self.stages.append(stage := self.place.stage(topic))
        if hosts:
            stage.subscribe(*hosts)
            self.changes("subscribe", "changed", len(hosts))
        return stage

    def changes(self, kind: str, outcome: str, count: int = 1) -> None:
        self.expected[CHANGES][kind, outcome] += count

    def fanout(self, mode: str, outcome: str, topic: str) -> None:
        self.expected[FANOUTS][mode, outcome, topic] += 1

    def background(self, stage: Stage, shown_as: str, **keys: object) -> None:
        """Publishes, and counts what comes."""
        count = stage.broadcast(**keys)
        outcome = "expired" if "expires" in keys else "complete" if count else "nobody"
        self.fanout("background", outcome, shown_as)
        delivered_count = sum(map(len, stage.delivered().values()))
        assert delivered_count == count
        if delivered_count:
            self.expected[COPIES][(shown_as,)] += delivered_count

    def foreground(self, stage: Stage, shown_as: str, endings: dict[str, str], **keys: object) -> None:
        """Publishes, and has each receiver end its copy in the way named: complete, failed, exception, timeout."""
        handle = stage.start(**keys)
        jobs = stage.take(len(endings))
        self.expected[COPIES][(shown_as,)] += len(jobs)
        for host, job in jobs.items():
            _end(stage, job, endings[host])
            self.expected[RECEIVERS][endings[host], shown_as] += 1
        answer = stage.client.finish(handle)
        is_well = set(endings.values()) == {"complete"}
        assert answer.kind == (Kind.WORK_COMPLETE if is_well else Kind.WORK_EXCEPTION)
        self.fanout("foreground", "complete" if is_well else "failed", shown_as)
        for host, job in jobs.items():
            if endings[host] == "timeout":  # too late, and counted no more
                _end(stage, job, "complete")

    def refused(self, queue: str, body: object, reason: str, job: str) -> None:
        answer = self.stages[0].client.request(queue, encode(body))  # type: ignore[arg-type]
        assert answer.kind == Kind.WORK_EXCEPTION, answer
        self.expected[REFUSED][job, reason] += 1


def _end(stage: Stage, job: Job, how: str) -> None:
    if how == "complete":
        stage.receiver.complete(job.handle)
    elif how == "failed":
        stage.receiver.fail(job)
    elif how == "exception":
        stage.receiver.report(job, Kind.WORK_EXCEPTION, b"no disk")


def publish_all_sorts(tally: Tally) -> None:
    news = tally.stage("news", *HOSTS)
    memos = tally.stage("memos", *HOSTS[:2])
    logs = tally.stage("logs", "ann")
    fourth = tally.stage("fourth", "ann", "bob")  # three have figures of their own
    for _ in range(20):
        tally.background(news, "news")
    for _ in range(3):
        tally.background(news, "news", exclude=["ann", "bob"])
    for stage in (memos, logs, fourth):
        tally.background(stage, "other" if stage is fourth else stage.topic)
    tally.background(fourth, "other", payload="x" * 20_000)
    tally.foreground(news, "news", dict.fromkeys(HOSTS, "complete"))
    mixed = dict(zip(HOSTS, ("complete", "failed", "exception", "timeout", "complete"), strict=True))
    tally.foreground(news, "news", mixed, timeout=1.0)
    tally.foreground(fourth, "other", {"ann": "failed", "bob": "complete"}, results=True)
    for shown_as, stage in (("news", news), ("memos", memos)):
        tally.background(stage, shown_as, expires=LONG_AGO_S)
        tally.expired_count += 1
    assert news.publish(expires=LONG_AGO_S).count == 0
    tally.fanout("foreground", "expired", "news")
    tally.expired_count += 1
    for number in range(4):
        tally.background(tally.stage(f"nobody{number}"), "other")
    assert tally.stage("nobody").publish().count == 0
    tally.fanout("foreground", "nobody", "other")


def change_and_refuse_all_sorts(tally: Tally) -> None:
    news = tally.stages[0]
    queues = news.queues
    news.subscribe("ann")
    tally.changes("subscribe", "unchanged")
    news.unsubscribe("eve")
    tally.changes("unsubscribe", "changed")
    news.unsubscribe("eve")
    tally.changes("unsubscribe", "unchanged")
    tally.stage("a", "b_c")
    tally.refused(queues.subscribe, {"topic": "a_b", "client_id": "c"}, "bad request", "subscribe")
    tally.changes("subscribe", "refused")
    tally.refused(queues.subscribe, {"topic": "", "client_id": "c"}, "bad request", "subscribe")
    tally.changes("subscribe", "refused")
    tally.refused(queues.subscribe, {"topic": "news"}, "bad request", "subscribe")
    tally.refused(queues.unsubscribe, b"no json", "bad request", "unsubscribe")
    for body in (b"no json", {"topic": "news"}, {"topic": "__own", "payload": ""}):
        tally.refused(queues.fanout, body, "bad request", "fanout")
    tally.refused(queues.fanout, b"x" * (BODY_LIMIT_BYTES + 1), "too large", "fanout")


def test_every_figure_is_true(place: Place) -> None:
    tally = Tally(place)
    publish_all_sorts(tally)
    change_and_refuse_all_sorts(tally)
    found = metrics(place.worker)
    counters = {metric.name for metric in CATALOGUE if metric.kind == COUNTER}
    expected_counts = {name: +counts for name, counts in tally.expected.items()}
    seen_counts = {name: counted(found[name]) for name in expected_counts}
    assert seen_counts == expected_counts

    fanouts = expected_counts[FANOUTS]
    looked_up_count = fanouts.total() - tally.expired_count
    hits, misses = (found[f"gearhorn_cache_{name}_total"][()] for name in ("hits", "misses"))
    assert hits + misses == looked_up_count
    assert 5 <= misses <= 9  # nobody has asked for the lists of nobody before; those of the others may have been read
    reads = counted(found["gearhorn_list_reads_total"])
    assert reads.keys() == {("not in memory",)}
    lookups_of_store = found["gearhorn_store_call_duration_seconds_count"]["read_short",]
    assert reads.total() >= lookups_of_store >= 5
    others = counters - expected_counts.keys() - {"gearhorn_list_reads_total"}
    quiet = {name for name in others if not name.startswith("gearhorn_cache_")}
    assert {name: counted(found.get(name, {})) for name in quiet} == {name: Counter() for name in quiet}

    # The histograms have one entry for each of what the counters count.
    by_mode: Counter[tuple[str, ...]] = Counter()
    for (mode, _, _), count in fanouts.items():
        by_mode[mode,] += count
    assert counted(found["gearhorn_fanout_duration_seconds_count"]) == by_mode
    assert found["gearhorn_copy_confirmation_seconds_count"][()] == expected_counts[COPIES].total()
    answered = [count for (how, _), count in expected_counts[RECEIVERS].items() if how != "timeout"]
    assert found["gearhorn_receiver_answer_seconds_count"][()] == sum(answered)
    assert 1.0 <= found["gearhorn_fanout_duration_seconds_sum"]["foreground",] <= 20.0
    for name in ("gearhorn_fanout_duration_seconds", "gearhorn_copy_confirmation_seconds"):
        total = sum(found[f"{name}_sum"].values())
        assert 0.0 < total / sum(found[f"{name}_count"].values()) < 1.0

    # What goes up and down has come down.
    for name in ("jobs_in_flight", "copies_in_flight", "receivers_awaited"):
        assert found[f"gearhorn_{name}"] == {(place.server.address,): 0.0}
    assert found["gearhorn_copies_unsent"] == {(): 0.0}
    links = {(link, place.server.address): 1.0 for link in ("fanouts", "changes", "copies", "matchmaking")}
    assert found["gearhorn_link_up"] == links
    assert found["gearhorn_ready"] == {(): 1.0}
    assert 0.0 < found["gearhorn_lease_left_seconds"][()] <= 3.0

    assert_as_in_the_catalogue(place)
    assert_told_beside_the_lease(place, expected_counts)
    assert_told_to_statsd(place, expected_counts)


def assert_as_in_the_catalogue(place: Place) -> None:
    """By which the tests of contrib/ and of the page go."""
    page = get(place.worker, "/metrics").text
    kinds = dict(re.findall(r"^# TYPE (gearhorn_\S+) (\S+)$", page, re.MULTILINE))
    assert kinds == {metric.name: metric.kind for metric in CATALOGUE}
    labels_of = {metric.name: set(metric.labels) for metric in CATALOGUE}
    for name, labels, _ in series(page):
        if name.startswith("gearhorn_"):
            metric = name if name in labels_of else re.sub("_(bucket|sum|count)$", "", name)
            assert labels.keys() - {"le"} == labels_of[metric]


def assert_told_beside_the_lease(place: Place, expected: dict[str, Counter[tuple[str, ...]]]) -> None:
    receivers = expected[RECEIVERS]
    completed = sum(count for (how, _), count in receivers.items() if how == "complete")
    wanted = {
        "fanouts": expected[FANOUTS].total(),
        "copies": expected[COPIES].total(),
        "receivers_completed": completed,
        "receivers_failed": receivers.total() - completed,
        "changes": sum(count for (_, how), count in expected[CHANGES].items() if how == "changed"),
        "jobs_in_flight": 0,
        "copies_in_flight": 0,
    }

    def told() -> dict[str, int]:
        (store,) = (argument for argument in place.worker.argv if argument.startswith("--store="))
        (worker,) = json.loads(run_gearhorn(place.worker.folder, "workers", "--json", store).stdout)
        return {name: worker["counters"][name] for name in wanted}

    wait_until(lambda: told() == wanted, "the worker to tell of it with its lease", LIMIT_S)


def assert_told_to_statsd(place: Place, expected: dict[str, Counter[tuple[str, ...]]]) -> None:
    """The last of it comes when the worker stops."""
    worker = place.worker
    assert worker.process is not None
    worker.signal(signal.SIGTERM)
    assert worker.process.wait(LIMIT_S) == 0
    counts: Counter[str] = Counter()
    while True:
        try:
            datagram = place.statsd.recv(65536)
        except BlockingIOError:
            break
        for line in datagram.decode().splitlines():
            name, _, value = line.partition(":")
            number, _, kind = value.partition("|")
            if kind == "c":
                counts[name] += int(number)
    for (mode, outcome, topic), count in expected[FANOUTS].items():
        assert counts[f"site.gearhorn.fanouts.{topic}.{mode}.{outcome}"] == count
    for (topic,), count in expected[COPIES].items():
        assert counts[f"site.gearhorn.copies.{topic}"] == count
    assert counts["site.gearhorn.copy_confirmation_seconds.count"] == expected[COPIES].total()


def test_backlogs_are_those_that_wait_in_the_queues(place: Place) -> None:
    stage = place.stage("office")
    stage.subscribe("ann", "bob")
    other = place.stage("office_memos")  # whose queues begin like those of the first one
    other.subscribe("ann")

    def backlogs() -> dict[tuple[str, ...], float]:
        return metrics(place.worker).get("gearhorn_backlog_copies", {})

    wait_until(lambda: metrics(place.worker)["gearhorn_watching"][()], "the worker to watch", LIMIT_S)
    place.worker.restart()  # it asks the store for the topics that there are when it begins to watch
    assert [stage.broadcast() for _ in range(3)] == [2, 2, 2]
    assert other.broadcast() == 1
    wait_until(lambda: backlogs() == {("office",): 6.0, ("office_memos",): 1.0}, "the backlogs to be seen", LIMIT_S)
    assert len(stage.delivered()) == 2
    wait_until(lambda: backlogs() == {("office_memos",): 1.0}, "the backlog to go", LIMIT_S)


def test_a_page_is_soon_made_while_jobs_are_held(place: Place) -> None:
    stage = place.stage()
    stage.subscribe(*HOSTS)
    handle = stage.start()
    jobs = stage.take(len(HOSTS))
    found = metrics(place.worker)
    assert found["gearhorn_jobs_in_flight"] == {(place.server.address,): 1.0}
    assert found["gearhorn_receivers_awaited"] == {(place.server.address,): float(len(HOSTS))}
    page = get(place.worker, "/metrics", "application/openmetrics-text; version=1.0.0")
    assert page.content_type.startswith("application/openmetrics-text")
    assert page.text.endswith("# EOF\n")
    for job in jobs.values():
        stage.receiver.complete(job.handle)
    assert stage.client.finish(handle).count == len(HOSTS)
    assert metrics(place.worker)["gearhorn_receivers_awaited"] == {(place.server.address,): 0.0}


def test_after_a_restart_it_counts_from_nothing_and_its_gauges_are_right(place: Place) -> None:
    stage = place.stage()
    stage.subscribe("ann")
    assert stage.broadcast() == 1
    place.worker.restart()
    found = metrics(place.worker)
    assert FANOUTS not in found
    assert found["gearhorn_link_up"]["copies", place.server.address] == 1.0
    assert found["gearhorn_lease_left_seconds"][()] > 0.0
    assert abs(found["process_start_time_seconds"][()] - time.time()) < LIMIT_S
    assert stage.broadcast() == 1
    assert counted(metrics(place.worker)[COPIES]) == {(stage.topic,): 1}
