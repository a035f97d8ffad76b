"""Bad requests: each is answered at once, with a line for people that names the key, and harms nobody."""

from typing import Any, NamedTuple

import pytest

from tests.functional.contract.clients import Answer, Body
from tests.functional.contract.stage import Stage
from tests.functional.facts.raw import Kind

PAIR = {"topic": "news", "client_id": "bob"}
MESSAGE = {"topic": "news", "payload": "hello"}
ABSENT = object()


class Refusal(NamedTuple):
    """A value that the queue does not take for a key, and words of the answer besides the key."""

    queue: str
    key: str
    value: Any
    reason: str

    def __str__(self) -> str:
        value = "absent" if self.value is ABSENT else ascii(self.value)[:30]
        return f"{self.queue}-{self.key}-{value}"

    @property
    def body(self) -> dict[str, Any]:
        body = {**(MESSAGE if self.queue == "fanout" else PAIR), self.key: self.value}
        return {key: value for key, value in body.items() if value is not ABSENT}


def refusals(queue: str, key: str, reason: str, *values: Any) -> list[Refusal]:
    return [Refusal(queue, key, value, reason) for value in values]


NO_STRINGS = (1, 1.5, True, None, [], ["news"], {})

REFUSALS = [
    *(
        refusal
        for queue, keys in {
            "subscribe_fanout": ("topic", "client_id"),
            "register_fanout_subscriber": ("topic", "client_id"),
            "unsubscribe_fanout": ("topic", "client_id"),
            "fanout": ("topic",),
        }.items()
        for key in keys
        for refusal in (
            *refusals(queue, key, "missing", ABSENT),
            *refusals(queue, key, "must be a string", *NO_STRINGS),
            *refusals(queue, key, "empty", ""),
        )
    ),
    *refusals("subscribe_fanout", "ttl", "must be a number", "60", True, [60], {}),
    *refusals("subscribe_fanout", "ttl", "negative", -1, -0.001),
    *refusals("subscribe_fanout", "ttl", "ten years", 1e9, 1e300),
    *refusals("fanout", "payload", "missing", ABSENT),
    *refusals("fanout", "encoding", "must be base64", "utf-8", "BASE64", "", 1, True, []),
    *refusals("fanout", "unique", "must be a string", 1, True, ["k"], {}),
    *refusals("fanout", "unique", "64 bytes", "u" * 64, "ü" * 32),
    *refusals("fanout", "unique", "NUL", "a\0b", "\0"),
    *refusals("fanout", "timeout", "must be a number", "5", True, [5], {}),
    *refusals("fanout", "timeout", "more than 0", 0, -1, -1e300),
    *refusals("fanout", "timeout", "out of range", 10**400),
    *refusals("fanout", "priority", "high or normal or low", "urgent", "HIGH", "", 1, True, []),
    *refusals("fanout", "exclude", "list of client ids", "bob", True, {"bob": 1}, [1], ["bob", None], [["bob"]]),
    *refusals("fanout", "expires", "must be a number", "1700000000", True, [], {}),
    *refusals("fanout", "expires", "out of range", 10**400),
    *refusals("fanout", "results", "must be true, false", "all", "", 1, 0, [], {}),
]

NOT_AN_OBJECT = [b"[]", b'"fanout"', b"1", b"null", b"true"]
NOT_JSON = [
    b"",
    b" ",
    b"{",
    b'{"topic": "news"',
    b"{'topic': 'news'}",
    b'{"topic": "news",}',
    b"hello",
    b"{} {}",
    b"\0",
]
NOT_UTF8 = [b"\xff", b'{"topic": "\xff"}', b'{"topic": "\xed\xa0\x80"}', b"\xff\xfe{\0}\0", b'{"later": "\xc3("}']

QUEUES = ["subscribe_fanout", "register_fanout_subscriber", "unsubscribe_fanout", "fanout"]

every_queue = pytest.mark.parametrize("queue", QUEUES)


@pytest.mark.parametrize("refusal", REFUSALS, ids=str)
def test_a_value_that_a_key_cannot_have_is_refused(stage: Stage, refusal: Refusal) -> None:
    text = refused(stage, refusal.queue, refusal.body)
    assert text.startswith(f"{refusal.key}: ")
    assert refusal.reason in text


@pytest.mark.parametrize("text", ["a", "a=b=", "aGk", "aGk=\n", "äöü=", "aGk=!"], ids=repr)
def test_what_is_no_base64_is_refused(stage: Stage, text: str) -> None:
    assert refused(stage, "fanout", {**MESSAGE, "payload": text, "encoding": "base64"}).startswith("payload: ")


@pytest.mark.parametrize("value", [1, None, ["aGk="], {}], ids=repr)
def test_only_a_string_can_be_base64(stage: Stage, value: Any) -> None:
    text = refused(stage, "fanout", {**MESSAGE, "payload": value, "encoding": "base64"})
    assert text == "payload: must be a string when encoding is base64"


@every_queue
@pytest.mark.parametrize("body", NOT_AN_OBJECT, ids=repr)
def test_what_is_no_object_is_refused(stage: Stage, queue: str, body: bytes) -> None:
    assert refused(stage, queue, body) == "the job is not a JSON object"


@every_queue
@pytest.mark.parametrize("body", NOT_JSON, ids=repr)
def test_what_is_no_json_is_refused(stage: Stage, queue: str, body: bytes) -> None:
    assert refused(stage, queue, body).startswith("the job is not JSON")


@every_queue
@pytest.mark.parametrize("body", NOT_UTF8, ids=repr)
def test_what_is_no_utf8_is_refused(stage: Stage, queue: str, body: bytes) -> None:
    assert refused(stage, queue, body).startswith("the job is not UTF-8")


@every_queue
def test_a_refused_background_job_is_done_with(stage: Stage, queue: str) -> None:
    handle = stage.client.start(queue, b"nonsense", Kind.SUBMIT_JOB_BG)
    assert refused(stage, queue, b"nonsense")
    assert stage.client.status_of(handle)[0] == b"0"


def test_a_refused_fanout_sends_nothing(stage: Stage) -> None:
    stage.subscribe("bob")
    for key, value in {"timeout": -1, "unique": "u" * 64, "results": "some", "priority": "none"}.items():
        refused(stage, "fanout", stage.fanout(**{key: value, "background": True}))
    assert stage.delivered() == {}


def test_a_refused_subscription_changes_nothing(stage: Stage) -> None:
    refused(stage, "subscribe_fanout", {"topic": stage.topic, "client_id": "bob", "ttl": -1})
    assert stage.broadcast() == 0
    stage.subscribe("bob")
    refused(stage, "unsubscribe_fanout", {"topic": stage.topic, "client_id": "bob\n"})
    assert stage.broadcast() == 1


def test_good_requests_between_bad_ones_are_answered_as_ever(stage: Stage) -> None:
    stage.subscribe("bob")
    bad = [refusal.body for refusal in REFUSALS if refusal.queue == "fanout"]
    good = stage.fanout(background=True)
    handles = stage.client.start_many(
        ("fanout", body) for pair in zip(bad, [good] * len(bad), strict=True) for body in pair
    )
    answers = [stage.client.finish(handle) for handle in handles]
    assert {answer.kind for answer in answers[::2]} == {Kind.WORK_EXCEPTION}
    assert {answer.count for answer in answers[1::2]} == {1}
    assert stage.delivered() == {"bob": [b"hello"] * len(bad)}


def refused(stage: Stage, queue: str, body: Body) -> str:
    """The text of the refusal. It comes as a warning first, and the worker goes on."""
    answer = stage.client.request(queue, body)
    _check_text(answer.data, answer)
    assert answer.kind == Kind.WORK_EXCEPTION
    _check_without_exceptions(stage, queue, body, answer.data)
    assert stage.client.request("fanout", {"topic": f"{stage.topic}-alive", "payload": ""}).count == 0
    return answer.data.decode()


def _check_text(text: bytes, answer: Answer) -> None:
    assert answer.told(Kind.WORK_WARNING) == [text]
    assert text.decode().isprintable()
    assert answer.before[-1].kind == Kind.WORK_WARNING


def _check_without_exceptions(stage: Stage, queue: str, body: Body, text: bytes) -> None:
    """gearmand leaves such a client nothing but the warning. geard passes exceptions on to everybody."""
    answer = stage.plain_client.request(queue, body)
    _check_text(text, answer)
    assert answer.kind == (Kind.WORK_EXCEPTION if stage.server.kind == "geard" else Kind.WORK_FAIL)
