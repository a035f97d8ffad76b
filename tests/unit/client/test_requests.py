"""What clients send: read back with the service's own parser, and refused where the service would refuse it."""

import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gearhorn.bodies import parse_fanout, parse_subscription
from gearhorn.client.requests import fanout_body, subscription_body
from gearhorn.errors import BadRequest


@settings(deadline=None)
@given(st.binary() | st.text())
def test_the_service_reads_back_the_payload_that_was_given(payload: bytes | str) -> None:
    expected = payload.encode() if isinstance(payload, str) else payload
    assert parse_fanout(fanout_body("news", payload)).payload == expected


@pytest.mark.parametrize("wrap", [bytearray, memoryview])
def test_any_kind_of_bytes_is_a_payload(wrap: Any) -> None:
    assert parse_fanout(fanout_body("news", wrap(b"\xff\0"))).payload == b"\xff\0"


@pytest.mark.parametrize(
    ("payload", "copy"),
    [
        (None, b"null"),
        (False, b"false"),
        (12345678901234567890, b"12345678901234567890"),
        ([1, {"a": [True, None]}], b'[1,{"a":[true,null]}]'),
        ({"name": "Grüße"}, '{"name":"Grüße"}'.encode()),
    ],
)
def test_any_other_json_value_is_sent_as_compact_json(payload: object, copy: bytes) -> None:
    assert parse_fanout(fanout_body("news", payload)).payload == copy


@pytest.mark.parametrize("payload", [math.nan, [math.inf], {1, 2}, object(), "\ud800", {"a": "\udfff"}, [b"bytes"]])
def test_a_payload_that_json_cannot_express_is_refused(payload: object) -> None:
    with pytest.raises(BadRequest, match=r"^payload: "):
        fanout_body("news", payload)


def test_a_payload_that_contains_itself_is_refused() -> None:
    payload: list[object] = []
    payload.append(payload)
    with pytest.raises(BadRequest, match=r"^payload: "):
        fanout_body("news", payload)


def test_a_body_without_options_has_the_two_required_keys_only() -> None:
    assert json.loads(fanout_body("news", b"hello")) == {"topic": "news", "payload": "hello"}


def test_bytes_that_are_no_text_are_sent_as_base64() -> None:
    assert json.loads(fanout_body("news", b"\xff")) == {"topic": "news", "payload": "/w==", "encoding": "base64"}


def test_every_option_reaches_the_service() -> None:
    options = {"timeout": 2.5, "priority": "high", "exclude": ("bob", "eve"), "expires": 1.9e9, "results": "failures"}
    request = parse_fanout(fanout_body("news", "x", unique=b"k", background=True, **options))
    assert (request.unique, request.background, request.timeout_s) == (b"k", True, 2.5)
    assert (request.priority, request.expires_at, request.results) == ("high", 1.9e9, "failures")
    assert set(request.exclude) == {b"bob", b"eve"}


@pytest.mark.parametrize("unique", ["", b"", None])
def test_an_empty_unique_is_none(unique: str | bytes | None) -> None:
    assert "unique" not in json.loads(fanout_body("news", "x", unique=unique))


@pytest.mark.parametrize("unique", ["k" * 63, b"k" * 63, "ü" * 31])
def test_a_unique_of_up_to_63_bytes_is_taken(unique: str | bytes) -> None:
    assert len(parse_fanout(fanout_body("news", "x", unique=unique)).unique) >= 62


@pytest.mark.parametrize("unique", ["k" * 64, b"k" * 64, "ü" * 32, "a\0b", b"\xff", "\ud800"])
def test_a_unique_that_gearmand_could_not_keep_is_refused(unique: str | bytes) -> None:
    with pytest.raises(BadRequest, match=r"^unique: "):
        fanout_body("news", "x", unique=unique)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("timeout", 0),
        ("timeout", -1),
        ("timeout", math.inf),
        ("timeout", True),
        ("timeout", "30"),
        ("expires", math.nan),
        ("expires", 10**400),
        ("expires", "tomorrow"),
        ("priority", "urgent"),
        ("priority", 1),
        ("exclude", "bob"),
        ("exclude", b"bob"),
        ("exclude", [b"bob"]),
        ("exclude", ["\ud800"]),
        ("results", "all"),
        ("results", 1),
    ],
)
def test_an_option_that_the_service_would_refuse_is_refused_at_once(key: str, value: object) -> None:
    with pytest.raises(BadRequest, match=rf"^{key}: "):
        fanout_body("news", "x", **{key: value})


@pytest.mark.parametrize("topic", ["", "a\0b", "a\nb", "\ud800", "__mine"])
def test_a_bad_topic_is_refused_by_both(topic: str) -> None:
    with pytest.raises(BadRequest, match=r"^topic: "):
        fanout_body(topic, "x")
    with pytest.raises(BadRequest, match=r"^topic: "):
        subscription_body(topic, "bob")


@pytest.mark.parametrize("client_id", ["", "a\tb", "b" * 251, "\udfff"])
def test_a_bad_client_id_is_refused(client_id: str) -> None:
    with pytest.raises(BadRequest, match=r"^client_id: "):
        subscription_body("news", client_id)


def test_the_service_reads_back_the_subscription() -> None:
    request = parse_subscription(subscription_body("büro", "b" * 200, 0.5))
    assert (request.topic, request.client_id, request.ttl_s) == ("büro", "b" * 200, 0.5)


def test_a_subscription_without_ttl_has_the_two_required_keys_only() -> None:
    assert json.loads(subscription_body("news", "bob")) == {"topic": "news", "client_id": "bob"}


@pytest.mark.parametrize("ttl", [-1, math.nan, math.inf, True, "60", 1e12])
def test_a_bad_ttl_is_refused(ttl: Any) -> None:
    with pytest.raises(BadRequest, match=r"^ttl: "):
        subscription_body("news", "bob", ttl)


def test_a_pair_that_would_take_a_queue_of_the_service_is_refused() -> None:
    with pytest.raises(BadRequest, match="belongs to the service"):
        subscription_body("subscribe", "fanout")


def test_queues_of_the_service_with_other_names_are_protected_too() -> None:
    assert subscription_body("subscribe", "fanout", own=["broadcast_all"])
    with pytest.raises(BadRequest, match="belongs to the service"):
        subscription_body("broadcast", "all", own=["broadcast_all"])
