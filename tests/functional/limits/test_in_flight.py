"""Bytes in flight: above the limit jobs wait in the server, and none starves."""

from tests.functional.contract.stage import Stage
from tests.functional.facts.raw import Kind
from tests.functional.limits.conftest import MIB
from tests.servers.process import wait_until

JOB_BYTES = 400_000
COUNT = 12


def running_count(stage: Stage) -> int:
    """How many fanouts the worker holds."""
    counts = stage.connect().counts_of(stage.queues.fanout.encode())
    return counts[1] if counts else 0


def test_jobs_above_the_limit_wait_in_the_server_and_all_are_done_in_the_end(stage: Stage) -> None:
    """Three of these are more than a megabyte. Those that were grabbed already are left with the server too."""
    stage.subscribe("bob")
    handles = [stage.start(payload="x" * JOB_BYTES, timeout=100) for _ in range(COUNT)]
    done = 0
    while done < COUNT:
        job = stage.receiver.take()
        waiting = stage.receiver.take_all()
        assert len(waiting) + 1 <= 4
        for each in (job, *waiting):
            assert stage.receiver.complete(each.handle) == []
            done += 1
    assert [stage.client.finish(handle).count for handle in handles] == [1] * COUNT


def test_a_job_that_is_larger_than_all_that_may_be_in_flight_is_done(stage: Stage) -> None:
    stage.subscribe("bob")
    assert stage.payload(payload="x" * MIB) == b"x" * MIB


def test_changes_are_made_while_fanouts_have_spent_the_limit(stage: Stage) -> None:
    stage.subscribe("bob")
    handles = [stage.start(payload="x" * JOB_BYTES, timeout=100) for _ in range(COUNT)]
    jobs = [stage.receiver.take()]
    other = {"topic": f"{stage.topic}other", "client_id": "ann"}
    assert stage.client.request(stage.queues.subscribe, other).kind == Kind.WORK_COMPLETE
    while len(jobs) < COUNT:
        assert stage.receiver.complete(jobs[-1].handle) == []
        jobs.append(stage.receiver.take())
    assert stage.receiver.complete(jobs[-1].handle) == []
    assert [stage.client.finish(handle).count for handle in handles] == [1] * COUNT


def test_a_fanout_to_many_receivers_counts_for_more_than_its_payload(stage: Stage) -> None:
    """Those of three receivers are small; when they are done, nothing is left of what they counted for."""
    stage.subscribe("ann", "bob", "cy")
    for _ in range(3):
        handle = stage.start()
        for job in stage.take(3).values():
            assert stage.receiver.complete(job.handle) == []
        assert stage.client.finish(handle).count == 3
    wait_until(lambda: running_count(stage) == 0, "the worker to hold nothing")
