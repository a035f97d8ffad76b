"""Topics and client ids: which there can be, and which keep others out."""

from typing import Any

import pytest

from tests.functional.contract.stage import Stage
from tests.functional.contract.test_refusals import refused
from tests.functional.facts.raw import Kind

PAIR_QUEUES = ["subscribe_fanout", "register_fanout_subscriber", "unsubscribe_fanout"]

CONTROLS = ["\0", "\t", "\n", "\r", "\x1b", "\x7f", "\x80", "\x85", "\x9f"]

# Unusual, but names.
ODD = [
    "a b",
    " ",
    "Grüße",
    "世界",
    "🎺",
    "a.b",
    "a/b:c",
    "a-b",
    "__x",
    "_",
    '"',
    "\\",
    "%s",
    "\xa0",
    "\u200b",
    "\ufeff",
    "0",
]

# What the service's own queues are called: a topic and a client id that together give such a name.
OWN = [
    ("subscribe", "fanout"),
    ("unsubscribe", "fanout"),
    ("register", "fanout_subscriber"),
    ("register_fanout", "subscriber"),
]

NEARLY_OWN = [("subscribe", "fan"), ("subscribe", "fanouts"), ("xsubscribe", "fanout")]

every_queue = pytest.mark.parametrize("queue", PAIR_QUEUES)
every_control = pytest.mark.parametrize("character", CONTROLS, ids=ascii)


@every_queue
@every_control
@pytest.mark.parametrize("key", ["topic", "client_id"])
def test_control_characters_are_refused(stage: Stage, queue: str, key: str, character: str) -> None:
    text = refused(stage, queue, {**_pair(stage), key: f"ne{character}ws"})
    assert text == f"{key}: has the control character U+{ord(character):04X}"


@every_control
def test_control_characters_in_the_topic_of_a_fanout_are_refused(stage: Stage, character: str) -> None:
    text = refused(stage, "fanout", stage.fanout(topic=f"ne{character}ws"))
    assert text == f"topic: has the control character U+{ord(character):04X}"


@pytest.mark.parametrize("half", [r"\ud83c", r"\udfba", r"\udfba\ud83c"])
@pytest.mark.parametrize("queue", [*PAIR_QUEUES, "fanout"])
def test_halves_of_surrogate_pairs_are_refused(stage: Stage, queue: str, half: str) -> None:
    assert refused(stage, queue, b'{"topic": "%s", "client_id": "bob", "payload": ""}' % half.encode())
    if queue != "fanout":
        assert refused(stage, queue, b'{"topic": "news", "client_id": "%s"}' % half.encode())


@pytest.mark.parametrize("key", ["payload", "unique", "exclude", "later"])
def test_halves_of_surrogate_pairs_are_refused_elsewhere_too(stage: Stage, key: str) -> None:
    value = r'["\ud83c"]' if key == "exclude" else r'"\ud83c"'
    body = f'{{"topic": "{stage.topic}", "payload": "", "{key}": {value}}}'
    assert refused(stage, "fanout", body.encode())


@pytest.mark.parametrize("client_id", ODD, ids=ascii)
def test_any_other_character_may_be_in_a_client_id(stage: Stage, client_id: str) -> None:
    stage.subscribe(client_id)
    assert stage.broadcast() == 1
    assert stage.delivered() == {client_id: [b"hello"]}


@pytest.mark.parametrize("name", [name for name in ODD if not name.startswith("__")], ids=ascii)
def test_any_other_character_may_be_in_a_topic(stage: Stage, name: str) -> None:
    stage.topic = f"{name}{stage.topic}"
    stage.subscribe("bob")
    assert stage.broadcast() == 1
    assert stage.delivered() == {"bob": [b"hello"]}


@pytest.mark.parametrize("letter", ["x", "ü"])
def test_a_queue_name_may_have_255_bytes(stage: Stage, letter: str) -> None:
    client_id = _fill(stage, letter, 255)
    stage.subscribe(client_id)
    assert stage.broadcast() == 1
    assert stage.delivered() == {client_id: [b"hello"]}
    stage.unsubscribe(client_id)


@every_queue
@pytest.mark.parametrize("letter", ["x", "ü"])
def test_a_queue_name_of_256_bytes_is_refused(stage: Stage, queue: str, letter: str) -> None:
    text = refused(stage, queue, {**_pair(stage), "client_id": _fill(stage, letter, 256)})
    assert text == "client_id: the queue name <topic>_<client_id> has 256 bytes, more than 255"


def test_a_topic_may_leave_room_for_one_letter(stage: Stage) -> None:
    stage.topic = stage.topic.ljust(253, "x")
    stage.subscribe("b")
    assert stage.broadcast() == 1
    assert stage.delivered() == {"b": [b"hello"]}


@pytest.mark.parametrize("queue", [*PAIR_QUEUES, "fanout"])
def test_a_topic_that_leaves_no_room_is_refused(stage: Stage, queue: str) -> None:
    text = refused(stage, queue, {"topic": "x" * 254, "client_id": "b", "payload": ""})
    assert text == "topic: has 254 bytes, more than 253"


@pytest.mark.parametrize("topic", ["__", "__matchmakers", "___", "__news"])
@pytest.mark.parametrize("queue", [*PAIR_QUEUES, "fanout"])
def test_topics_that_begin_with_two_underscores_are_reserved(stage: Stage, queue: str, topic: str) -> None:
    text = refused(stage, queue, {"topic": topic, "client_id": "bob", "payload": ""})
    assert text.startswith("topic: ")
    assert "reserved" in text


@every_queue
@pytest.mark.parametrize(("topic", "client_id"), OWN, ids=map("+".join, OWN))
def test_a_pair_whose_queue_is_the_services_own_is_refused(
    stage: Stage, queue: str, topic: str, client_id: str
) -> None:
    text = refused(stage, queue, {"topic": topic, "client_id": client_id})
    assert text == f"client_id: the queue name '{topic}_{client_id}' belongs to the service"


@pytest.mark.parametrize(("topic", "client_id"), OWN, ids=map("+".join, OWN))
def test_a_pair_whose_queue_could_be_taken_for_the_services_own_is_refused(
    stage: Stage, topic: str, client_id: str
) -> None:
    assert "belongs to the service" in refused(
        stage, "subscribe_fanout", {"topic": topic, "client_id": f"{client_id}.news"}
    )


@pytest.mark.parametrize(("topic", "client_id"), NEARLY_OWN, ids=map("+".join, NEARLY_OWN))
def test_a_pair_whose_queue_only_resembles_the_services_own_is_welcome(
    stage: Stage, topic: str, client_id: str
) -> None:
    stage.topic = topic
    stage.subscribe(client_id)
    assert stage.broadcast() == 1
    stage.unsubscribe(client_id)


def test_a_pair_whose_queue_is_another_pairs_is_refused(stage: Stage) -> None:
    taken, other = _colliding(stage)
    _accept(stage, "subscribe_fanout", taken)
    text = refused(stage, "subscribe_fanout", other)
    assert text.startswith("client_id: ")
    assert repr(taken["topic"]) in text
    assert _count(stage, taken) == 1
    assert _count(stage, other) == 0


def test_a_queue_is_free_again_when_its_pair_is_gone(stage: Stage) -> None:
    first, second = _colliding(stage)
    _accept(stage, "subscribe_fanout", first)
    _accept(stage, "unsubscribe_fanout", first)
    _accept(stage, "subscribe_fanout", second)
    refused(stage, "subscribe_fanout", first)
    assert (_count(stage, first), _count(stage, second)) == (0, 1)


def test_unsubscribing_a_pair_leaves_another_with_its_queue_alone(stage: Stage) -> None:
    first, second = _colliding(stage)
    _accept(stage, "subscribe_fanout", first)
    _accept(stage, "unsubscribe_fanout", second)
    assert _count(stage, first) == 1


def test_of_two_pairs_with_one_queue_that_come_at_once_one_is_refused(stage: Stage) -> None:
    handles = stage.client.start_many(("subscribe_fanout", pair) for pair in _colliding(stage))
    kinds = {stage.client.finish(handle).kind for handle in handles}
    assert kinds == {Kind.WORK_COMPLETE, Kind.WORK_EXCEPTION}


def test_names_with_underscores_that_collide_with_nobody_are_welcome(stage: Stage) -> None:
    stage.topic = f"{stage.topic}_a_b"
    stage.subscribe("c_d", "c", "_d")
    assert stage.broadcast() == 3
    assert sorted(stage.delivered()) == ["_d", "c", "c_d"]


def _pair(stage: Stage) -> dict[str, Any]:
    return {"topic": stage.topic, "client_id": "bob"}


def _colliding(stage: Stage) -> tuple[dict[str, str], dict[str, str]]:
    """Two pairs with one queue."""
    topic = stage.topic
    return {"topic": f"{topic}_b", "client_id": "c"}, {"topic": topic, "client_id": "b_c"}


def _accept(stage: Stage, queue: str, pair: dict[str, str]) -> None:
    assert stage.client.request(queue, pair) == (Kind.WORK_COMPLETE, b"", [])


def _count(stage: Stage, pair: dict[str, str]) -> int:
    """How many copies a fanout to the pair's topic makes."""
    body = {"topic": pair["topic"], "payload": "", "background": True}
    return stage.client.request("fanout", body).count


def _fill(stage: Stage, letter: str, size_bytes: int) -> str:
    """A client id with which the queue name has this size."""
    room_bytes = size_bytes - len(stage.queue(""))
    letters = letter * (room_bytes // len(letter.encode()))
    return letters + "x" * (room_bytes - len(letters.encode()))
