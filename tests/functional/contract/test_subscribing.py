"""Who gets copies, from when on and until when."""

import pytest

from tests.functional.contract.stage import Stage
from tests.functional.facts.raw import Kind
from tests.servers.process import wait_until


@pytest.mark.parametrize("name", ["subscribe_fanout", "register_fanout_subscriber"])
def test_a_subscription_is_answered_with_nothing_and_holds_from_then_on(stage: Stage, name: str) -> None:
    answer = stage.client.request(name, {"topic": stage.topic, "client_id": "bob"})
    assert answer == (Kind.WORK_COMPLETE, b"", [])
    assert stage.broadcast() == 1


def test_who_unsubscribes_gets_nothing_from_then_on(stage: Stage) -> None:
    stage.subscribe("bob", "eve")
    answer = stage.client.request("unsubscribe_fanout", {"topic": stage.topic, "client_id": "bob"})
    assert answer == (Kind.WORK_COMPLETE, b"", [])
    assert stage.broadcast() == 1
    assert stage.delivered() == {"eve": [b"hello"]}


def test_who_subscribes_twice_gets_one_copy(stage: Stage) -> None:
    stage.subscribe("bob")
    stage.subscribe("bob")
    assert stage.broadcast() == 1
    assert stage.delivered() == {"bob": [b"hello"]}


def test_who_subscribed_twice_unsubscribes_once(stage: Stage) -> None:
    stage.subscribe("bob", "bob")
    stage.unsubscribe("bob")
    assert stage.broadcast() == 0


def test_what_is_not_subscribed_can_be_unsubscribed_and_nothing_changes(stage: Stage) -> None:
    stage.unsubscribe("bob")
    stage.subscribe("eve")
    stage.unsubscribe("bob")
    assert stage.broadcast() == 1
    assert stage.delivered() == {"eve": [b"hello"]}


def test_topics_do_not_mix(stage: Stage) -> None:
    stage.subscribe("bob")
    assert stage.client.request("fanout", {"topic": f"{stage.topic}s", "payload": "", "background": True}).count == 0
    assert stage.delivered() == {}


def test_one_subscriber_may_have_many_topics(stage: Stage) -> None:
    other = {"topic": f"{stage.topic}s", "client_id": "bob"}
    stage.subscribe("bob")
    assert stage.client.request("subscribe_fanout", other).kind == Kind.WORK_COMPLETE
    stage.unsubscribe("bob")
    assert stage.client.request("fanout", {**other, "payload": "", "background": True}).count == 1
    assert stage.broadcast() == 0


@pytest.mark.parametrize("queue", ["subscribe", "unsubscribe", "fanout"])
def test_keys_that_nobody_knows_are_ignored(stage: Stage, queue: str) -> None:
    stage.subscribe("bob")
    body = {"topic": stage.topic, "client_id": "bob", "payload": "", "background": True, "later": {"deep": [1, None]}}
    answer = stage.client.request(getattr(stage.queues, queue), body)
    assert answer == (Kind.WORK_COMPLETE, b"1" if queue == "fanout" else b"", [])


def test_a_subscription_may_be_a_background_job(stage: Stage) -> None:
    stage.client.start("subscribe_fanout", {"topic": stage.topic, "client_id": "bob"}, Kind.SUBMIT_JOB_BG)
    wait_until(lambda: stage.broadcast() == 1, "the subscription")


def test_subscribers_that_share_a_queue_share_its_copies(stage: Stage) -> None:
    stage.subscribe("bob")
    second = stage.connect_receiver()
    second.can_do(stage.queue("bob"))
    stage.broadcast(payload="one")
    stage.broadcast(payload="two")
    assert [stage.receiver.take().payload, second.take().payload] == [b"one", b"two"]
    assert (stage.receiver.grab(), second.grab()) == (None, None)


def test_a_subscription_with_a_ttl_ends_by_itself(stage: Stage) -> None:
    """And those without one, with none by another name or renewed without one, last."""
    stage.subscribe("bob")
    stage.subscribe("eve", ttl=0)
    stage.subscribe("dan", ttl=None)
    stage.subscribe("ann", ttl=0.5)
    stage.subscribe("ann")
    stage.subscribe("tom", ttl=1)
    _wait_for_end_of(stage, "tom")
    assert _receivers(stage) == ["ann", "bob", "dan", "eve"]


def test_a_ttl_counts_from_the_last_subscription(stage: Stage) -> None:
    stage.subscribe("bob", ttl=0.2)
    stage.subscribe("bob", ttl=3600)
    stage.subscribe("eve", ttl=3600)
    stage.subscribe("eve", ttl=0.5)
    _wait_for_end_of(stage, "eve")
    assert _receivers(stage) == ["bob"]


def test_who_subscribes_again_after_a_ttl_is_back(stage: Stage) -> None:
    stage.subscribe("bob", ttl=0.2)
    _wait_for_end_of(stage, "bob")
    stage.subscribe("bob")
    assert stage.broadcast() == 1


def _receivers(stage: Stage) -> list[str]:
    """Whom a broadcast reaches now."""
    stage.broadcast()
    return sorted(stage.delivered())


def _wait_for_end_of(stage: Stage, client_id: str) -> None:
    wait_until(lambda: client_id not in _receivers(stage), f"the subscription of {client_id} to end")
