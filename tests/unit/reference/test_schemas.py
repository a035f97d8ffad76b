"""The published schemas say of a body what the service says: what one accepts the other accepts, either way.

Save for what a schema cannot say: lengths in bytes, names that are the service's own, numbers out of range, depth.
"""

import base64
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from gearhorn.bodies import parse_fanout, parse_subscription, render_failures, render_result
from gearhorn.client.answers import Failure as ReadFailure
from gearhorn.client.answers import parse_failures, parse_result
from gearhorn.core.fanout import Failure
from gearhorn.core.news import News
from gearhorn.errors import BadRequest
from gearhorn.matchmaking.messages import parse_news, render_for_observers
from gearhorn.names import OwnQueues, check_pair, check_topic
from gearhorn.signing.envelope import Claims, find_envelope, seal
from gearhorn.subscribers.letters import Letter, render_letter
from tools.reference.schemas import read_schemas

FOLDER = Path(__file__).parents[3] / "doc/reference/schemas"
SCHEMAS = {path.stem: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))}

UNSAYABLE = re.compile(r"has \d+ bytes, more than|belongs to the service|out of range|half of a surrogate")

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-10, 10**9) | st.floats(-5, 1e12) | st.text(max_size=70),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
NAMES = st.text(max_size=8) | st.sampled_from(
    ["news", "_", "__", "__matchmaking", "__matchmaking\n", "a\n", "\x85", "x"]
)
KEYS: dict[str, st.SearchStrategy[Any]] = {
    "topic": NAMES,
    "client_id": NAMES,
    "payload": st.text(max_size=8) | st.binary(max_size=5).map(lambda data: base64.b64encode(data).decode()),
    "encoding": st.sampled_from(["base64", None, "BASE64", ""]),
    "background": st.booleans(),
    "timeout": st.sampled_from([0, 0.5, 1, -1, 10**400]),
    "results": st.sampled_from([True, False, None, "failures", "all", 1, 0, ""]),
    "unique": st.text(max_size=64) | st.sampled_from(["\0", "x" * 63, "x" * 64, "é" * 40]),
    "priority": st.sampled_from(["high", "normal", "low", "", "High"]),
    "exclude": st.lists(st.text(max_size=3) | st.integers(), max_size=3),
    "expires": st.floats(-1, 1e12),
    "ttl": st.sampled_from([0, 1, -1, -0.001, 316224000, 316224001, 1e300]),
    "signed": JSON,
    "colour": JSON,
}


RIGHT = {"topic": "news", "payload": "hello", "client_id": "bob"}
FANOUT_KEYS = [key for key in KEYS if key not in ("client_id", "ttl")]


def is_valid(name: str, body: object) -> bool:
    return bool(Draft202012Validator(SCHEMAS[name]).is_valid(body))


def refusal(judge: Callable[[bytes], object], body: object) -> str:
    """Empty when the body is accepted."""
    try:
        judge(json.dumps(body).encode())
    except BadRequest as error:
        return str(error)
    return ""


def judge_fanout(body: bytes) -> None:
    check_topic(parse_fanout(body).topic)


def judge_subscription(body: bytes) -> None:
    request = parse_subscription(body)
    check_pair(request.topic, request.client_id, OwnQueues().all())


def agree(name: str, judge: Callable[[bytes], object], body: object) -> None:
    reason = refusal(judge, body)
    if not UNSAYABLE.search(reason):
        assert is_valid(name, body) == (not reason), reason


@pytest.mark.parametrize("key", FANOUT_KEYS)
@given(data=st.data())
def test_the_schema_of_a_fanout_and_the_service_agree(key: str, data: st.DataObject) -> None:
    agree("fanout", judge_fanout, {**RIGHT, key: data.draw(KEYS[key] | JSON)})


@given(KEYS["payload"] | JSON, KEYS["encoding"])
def test_they_agree_on_payloads_in_base64(payload: object, encoding: str | None) -> None:
    agree("fanout", judge_fanout, {"topic": "news", "payload": payload, "encoding": encoding})


@pytest.mark.parametrize("key", ["topic", "client_id", "ttl", "signed", "colour"])
@given(data=st.data())
def test_the_schema_of_a_subscription_and_the_service_agree(key: str, data: st.DataObject) -> None:
    agree("subscription", judge_subscription, {**RIGHT, key: data.draw(KEYS[key] | JSON)})


@pytest.mark.parametrize(
    ("name", "judge", "key"),
    [
        ("fanout", judge_fanout, "topic"),
        ("fanout", judge_fanout, "payload"),
        ("subscription", judge_subscription, "topic"),
        ("subscription", judge_subscription, "client_id"),
    ],
)
def test_they_agree_on_what_has_to_be_there(name: str, judge: Callable[[bytes], object], key: str) -> None:
    body = {other: value for other, value in RIGHT.items() if other != key}
    assert refusal(judge, body) == f"{key}: is missing"
    agree(name, judge, body)


@given(JSON)
def test_they_agree_on_what_may_be_no_object_at_all(body: object) -> None:
    agree("fanout", judge_fanout, body)
    agree("subscription", judge_subscription, body)


ENVELOPE = {"signed": st.text(max_size=5), "key": st.just("web"), "hmac": st.just("0" * 64)}
KEY_IDS = st.text("aZ9._-/\n", max_size=66) | st.sampled_from(["x" * 64, "x" * 65, "web\n"])


@given(
    st.fixed_dictionaries({**ENVELOPE, "hmac": st.text("0af\n", max_size=66)})
    | st.fixed_dictionaries({**ENVELOPE, "key": KEY_IDS})
    | st.fixed_dictionaries({**ENVELOPE, "colour": JSON})
)
def test_the_schema_of_a_signed_job_and_the_service_agree(body: dict[str, object]) -> None:
    agree("signed-job", find_envelope, body)


def test_what_is_signed_fits_the_schema() -> None:
    claims = Claims("fanout", 1795300000.0, "0123456789abcdef")
    assert is_valid("signed-job", json.loads(seal(b'{"topic":"news","payload":1}', "web", b"secret", claims)))


@pytest.mark.parametrize("pair", [("subscribe", "fanout"), ("t" * 200, "c" * 60), ("é" * 200, "c")])
def test_what_a_schema_cannot_say_is_refused_all_the_same(pair: tuple[str, str]) -> None:
    body = {"topic": pair[0], "client_id": pair[1]}
    assert is_valid("subscription", body)
    assert UNSAYABLE.search(refusal(judge_subscription, body))


@given(
    st.text(min_size=1),
    st.sampled_from(["complete", "failed", "exception", "timeout"]),
    st.binary() | st.text().map(str.encode),
    st.booleans(),
)
def test_every_result_fits_its_schema(client_id: str, status: str, data: bytes, is_truncated: bool) -> None:
    line = render_result(client_id.encode(), status, data, is_truncated=is_truncated)
    assert is_valid("result", json.loads(line))
    assert parse_result(line).status == status


REASONS = st.sampled_from(["failed", "exception: no disk", "timeout", "not sent: paused: nobody", "not sent"])


@given(st.lists(st.tuples(st.text(min_size=1), REASONS), min_size=1, max_size=3))
def test_failures_fit_their_schema(pairs: list[tuple[str, str]]) -> None:
    text = render_failures([Failure(client_id.encode(), reason) for client_id, reason in pairs])
    assert is_valid("failures", json.loads(text))
    assert parse_failures(text) == tuple(ReadFailure(*pair) for pair in pairs)


@given(st.text(min_size=1), st.integers(0, 2**60), st.none() | st.dictionaries(st.text(min_size=1), st.booleans()))
def test_changes_fit_their_schema(topic: str, version: int, joined: dict[str, bool] | None) -> None:
    difference = None if joined is None else {client_id.encode(): side for client_id, side in joined.items()}
    news = News(topic, version) if difference is None else News(topic, version, version - 1, difference)
    for line in render_for_observers("web1", [news]):
        assert is_valid("change", json.loads(line))
        assert parse_news(line) == News(topic, version, news.old_version, difference or {})


@pytest.mark.parametrize("key", SCHEMAS["change"]["properties"])
@given(value=JSON | st.lists(JSON, max_size=2))
def test_the_schema_of_a_change_and_who_watches_agree(key: str, value: object) -> None:
    body = {"topic": "news", "version": 8, "old_version": 7, key: value}
    assert is_valid("change", body) == isinstance(parse_news(json.dumps(body).encode()), News)


@given(st.text(min_size=1), st.text(min_size=1), st.binary(), st.floats(0, 2e9))
def test_dead_letters_fit_their_schema(topic: str, client_id: str, payload: bytes, dropped_at_s: float) -> None:
    assert is_valid("dead-letter", msgspec.json.decode(render_letter(Letter(topic, client_id, payload, dropped_at_s))))


def test_every_schema_is_on_the_page() -> None:
    assert {schema.name for schema in read_schemas()} == SCHEMAS.keys()


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_is_one_and_its_examples_fit(name: str) -> None:
    Draft202012Validator.check_schema(SCHEMAS[name])
    assert SCHEMAS[name]["examples"]
    assert [example for example in SCHEMAS[name]["examples"] if not is_valid(name, example)] == []
