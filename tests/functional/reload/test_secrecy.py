"""What the log never has: payloads, bodies of jobs, answers of receivers; nor lines that somebody outside makes up."""

import base64
import json
import re
import time

import pytest

from tests.functional.contract.stage import Stage
from tests.functional.facts.raw import Job, Kind
from tests.functional.reload.conftest import LIMIT_S, ReloadingWorker
from tests.servers.process import wait_until

MARK = "sesame"
FORGED = "2026-01-01 00:00:00,000 ERROR store.away: forged"
LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} (DEBUG|INFO|WARNING|ERROR) [\w.]+: ")

REAPER = "[reaper]\ninterval = 0.2\nmax_backlog = 0\ngrace = 0\ndead_after = 0\npolicy = drop\n"


@pytest.fixture(params=["text", "json"])
def form(request: pytest.FixtureRequest, stage: Stage, worker: ReloadingWorker) -> str:
    """Everything is said, in this form."""
    worker.change(f"[DEFAULT]\nlog_level = debug\nlog_format = {request.param}\n[worker]\nbody_limit = 10000\n")
    return str(request.param)


def bad_bodies(topic: str) -> list[bytes]:
    """Jobs that are refused, each for a reason of its own, with the mark wherever something is wrong."""
    right = {"topic": topic, "payload": MARK}
    wrong: list[object] = [
        {**right, "timeout": MARK},
        {**right, "priority": MARK},
        {**right, "expires": [MARK]},
        {**right, "exclude": MARK},
        {**right, "exclude": [{MARK: MARK}]},
        {**right, "results": MARK},
        {**right, "unique": [MARK]},
        {**right, "encoding": "base64", "payload": MARK + "%"},
        {**right, "encoding": "base64", "payload": [MARK]},
        {"topic": topic, "Payload": MARK},
        {"topic": [MARK], "payload": MARK},
        {"payload": MARK},
        [MARK],
        MARK,
    ]
    return [
        *(json.dumps(body).encode() for body in wrong),
        b'{"topic": "x", "payload": "sesame',
        b'{"topic": "x", "payload": sesame}',
        b"sesame \xff",
        b'{"topic": "x", "payload": "sesame\x00"}',
        b'{"topic": "x", "payload": ' + b"[" * 600 + b'"sesame"' + b"]" * 600 + b"}",
        json.dumps({**right, "payload": MARK * 5000}).encode(),  # too large a job
    ]


def answer(stage: Stage, job: Job, kind: int) -> None:
    """With the mark in all that a receiver can say."""
    stage.receiver.report(job, Kind.WORK_DATA, MARK.encode())
    stage.receiver.report(job, Kind.WORK_WARNING, MARK.encode())
    if kind == Kind.WORK_FAIL:
        stage.receiver.fail(job)
    else:
        stage.receiver.report(job, kind, MARK.encode())


def let_refusals_be_told(stage: Stage, worker: ReloadingWorker) -> None:
    """After many of them the log leaves some out for a while."""
    seen = len(worker.log)

    def is_told() -> bool:
        stage.client.request(stage.queues.fanout, b"")
        time.sleep(0.2)
        return "job.refused" in worker.log[seen:]

    wait_until(is_told, "refusals to be told", LIMIT_S)


def test_no_job_whatever_becomes_of_it_has_its_payload_in_the_log(
    form: str, stage: Stage, worker: ReloadingWorker
) -> None:
    let_refusals_be_told(stage, worker)
    seen = len(worker.log)
    stage.subscribe("ann")
    assert stage.broadcast(payload=MARK) == 1
    assert stage.broadcast(payload={MARK: [MARK]}, unique="1", priority="high") == 1
    assert stage.broadcast(payload=base64.b64encode(MARK.encode() + b"\xff").decode(), encoding="base64") == 1
    assert stage.broadcast(payload=MARK, expires=1) == 0
    assert stage.broadcast(payload=MARK, exclude=["ann"]) == 0
    assert len(stage.delivered()["ann"]) == 3
    for kind in (Kind.WORK_COMPLETE, Kind.WORK_EXCEPTION, Kind.WORK_FAIL):
        for results in (False, True):
            handle = stage.start(payload=MARK, results=results)
            answer(stage, stage.receiver.take(), kind)
            stage.client.finish(handle)
    assert stage.publish(payload=MARK, timeout=0.05).failures == {"ann": "timeout"}
    stage.delivered()
    for body in bad_bodies(stage.topic):
        for queue in (stage.queues.fanout, stage.queues.subscribe, stage.queues.unsubscribe):
            assert stage.client.request(queue, body).kind in (Kind.WORK_EXCEPTION, Kind.WORK_FAIL, Kind.WORK_COMPLETE)
    flush = {"topic": "__matchmaking", "payload": {MARK: MARK}}
    stage.client.request(stage.queues.fanout, flush)
    wait_until(lambda: "job.refused" in worker.log[seen:], "the refusals", LIMIT_S)
    stage.unsubscribe("ann")
    wait_until(lambda: "subscriber.removed" in worker.log[seen:], "the last line", LIMIT_S)
    assert MARK not in worker.log[seen:]


def test_copies_that_are_taken_off_the_queues_of_the_dead_are_not_shown(
    form: str, stage: Stage, worker: ReloadingWorker
) -> None:
    seen = len(worker.log)
    stage.client.request(stage.queues.subscribe, {"topic": stage.topic, "client_id": "gone"})
    assert stage.broadcast(payload=MARK) == 1
    worker.change(f"[DEFAULT]\nlog_level = debug\nlog_format = {form}\n{REAPER}")
    worker.wait_for("dropped subscriber client_id='gone'", seen)
    assert MARK not in worker.log[seen:]


def test_nobody_outside_can_make_up_a_line(form: str, stage: Stage, worker: ReloadingWorker) -> None:
    seen = len(worker.log)
    for name in (f"x\n{FORGED}", f"x\r\n{FORGED}", f"x\u2028{FORGED}", f"x\x85{FORGED}", f"\x1b[2J\u202e{FORGED}"):
        for body in (
            {"topic": name, "client_id": "bob", "payload": "x", "background": True},
            {"topic": "x", "client_id": name, "payload": "x", "background": True, "encoding": name, name: name},
            {"topic": "x", "client_id": "bob", "payload": "x", "unique": name * 9, "priority": name},
        ):
            for queue in (stage.queues.fanout, stage.queues.subscribe, stage.queues.unsubscribe):
                stage.client.request(queue, body)
        stage.client.request(stage.queues.fanout, f"{name}".encode())
    stage.subscribe("last")
    wait_until(lambda: "client_id='last'" in worker.log[seen:], "the last line", LIMIT_S)
    lines = worker.log[seen:].removesuffix("\n").split("\n")
    assert len(lines) > 20
    for line in lines:
        assert line.isprintable()
        if form == "json":
            assert json.loads(line)["event"] != "store.away"
        else:
            assert LINE.match(line)
            assert not line.startswith(FORGED)
