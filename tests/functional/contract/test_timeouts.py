"""How long receivers are waited for."""

import pytest

from tests.functional.contract.stage import Stage
from tests.functional.facts.raw import Kind


def test_the_default_bounds_the_wait_and_an_own_timeout_counts_up_to_the_cap(hasty_stage: Stage) -> None:
    """The patient one asks for more than the cap allows, and comes first: only its own timeout lets it end last."""
    stage = hasty_stage
    stage.subscribe("bob")
    patient, usual = stage.client.start_many(
        (stage.queues.fanout, stage.fanout(timeout=timeout)) for timeout in (1000, None)
    )
    assert stage.client.finish(usual).failures == {"bob": "timeout"}
    assert not stage.client.has_ended(patient)
    assert stage.client.finish(patient).failures == {"bob": "timeout"}


def test_an_own_timeout_may_be_shorter_than_the_default(stage: Stage) -> None:
    stage.subscribe("bob")
    usual, hurried = stage.client.start_many(
        ("fanout", stage.fanout(**keys, payload=str(keys))) for keys in ({}, {"timeout": 0.1})
    )
    assert stage.client.finish(hurried).failures == {"bob": "timeout"}
    assert not stage.client.has_ended(usual)
    for _ in range(2):
        stage.receiver.complete(stage.receiver.take().handle)
    assert stage.client.finish(usual).count == 1


def test_who_completed_in_time_is_not_reported(stage: Stage) -> None:
    stage.subscribe("bob", "eve")
    handle = stage.start(timeout=1)
    stage.receiver.complete(stage.take(2)["bob"].handle)
    assert stage.client.finish(handle).failures == {"eve": "timeout"}


def test_what_a_receiver_says_after_the_timeout_changes_nothing(stage: Stage) -> None:
    stage.subscribe("bob")
    handle = stage.start(timeout=0.05, results=True)
    job = stage.receiver.take()
    assert stage.client.finish(handle).failures == {"bob": "timeout"}
    stage.receiver.report(job, Kind.WORK_DATA, b"late")
    stage.receiver.complete(job.handle, b"late")
    assert stage.broadcast() == 1
    assert stage.client.endings_of(handle) == []
    assert stage.delivered() == {"bob": [b"hello"]}


def test_copies_in_the_background_are_not_timed(stage: Stage) -> None:
    stage.subscribe("bob")
    assert stage.broadcast(timeout=0.001) == 1


@pytest.mark.parametrize("alias", ["hasty_subscribe", "hasty_register"])
def test_the_names_of_the_queues_can_be_configured(hasty_stage: Stage, alias: str) -> None:
    body = {"topic": hasty_stage.topic, "client_id": "bob"}
    assert hasty_stage.client.request(alias, body) == (Kind.WORK_COMPLETE, b"", [])
    assert hasty_stage.broadcast() == 1
    hasty_stage.unsubscribe("bob")
    assert hasty_stage.broadcast() == 0


def test_pairs_that_would_take_a_configured_name_are_refused(hasty_stage: Stage) -> None:
    body = {"topic": "hasty", "client_id": "fanout"}
    answer = hasty_stage.client.request("hasty_subscribe", body)
    assert answer.kind == Kind.WORK_EXCEPTION
    assert answer.data == b"client_id: the queue name 'hasty_fanout' belongs to the service"
