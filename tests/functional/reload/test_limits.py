"""What a worker goes by once it has read its settings again, as its publishers and receivers see it."""

import contextlib
import json
import signal
import threading
from collections import Counter
from collections.abc import Iterator

from tests.functional.contract.stage import Stage
from tests.functional.facts.raw import Kind
from tests.functional.reload.conftest import LIMIT_S, ReloadingWorker
from tests.servers.process import wait_until

ROUNDS = 60
FANOUTS_IN_A_ROUND = 20


@contextlib.contextmanager
def raining(worker: ReloadingWorker, settings: list[str]) -> Iterator[None]:
    """Signals without end, each with other settings in the file."""
    is_over = threading.Event()

    def rain() -> None:
        turn = 0
        while not is_over.wait(0.003):
            worker.write(settings[turn % len(settings)])
            worker.signal(signal.SIGHUP)
            turn += 1

    cloud = threading.Thread(target=rain)
    cloud.start()
    try:
        yield
    finally:
        is_over.set()
        cloud.join()


def test_no_job_is_lost_or_run_twice_while_signals_rain(stage: Stage, worker: ReloadingWorker) -> None:
    stage.subscribe("ann", "bob")
    settings = [
        "[worker]\njobs_in_flight = 1\ngrabs_in_flight = 1\nbytes_in_flight = 1000\n[matchmaking]\ncache_topics = 1\n",
        "[DEFAULT]\nlog_level = debug\n[worker]\nbody_limit = 100000\npayload_limit = 1000\n[reaper]\npolicy = off\n",
        "[worker\nthis is broken",
        "[gearman]\nanswer_timeout = 7\n[store]\nretry_timeout = 3\n[worker]\ndrain_timeout = 5\n",
    ]
    sent: Counter[bytes] = Counter()
    received: Counter[bytes] = Counter()
    with raining(worker, settings):
        for turn in range(ROUNDS):
            is_background = turn % 2 == 0
            payloads = [f"{turn}-{number}" for number in range(FANOUTS_IN_A_ROUND)]
            bodies = [stage.fanout(payload=payload, background=is_background) for payload in payloads]
            handles = stage.client.start_many((stage.queues.fanout, body) for body in bodies)
            for _ in range(2 * FANOUTS_IN_A_ROUND):
                job = stage.receiver.take()
                received[job.payload] += 1
                assert stage.receiver.complete(job.handle) == []
            sent.update({payload.encode(): 2 for payload in payloads})
            assert [stage.client.finish(handle).count for handle in handles] == [2] * FANOUTS_IN_A_ROUND
    assert received == sent
    assert stage.receiver.take_all() == []
    assert worker.log.count("settings.read: ") > 10
    assert worker.log.count("settings.broken: ") > 3


def test_a_lower_limit_refuses_the_next_payload_and_a_higher_one_takes_it(
    stage: Stage, worker: ReloadingWorker
) -> None:
    stage.subscribe("bob")
    assert "[worker] payload_limit: 67108864 → 10" in worker.change("[worker]\npayload_limit = 10\n")
    assert b"more than 10" in stage.publish(payload="x" * 11, background=True).data
    worker.change("[worker]\npayload_limit = 11\n")
    assert stage.broadcast(payload="x" * 11) == 1
    assert stage.delivered() == {"bob": [b"x" * 11]}


def test_a_lower_limit_of_bodies_holds_on_the_connection_that_is_up(stage: Stage, worker: ReloadingWorker) -> None:
    stage.subscribe("bob")
    worker.change("[worker]\nbody_limit = 2000\n")
    assert b"more than 2000" in stage.publish(payload="x" * 3000, background=True).data
    worker.change("[worker]\nbody_limit = 5000\n")
    assert stage.broadcast(payload="x" * 3000) == 1
    stage.delivered()


def test_jobs_in_flight_are_fewer_or_more_from_the_next_one_on(stage: Stage, worker: ReloadingWorker) -> None:
    stage.subscribe("bob")
    worker.change("[worker]\njobs_in_flight = 1\n")
    handles = [stage.start(payload=payload) for payload in ("one", "two", "three")]
    first = stage.receiver.take()
    assert first.payload == b"one"
    assert stage.receiver.take_all() == []  # the others wait on the server
    worker.change("[worker]\njobs_in_flight = 2\n")
    second = stage.receiver.take()
    assert second.payload == b"two"
    worker.change("[worker]\njobs_in_flight = 1\n")
    stage.receiver.complete(first.handle)
    assert stage.client.finish(handles[0]).count == 1
    assert stage.receiver.take_all() == []  # one is held, and that is as many as may be
    stage.receiver.complete(second.handle)
    stage.receiver.complete(stage.receiver.take().handle)
    assert [stage.client.finish(handle).count for handle in handles[1:]] == [1, 1]


def test_another_timeout_is_for_the_fanouts_that_come_after(stage: Stage, worker: ReloadingWorker) -> None:
    stage.subscribe("bob")
    patient = stage.start(payload="patient")
    job = stage.receiver.take()
    worker.change("[worker]\nforeground_timeout = 0.1\n")
    assert stage.publish(payload="hasty").failures == {"bob": "timeout"}
    stage.receiver.complete(job.handle)
    assert stage.client.finish(patient).count == 1
    stage.receiver.take_all()


def test_the_way_in_which_jobs_are_refused_is_another_one(stage: Stage, worker: ReloadingWorker) -> None:
    assert stage.client.request(stage.queues.fanout, b"no JSON").kind == Kind.WORK_EXCEPTION
    worker.change("[worker]\nrefuse_with = failure\n")
    assert stage.client.request(stage.queues.fanout, b"no JSON").kind == Kind.WORK_FAIL


def test_subscribers_are_looked_after_in_another_way(stage: Stage, worker: ReloadingWorker) -> None:
    stage.subscribe("bob")
    looks = "[reaper]\ninterval = 0.2\nmax_backlog = 0\n"
    stage.receiver.close()
    seen = len(worker.log)
    assert stage.broadcast() == 1
    worker.change(looks + "grace = 1000\n")
    worker.wait_for("this worker watches the subscribers")
    assert "is suspect" not in worker.log[seen:]
    worker.change(looks + "grace = 0\n")
    worker.wait_for(f"client_id='bob' topic={stage.topic!r} is suspect", seen)
    worker.change(looks + "grace = 0\npolicy = pause\n")
    wait_until(lambda: stage.broadcast() == 0, "bob to be paused", LIMIT_S)
    worker.change("[reaper]\npolicy = off\n")
    worker.wait_for("the subscribers are not looked after any more", seen)
    assert stage.broadcast() == 1
    worker.change(looks + "grace = 0\npolicy = pause\n")
    wait_until(lambda: stage.broadcast() == 0, "bob to be paused again", LIMIT_S)


def test_signed_jobs_are_required_of_other_topics(stage: Stage, worker: ReloadingWorker) -> None:
    """Without a keys file nobody could sign: such settings are refused."""
    said = worker.change("[signing]\nrequired_topics = *\n")
    assert "settings.broken: [signing] required_topics needs a keys_file" in said
    stage.subscribe("bob")
    assert stage.broadcast() == 1
    stage.delivered()


def test_the_log_has_another_level_and_another_form(stage: Stage, worker: ReloadingWorker) -> None:
    shown = json.loads(worker.change("[DEFAULT]\nlog_format = json\n").splitlines()[-1])
    assert shown["event"] == "settings.read"
    assert shown["fields"]["changes"] == [{"option": "[DEFAULT] log_format", "old": "auto", "new": "json"}]
    assert shown["worker"] == worker.worker_id
    worker.change("[DEFAULT]\nlog_level = error\n")  # is said, although it is no error
    seen = len(worker.log)
    stage.subscribe("bob")
    assert stage.client.request(stage.queues.fanout, b"no JSON").kind == Kind.WORK_EXCEPTION
    assert worker.log[seen:] == ""
    worker.change("")  # and so is this
    stage.subscribe("ann")
    worker.wait_for("INFO subscriber.added: subscribed client_id='ann'", seen)
