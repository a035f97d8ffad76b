"""A server that takes no more copies for one queue: those are reported, and the others go out."""

import pytest

from tests.functional.contract.stage import Stage

REASON = "not sent: QUEUE_ERROR Job queue is full"


@pytest.mark.parametrize("background", [True, False])
def test_a_receiver_with_a_full_queue_is_reported_and_stops_no_other(gearmand_stage: Stage, background: bool) -> None:
    stage = gearmand_stage
    stage.subscribe("ann", "bob", "cy")
    assert stage.broadcast() == 3
    assert stage.connect().text(b"maxqueue %s 1" % stage.queue("bob")) == b"OK\r\n"
    handle = stage.start(background=background)
    if not background:
        for job in [stage.receiver.take() for _ in range(5)]:
            assert stage.receiver.complete(job.handle) == []
    answer = stage.client.finish(handle)
    assert answer.failures == {"bob": REASON}
    stage.delivered()
    assert stage.broadcast() == 3  # there is room again


def test_full_queues_in_a_large_fanout_are_each_reported(gearmand_stage: Stage) -> None:
    stage = gearmand_stage
    stage.subscribe("ann", "bob", "cy")
    assert stage.broadcast() == 3
    admin = stage.connect()
    for client_id in ("ann", "cy"):
        assert admin.text(b"maxqueue %s 1" % stage.queue(client_id)) == b"OK\r\n"
    for _ in range(3):
        assert stage.publish(background=True).failures == {"ann": REASON, "cy": REASON}
    assert {name: len(copies) for name, copies in stage.delivered().items()} == {"ann": 1, "bob": 4, "cy": 1}
