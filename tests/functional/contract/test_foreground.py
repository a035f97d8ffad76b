"""Fanouts that wait for their receivers: who is counted, who is reported, and what is told meanwhile."""

import pytest

from tests.functional.contract.clients import LIMIT_S
from tests.functional.contract.stage import Stage
from tests.functional.facts.raw import Kind

PATIENT_S = LIMIT_S  # longer than any test lasts, and never waited for


def test_the_answer_is_the_number_of_receivers_that_completed(stage: Stage) -> None:
    stage.subscribe("ann", "bob", "eve")
    handle = stage.start()
    for job in stage.take(3).values():
        stage.receiver.complete(job.handle, b"whatever they say")
    answer = stage.client.finish(handle)
    assert (answer.kind, answer.data) == (Kind.WORK_COMPLETE, b"3")


def test_it_is_not_answered_before_the_last_receiver_is_done(stage: Stage) -> None:
    stage.subscribe("ann", "bob")
    handle = stage.start(timeout=PATIENT_S)
    first, second = stage.take(2).values()
    stage.receiver.complete(first.handle)
    stage.client.wait_for_progress(handle, 1, 2)
    assert not stage.client.has_ended(handle)
    stage.receiver.complete(second.handle)
    assert stage.client.finish(handle).count == 2


def test_a_receiver_that_fails_is_named_and_the_others_get_their_copies(stage: Stage) -> None:
    stage.subscribe("ann", "bob", "eve")
    handle = stage.start()
    jobs = stage.take(3)
    stage.receiver.fail(jobs["bob"])
    for client_id in ("ann", "eve"):
        stage.receiver.complete(jobs[client_id].handle)
    answer = stage.client.finish(handle)
    assert answer.kind == Kind.WORK_EXCEPTION
    assert answer.data == b'[["bob","failed"]]'


@pytest.mark.parametrize("text", ["out of disk", "", "Grüße\nin two lines", '"quoted"'], ids=repr)
def test_the_text_of_a_receivers_exception_is_told(stage: Stage, text: str) -> None:
    stage.subscribe("bob")
    handle = stage.start()
    stage.receiver.report(stage.receiver.take(), Kind.WORK_EXCEPTION, text.encode())
    assert stage.client.finish(handle).failures == {"bob": f"exception: {text}"}


def test_an_exception_that_is_no_text_does_no_harm(stage: Stage) -> None:
    stage.subscribe("bob")
    handle = stage.start()
    stage.receiver.report(stage.receiver.take(), Kind.WORK_EXCEPTION, b"\xff\0\xfe")
    assert stage.client.finish(handle).failures["bob"].startswith("exception: ")


def test_each_receiver_that_failed_is_told_with_its_reason(stage: Stage) -> None:
    stage.subscribe("ann", "bob", "dan", "eve")
    handle = stage.start(timeout=1)
    jobs = stage.take(4)
    stage.receiver.complete(jobs["ann"].handle)
    stage.receiver.fail(jobs["bob"])
    stage.receiver.report(jobs["dan"], Kind.WORK_EXCEPTION, b"no")
    reasons = {"bob": "failed", "dan": "exception: no", "eve": "timeout"}
    assert stage.client.finish(handle).failures == reasons


def test_a_publisher_that_asked_for_no_exceptions_learns_the_same_by_a_warning(stage: Stage) -> None:
    """gearmand makes a bare failure of the exception. geard passes exceptions on to everybody."""
    stage.subscribe("bob")
    client = stage.connect(wants_exceptions=False)
    answer = client.request("fanout", stage.fanout(timeout=0.01))
    assert answer.told(Kind.WORK_WARNING) == [b'[["bob","timeout"]]']
    assert answer.kind == (Kind.WORK_FAIL if stage.server.kind == "gearmand" else Kind.WORK_EXCEPTION)


def test_a_copy_that_the_server_does_not_take_is_reported_and_the_others_are_sent(stage: Stage) -> None:
    """gearmand can be told to bound a queue. geard knows no such thing and takes every copy."""
    stage.subscribe("ann", "bob")
    if stage.server.kind == "geard":
        assert [stage.broadcast(), stage.broadcast()] == [2, 2]
        return
    assert stage.connect().text(b"maxqueue %s 1" % stage.queue("bob")) == b"OK\r\n"
    assert stage.broadcast() == 2
    failures = stage.publish(background=True).failures
    assert list(failures) == ["bob"]
    assert failures["bob"].startswith("not sent: ")
    assert stage.delivered() == {"ann": [b"hello", b"hello"], "bob": [b"hello"]}


def test_a_foreground_copy_that_the_server_does_not_take_is_reported_when_the_others_are_done(stage: Stage) -> None:
    """See above for geard."""
    stage.subscribe("ann", "bob")
    if stage.server.kind == "geard":
        return _complete_all(stage, 2)
    assert stage.connect().text(b"maxqueue %s 1" % stage.queue("bob")) == b"OK\r\n"
    stage.broadcast(exclude=["ann"])
    handle = stage.start()
    stage.client.wait_for_progress(handle, 1, 2)
    for job in (stage.receiver.take() for _ in range(2)):
        stage.receiver.complete(job.handle)
    failures = stage.client.finish(handle).failures
    assert list(failures) == ["bob"]
    assert failures["bob"].startswith("not sent: ")
    return None


def test_progress_is_told_in_receivers_that_are_done(stage: Stage) -> None:
    stage.subscribe("ann", "bob", "dan", "eve")
    handle = stage.start(timeout=PATIENT_S)
    stage.client.wait_for_progress(handle, 0, 4)
    jobs = stage.take(4)
    stage.receiver.complete(jobs["ann"].handle)
    stage.client.wait_for_progress(handle, 1, 4)
    stage.receiver.fail(jobs["bob"])
    stage.client.wait_for_progress(handle, 2, 4)
    assert stage.client.status_of(handle) == [b"1", b"1", b"2", b"4"]
    for client_id in ("dan", "eve"):
        stage.receiver.complete(jobs[client_id].handle)
    steps = stage.client.finish(handle).progress
    assert steps == sorted(set(steps))


def test_progress_is_told_when_there_is_some(stage: Stage) -> None:
    """The second fanout's progress shows that there was time enough to tell of the first one's again."""
    stage.subscribe("ann", "bob", "eve")
    still = stage.start(exclude=["bob", "eve"], timeout=PATIENT_S)
    copy = stage.take(1)["ann"]
    stage.client.wait_for_progress(still, 0, 1)
    moving = stage.start(timeout=PATIENT_S)
    for done_count, job in enumerate(stage.take(3).values(), 1):
        stage.receiver.complete(job.handle)
        if done_count < 3:
            stage.client.wait_for_progress(moving, done_count, 3)
    assert stage.client.finish(moving).count == 3
    stage.receiver.complete(copy.handle)
    assert set(stage.client.finish(still).progress[1:]) <= {(1, 1)}


def test_progress_is_not_told_for_every_receiver(stage: Stage) -> None:
    """Only every so often: 300 receivers that end one after the other make no 300 packets."""
    count = 300
    ids = [f"host{number}" for number in range(count)]
    stage.subscribe(*ids)
    handle = stage.start(timeout=PATIENT_S)
    for job in [stage.receiver.take() for _ in ids]:
        stage.receiver.complete(job.handle)
    answer = stage.client.finish(handle)
    assert answer.count == count
    assert len(answer.progress) < count / 10


def test_foreground_copies_with_one_unique_key_are_one_job_that_answers_every_fanout(stage: Stage) -> None:
    """On geard they are two jobs."""
    stage.subscribe("bob")
    handles = [stage.start(unique="k", payload=payload) for payload in ("first", "second")]
    stage.broadcast(payload="third")  # when this is queued, the others are
    copies = [b"first", b"third"] if stage.coalesces else [b"first", b"second", b"third"]
    assert stage.delivered() == {"bob": copies}
    assert [stage.client.finish(handle).count for handle in handles] == [1, 1]


def test_many_fanouts_wait_in_one_worker_and_are_answered_as_they_end(stage: Stage) -> None:
    stage.subscribe("bob")
    handles = stage.client.start_many(
        ("fanout", stage.fanout(payload=str(number), timeout=PATIENT_S)) for number in range(50)
    )
    jobs = {int(job.payload): job for job in (stage.receiver.take() for _ in handles)}
    for number in reversed(range(50)):
        stage.receiver.complete(jobs[number].handle)
        assert stage.client.finish(handles[number]).count == 1


def test_other_jobs_are_done_while_a_fanout_waits(stage: Stage) -> None:
    stage.subscribe("bob")
    handle = stage.start(timeout=PATIENT_S)
    job = stage.receiver.take()
    stage.subscribe("eve")
    assert stage.broadcast() == 2
    stage.unsubscribe("eve")
    stage.client.catch_up()
    assert not stage.client.has_ended(handle)
    stage.receiver.complete(job.handle)
    assert stage.client.finish(handle).count == 1


def _complete_all(stage: Stage, count: int) -> None:
    handle = stage.start()
    for job in stage.take(count).values():
        stage.receiver.complete(job.handle)
    assert stage.client.finish(handle).count == count
