"""Fanouts whose receivers are not waited for, and the keys that choose what is sent to whom."""

import time
from typing import Any

import pytest

from tests.functional.contract.stage import Stage
from tests.functional.facts.raw import Kind
from tests.servers.process import wait_until

TRUTHY = [True, 1, -0.5, "no", [0], {"a": 0}]
FALSY = [False, 0, 0.0, "", [], {}, None]


def test_the_answer_is_the_number_of_copies_and_each_is_there_when_it_comes(stage: Stage) -> None:
    ids = [f"host{number}" for number in range(20)]
    stage.subscribe(*ids)
    assert stage.publish(background=True) == (Kind.WORK_COMPLETE, b"20", [])
    assert stage.delivered() == {client_id: [b"hello"] for client_id in ids}


def test_a_copy_goes_to_the_queue_of_topic_and_client_id(stage: Stage) -> None:
    stage.subscribe("bob")
    stage.broadcast()
    assert stage.receiver.take().function == f"{stage.topic}_bob".encode()


@pytest.mark.parametrize("value", TRUTHY, ids=repr)
def test_every_value_that_is_true_means_background(stage: Stage, value: Any) -> None:
    stage.subscribe("bob")
    assert stage.publish(background=value).count == 1


@pytest.mark.parametrize("value", FALSY, ids=repr)
def test_every_value_that_is_false_means_foreground(stage: Stage, value: Any) -> None:
    stage.subscribe("bob")
    assert stage.publish(background=value, timeout=0.01).failures == {"bob": "timeout"}


@pytest.mark.parametrize("background", [True, False], ids=["background", "foreground"])
def test_a_topic_that_nobody_subscribed_to_is_no_error(stage: Stage, background: bool) -> None:
    assert stage.publish(background=background) == (Kind.WORK_COMPLETE, b"0", [])


def test_the_fanout_itself_may_be_a_background_job(stage: Stage) -> None:
    stage.subscribe("bob")
    stage.client.start("fanout", stage.fanout(background=True), Kind.SUBMIT_JOB_BG)
    assert stage.take(1)["bob"].payload == b"hello"


def test_copies_of_one_publisher_arrive_in_the_order_in_which_they_were_sent(stage: Stage) -> None:
    stage.subscribe("bob")
    for number in range(20):
        stage.broadcast(payload=str(number))
    assert stage.delivered() == {"bob": [b"%d" % number for number in range(20)]}


@pytest.mark.parametrize("background", [True, False], ids=["background", "foreground"])
def test_copies_have_the_priority_that_the_publisher_named(stage: Stage, background: bool) -> None:
    stage.subscribe("bob")
    handles = [
        _send(stage, background=background, priority=priority, payload=str(priority))
        for priority in ("low", "normal", "high", None)
    ]
    assert stage.delivered() == {"bob": [b"high", b"normal", b"None", b"low"]}
    assert [stage.client.finish(handle).count for handle in handles] == [1, 1, 1, 1]


def test_copies_with_one_unique_key_are_one_while_the_first_is_queued(stage: Stage) -> None:
    """The first payload wins. geard only carries the key, and delivers both."""
    stage.subscribe("bob", "eve")
    for payload in ("first", "second"):
        assert stage.broadcast(unique="k", payload=payload) == 2
    copies = [b"first"] if stage.coalesces else [b"first", b"second"]
    assert stage.delivered() == {"bob": copies, "eve": copies}
    stage.broadcast(unique="k", payload="third")
    assert stage.delivered() == {"bob": [b"third"], "eve": [b"third"]}


@pytest.mark.parametrize("unique", ["k", "-", "kü" * 21, "u" * 63], ids=["short", "dash", "63 bytes", "63 letters"])
def test_every_copy_has_the_unique_key_that_the_publisher_named(stage: Stage, unique: str) -> None:
    stage.subscribe("bob", "eve")
    stage.broadcast(unique=unique)
    assert {job.unique for job in stage.take(2).values()} == {unique.encode()}


@pytest.mark.parametrize("unique", [{}, {"unique": ""}, {"unique": None}], ids=["absent", "empty", "null"])
def test_copies_without_a_unique_key_are_never_one(stage: Stage, unique: dict[str, Any]) -> None:
    stage.subscribe("bob")
    for _ in range(2):
        stage.broadcast(**unique)
    assert stage.delivered() == {"bob": [b"hello", b"hello"]}


@pytest.mark.parametrize(
    ("exclude", "receivers"),
    [
        (["bob"], ["ann", "eve"]),
        (["bob", "eve", "bob"], ["ann"]),
        (["nobody"], ["ann", "bob", "eve"]),
        ([], ["ann", "bob", "eve"]),
        (None, ["ann", "bob", "eve"]),
        (["ann", "bob", "eve"], []),
    ],
    ids=repr,
)
def test_who_is_excluded_gets_no_copy_and_does_not_count(
    stage: Stage, exclude: list[str] | None, receivers: list[str]
) -> None:
    stage.subscribe("ann", "bob", "eve")
    assert stage.broadcast(exclude=exclude) == len(receivers)
    assert sorted(stage.delivered()) == receivers


def test_who_is_excluded_once_gets_the_next(stage: Stage) -> None:
    stage.subscribe("bob")
    assert [stage.broadcast(exclude=["bob"]), stage.broadcast()] == [0, 1]


@pytest.mark.parametrize("expires", [0, -1, 1.5e9, "a second ago"], ids=repr)
@pytest.mark.parametrize("background", [True, False], ids=["background", "foreground"])
def test_a_fanout_taken_after_it_has_expired_sends_nothing(stage: Stage, expires: Any, background: bool) -> None:
    stage.subscribe("bob")
    moment = time.time() - 1 if expires == "a second ago" else expires
    assert stage.publish(expires=moment, background=background) == (Kind.WORK_COMPLETE, b"0", [])
    assert stage.delivered() == {}


@pytest.mark.parametrize("lead_s", [60, 0.25e9, 1e300, None], ids=repr)
def test_a_fanout_taken_before_it_expires_is_sent(stage: Stage, lead_s: float | None) -> None:
    stage.subscribe("bob")
    assert stage.broadcast(expires=None if lead_s is None else time.time() + lead_s) == 1


def _send(stage: Stage, **keys: Any) -> bytes:
    """Returns when the copy is queued."""
    queued = stage.receiver.counts_of(stage.queue("bob"))
    handle = stage.start(**keys)
    wait_until(lambda: stage.receiver.counts_of(stage.queue("bob")) != queued, "the copy")
    return handle
