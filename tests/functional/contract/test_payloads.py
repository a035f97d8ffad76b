"""What a receiver gets of what was published: byte by byte."""

import base64
import json
from typing import Any

import pytest

from tests.functional.contract.stage import Stage

STRINGS = [
    "",
    "plain",
    " ",
    "a\0b",
    "\0",
    'quote " and \\',
    "tab\tline\n",
    "Grüße, 世界 🎺",
    "[1, 2]",
    "null",
    "\x7f\u2028",
]

# Values as they may be written, and the bytes that receivers get.
OTHERS = [
    ("null", b"null"),
    ("true", b"true"),
    (" false ", b"false"),
    ("0", b"0"),
    ("-1.50", b"-1.50"),
    ("1e400", b"1e400"),
    ("123456789012345678901234567890", b"123456789012345678901234567890"),
    ("[ ]", b"[]"),
    ("{ }", b"{}"),
    ('[1,\n\t "a b" , null]', b'[1,"a b",null]'),
    ('{"b" : 1, "a" : {"c" : [ 2 ]}}', b'{"b":1,"a":{"c":[2]}}'),
    ('{"a": 1, "a": 2}', b'{"a":1,"a":2}'),
    ('{" k ": " \\" : , "}', b'{" k ":" \\" : , "}'),
    ('["ü", "\\u00fc"]', '["ü","\\u00fc"]'.encode()),
]

ALL_BYTES = bytes(range(256))


@pytest.mark.parametrize("text", STRINGS, ids=ascii)
def test_a_string_is_copied_as_its_bytes_in_utf8(stage: Stage, text: str) -> None:
    assert stage.payload(payload=text) == text.encode()


def test_it_does_not_matter_how_the_string_was_escaped(stage: Stage) -> None:
    stage.subscribe("bob")
    body = rb'{"topic": "%s", "background": 1, "payload": "\u0047r\u00fc\u00DFe \ud83c\udfba \/ \u0000"}'
    stage.client.request("fanout", body % stage.topic.encode())
    assert stage.delivered() == {"bob": ["Grüße 🎺 / \0".encode()]}


@pytest.mark.parametrize(("text", "copy"), OTHERS, ids=[ascii(text) for text, _ in OTHERS])
def test_any_other_value_is_copied_as_compact_json(stage: Stage, text: str, copy: bytes) -> None:
    stage.subscribe("bob")
    body = f'{{"topic": "{stage.topic}", "background": true, "payload": {text}}}'
    assert stage.client.request("fanout", body.encode()).count == 1
    assert stage.delivered() == {"bob": [copy]}


@pytest.mark.parametrize(
    "content", [b"", b"\0", b"text", ALL_BYTES, b"\xff" * 1000], ids=["none", "NUL", "text", "all", "0xff"]
)
def test_base64_carries_any_bytes(stage: Stage, content: bytes) -> None:
    assert stage.payload(payload=base64.b64encode(content).decode(), encoding="base64") == content


@pytest.mark.parametrize("encoding", [{}, {"encoding": None}], ids=["absent", "null"])
def test_a_string_that_looks_like_base64_is_left_alone(stage: Stage, encoding: dict[str, Any]) -> None:
    assert stage.payload(payload="aGk=", **encoding) == b"aGk="


def test_a_payload_of_a_mebibyte_arrives_whole(stage: Stage) -> None:
    text = "0123456789abcdef" * (1 << 16)
    assert stage.payload(payload=text) == text.encode()


def test_a_payload_of_64_mb_reaches_every_subscriber(stage: Stage) -> None:
    """1 MB on geard, whose time grows with the square of the size: for 64 MB it would stand still for minutes."""
    size_bytes = 64 << 20 if stage.server.kind == "gearmand" else 1 << 20
    text = "0123456789abcdef" * (size_bytes // 16)
    stage.subscribe("bob", "eve")
    assert stage.broadcast(payload=text) == 2
    assert {len(job.payload) for job in _complete_each(stage, text.encode())} == {size_bytes}


def test_of_a_key_that_is_repeated_the_last_one_counts(stage: Stage) -> None:
    stage.subscribe("bob")
    keys = ['"payload": "first"', '"background": false', '"payload": "last"', '"background": true']
    body = f'{{"topic": "elsewhere", {", ".join(keys)}, "topic": "{stage.topic}"}}'
    assert stage.client.request("fanout", body.encode()).count == 1
    assert stage.delivered() == {"bob": [b"last"]}


def test_a_foreground_copy_has_the_same_bytes(stage: Stage) -> None:
    stage.subscribe("bob")
    handle = stage.start(payload={"text": "a\0b"})
    job = stage.receiver.take()
    assert json.loads(job.payload) == {"text": "a\0b"}
    stage.receiver.complete(job.handle)
    assert stage.client.finish(handle).count == 1


def _complete_each(stage: Stage, payload: bytes) -> list[Any]:
    """One after the other, so that the memory of no more than one is needed."""
    jobs = []
    for _ in range(2):
        job = stage.receiver.take()
        assert job.payload == payload
        stage.receiver.complete(job.handle)
        jobs.append(job)
    return jobs
