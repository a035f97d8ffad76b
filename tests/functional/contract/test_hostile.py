"""Bodies made to hurt: they are answered like any other, and the worker is as well after them as before."""

import pytest

from tests.functional.contract.stage import Stage
from tests.functional.contract.test_refusals import refused
from tests.functional.facts.raw import Kind

DEEP = 100_000
QUEUES = ["subscribe_fanout", "unsubscribe_fanout", "fanout"]

every_queue = pytest.mark.parametrize("queue", QUEUES)


@every_queue
@pytest.mark.parametrize("opening", [b"[", b'{"a":'], ids=["arrays", "objects"])
def test_a_job_that_is_nested_too_deeply_is_refused(stage: Stage, queue: str, opening: bytes) -> None:
    assert refused(stage, queue, opening * DEEP)


@every_queue
@pytest.mark.parametrize("key", ["topic", "client_id", "ttl", "payload", "exclude", "timeout", "later"])
def test_a_value_that_is_nested_too_deeply_is_refused(stage: Stage, queue: str, key: str) -> None:
    body = b'{"topic": "news", "client_id": "bob", "payload": "", "%s": %s}'
    assert refused(stage, queue, body % (key.encode(), b"[" * DEEP + b"]" * DEEP))


def test_a_payload_may_be_nested_as_deeply_as_people_nest(stage: Stage) -> None:
    stage.subscribe("bob")
    value = b"[" * 500 + b"]" * 500
    body = b'{"topic": "%s", "background": true, "payload": %s}' % (stage.topic.encode(), value)
    assert stage.client.request("fanout", body).count == 1
    assert stage.delivered() == {"bob": [value]}


@pytest.mark.parametrize(
    "number", [b"1e400", b"-1e400", b"1" + b"0" * 5000, b"9" * 400 + b".5"], ids=lambda n: n[:6].decode()
)
@pytest.mark.parametrize("key", ["timeout", "expires", "ttl"])
def test_numbers_beyond_all_bounds_are_refused(stage: Stage, key: str, number: bytes) -> None:
    queue = "subscribe_fanout" if key == "ttl" else "fanout"
    body = b'{"topic": "news", "client_id": "bob", "payload": "", "%s": %s}' % (key.encode(), number)
    assert refused(stage, queue, body).startswith(f"{key}: ")


@pytest.mark.parametrize("number", [b"1e400", b"1" + b"0" * 5000], ids=["float", "integer"])
def test_a_huge_number_in_the_payload_is_copied_as_it_is(stage: Stage, number: bytes) -> None:
    stage.subscribe("bob")
    body = b'{"topic": "%s", "background": true, "payload": [%s]}' % (stage.topic.encode(), number)
    assert stage.client.request("fanout", body).count == 1
    assert stage.delivered() == {"bob": [b"[" + number + b"]"]}


@pytest.mark.parametrize("word", [b"NaN", b"Infinity", b"-Infinity", b"nan"], ids=bytes.decode)
@pytest.mark.parametrize("key", ["timeout", "expires", "payload", "ttl", "later"])
def test_what_is_no_number_in_json_is_refused(stage: Stage, key: str, word: bytes) -> None:
    queue = "subscribe_fanout" if key == "ttl" else "fanout"
    body = b'{"topic": "news", "client_id": "bob", "payload": "", "%s": %s}' % (key.encode(), word)
    assert refused(stage, queue, body).startswith("the job is not JSON")


def test_a_key_that_is_repeated_very_often_does_no_harm(stage: Stage) -> None:
    stage.subscribe("bob")
    body = b'{"topic": "x", ' + b'"payload": [], ' * DEEP + b'"topic": "%s", "background": 1}' % stage.topic.encode()
    assert stage.client.request("fanout", body).count == 1
    assert stage.delivered() == {"bob": [b"[]"]}


def test_very_many_unknown_keys_do_no_harm(stage: Stage) -> None:
    keys = b", ".join(b'"key%d": null' % number for number in range(DEEP))
    body = b'{"topic": "%s", "client_id": "bob", %s}' % (stage.topic.encode(), keys)
    assert stage.client.request("subscribe_fanout", body) == (Kind.WORK_COMPLETE, b"", [])


def test_very_many_excluded_ids_do_no_harm(stage: Stage) -> None:
    stage.subscribe("bob", "eve")
    assert stage.broadcast(exclude=["eve", *(f"host{number}" for number in range(DEEP))]) == 1


def test_a_long_text_in_a_refusal_stays_one_line(stage: Stage) -> None:
    text = refused(stage, "subscribe_fanout", {"topic": "__" + "news\u2028" * 20, "client_id": "bob"})
    assert text.startswith("topic: ")
