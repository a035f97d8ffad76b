"""What Perl's Gearman::Server can do: subscribe, unsubscribe, and fanouts of both kinds.

It drops the worker's WORK_DATA and WORK_WARNING, and knows no low priority and no priority in the background.
"""

import pytest

from tests.functional.contract.clients import Answer
from tests.functional.contract.stage import Stage
from tests.functional.facts.raw import Kind


def test_subscribe_and_publish_in_the_background(perl_stage: Stage) -> None:
    perl_stage.subscribe("bob", "eve")
    assert perl_stage.publish(background=True) == (Kind.WORK_COMPLETE, b"2", [])
    assert perl_stage.delivered() == {"bob": [b"hello"], "eve": [b"hello"]}


def test_unsubscribe(perl_stage: Stage) -> None:
    perl_stage.subscribe("bob", "eve")
    perl_stage.unsubscribe("bob")
    assert perl_stage.broadcast() == 1
    assert perl_stage.delivered() == {"eve": [b"hello"]}


def test_a_topic_without_subscribers_is_no_error(perl_stage: Stage) -> None:
    assert perl_stage.broadcast() == 0


def test_publish_in_the_foreground(perl_stage: Stage) -> None:
    perl_stage.subscribe("bob", "eve")
    handle = perl_stage.start()
    for job in perl_stage.take(2).values():
        perl_stage.receiver.complete(job.handle)
    assert perl_stage.client.finish(handle).count == 2


def test_a_receiver_that_fails_is_reported(perl_stage: Stage) -> None:
    perl_stage.subscribe("bob", "eve")
    handle = perl_stage.start()
    jobs = perl_stage.take(2)
    perl_stage.receiver.fail(jobs["bob"])
    perl_stage.receiver.complete(jobs["eve"].handle)
    assert _finish_twice(perl_stage, handle).failures == {"bob": "failed"}


def test_a_receiver_that_is_late_is_reported(perl_stage: Stage) -> None:
    perl_stage.subscribe("bob")
    assert _finish_twice(perl_stage, perl_stage.start(timeout=0.05)).failures == {"bob": "timeout"}


def test_copies_with_one_unique_key_are_one_while_the_first_is_queued(perl_stage: Stage) -> None:
    perl_stage.subscribe("bob")
    for payload in ("first", "second"):
        assert perl_stage.broadcast(unique="k", payload=payload) == 1
    assert perl_stage.delivered() == {"bob": [b"first"]}


@pytest.mark.parametrize("queue", ["subscribe_fanout", "unsubscribe_fanout", "fanout"])
def test_a_bad_request_is_refused_with_its_reason(perl_stage: Stage, queue: str) -> None:
    handle = perl_stage.client.start(queue, b"nonsense")
    assert _finish_twice(perl_stage, handle).data.startswith(b"the job is not JSON")
    assert perl_stage.broadcast() == 0
    assert "complained" not in perl_stage.service.worker.log  # it was spared the packets that it does not know


def test_a_client_that_asked_for_no_exceptions_learns_that_its_job_failed(perl_stage: Stage) -> None:
    client = perl_stage.connect(wants_exceptions=False)
    assert client.request("fanout", b"nonsense") == (Kind.WORK_FAIL, b"", [])


def _finish_twice(stage: Stage, handle: bytes) -> Answer:
    """The exception. On this server it is no end: the failure that must follow is."""
    answer = stage.client.finish(handle)
    assert answer.kind == Kind.WORK_EXCEPTION
    assert stage.client.finish(handle) == (Kind.WORK_FAIL, b"", [])
    return answer
