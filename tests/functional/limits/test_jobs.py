"""Jobs that ask for too much are refused in one line that names what, and how much there may be."""

import json

import pytest

from tests.functional.contract.stage import Stage
from tests.functional.facts.raw import Kind
from tests.functional.limits.conftest import MIB, forget_peak, peak_bytes

HUGE_BYTES = 200 * MIB


def refusal(stage: Stage, body: bytes) -> str:
    """The reason for which a fanout was refused."""
    answer = stage.client.request(stage.queues.fanout, body)
    assert answer.kind == Kind.WORK_EXCEPTION
    assert answer.told(Kind.WORK_WARNING) == [answer.data]
    return answer.data.decode()


@pytest.mark.parametrize("more", [{}, {"unique": "u"}, {"encoding": "base64"}], ids=str)
def test_a_payload_over_the_limit_is_refused(stage: Stage, more: dict[str, str]) -> None:
    size = MIB + 1 if "encoding" not in more else (MIB + 3) // 3 * 4
    text = refusal(stage, json.dumps(stage.fanout(payload="A" * size, **more)).encode())
    assert text.startswith("payload: has 10485")
    assert text.endswith(f"more than {MIB}")


def test_a_payload_at_the_limit_is_copied(stage: Stage) -> None:
    assert stage.payload(payload="x" * MIB) == b"x" * MIB


@pytest.mark.parametrize("queue", ["fanout", "subscribe_fanout", "unsubscribe_fanout"])
def test_a_job_over_the_limit_is_refused_unseen(stage: Stage, queue: str) -> None:
    answer = stage.client.request(queue, b"[" * (2 * MIB + 1))
    assert answer == (Kind.WORK_EXCEPTION, b"the job has 2097153 bytes, more than 2097152", answer.before)


def test_a_job_at_the_limit_is_looked_at(stage: Stage) -> None:
    assert refusal(stage, b"." * (2 * MIB)).startswith("the job is not JSON")


def test_a_giant_job_costs_no_memory_and_the_link_lives_on(gearmand_stage: Stage) -> None:
    """gearmand would hand it out again and again to a worker that hung up instead."""
    stage = gearmand_stage
    before = forget_peak(stage)
    text = f"the job has {HUGE_BYTES} bytes, more than 2097152"
    assert refusal(stage, bytes(HUGE_BYTES)) == text
    assert refusal(stage, bytes(HUGE_BYTES)) == text
    assert peak_bytes(stage) - before < 20 * MIB
    assert "is gone" not in stage.service.worker.log


def test_nesting_over_the_limit_is_refused_and_at_the_limit_it_is_copied(stage: Stage) -> None:
    deep = b'{"topic":"%s","payload":%s}'
    text = refusal(stage, deep % (stage.topic.encode(), b"[" * 5 + b"]" * 5))
    assert text == "the job is not JSON that can be read: it is nested more than 5 deep"
    assert stage.payload(payload=[[[[]]]]) == b"[[[[]]]]"


@pytest.mark.parametrize("background", [True, False])
def test_copies_that_would_be_too_much_together_are_refused(stage: Stage, background: bool) -> None:
    stage.subscribe("ann", "bob", "cy")
    size = 2 * MIB // 3 + 1
    answer = stage.publish(payload="x" * size, background=background)
    reason = f"payload: 3 copies of {size} bytes are {3 * size} bytes, more than {2 * MIB}"
    assert (answer.kind, answer.data.decode()) == (Kind.WORK_EXCEPTION, reason)
    assert stage.delivered() == {}
    assert stage.broadcast(payload="x" * size, exclude=["cy"]) == 2
    assert len(stage.delivered()) == 2


def test_a_full_list_takes_no_more_and_loses_nobody(stage: Stage) -> None:
    stage.subscribe("ann", "bob", "cy")
    assert stage.broadcast() == 3  # which brings the list into memory
    body = {"topic": stage.topic, "client_id": "dan"}
    for _ in range(2):
        answer = stage.client.request(stage.queues.subscribe, body)
        assert answer.kind == Kind.WORK_EXCEPTION
        assert answer.data.decode() == f"topic: {stage.topic!r} has 3 subscribers, and may have 3"
    stage.subscribe("bob", ttl=1000)  # a renewal
    stage.unsubscribe("ann")
    assert stage.client.request(stage.queues.subscribe, body).kind == Kind.WORK_COMPLETE
    assert stage.broadcast() == 3
    assert sorted(stage.delivered()) == ["ann", "bob", "cy"]  # dan's queue is not served here


def test_a_list_that_no_fanout_has_brought_into_memory_is_held_to_its_limit_too(stage: Stage) -> None:
    taken = 0
    for number in range(20):
        body = {"topic": stage.topic, "client_id": f"id{number}"}
        taken += stage.client.request(stage.queues.subscribe, body).kind == Kind.WORK_COMPLETE
    assert 3 <= taken <= 4  # the first one finds nothing known, and is let in while the list is counted
