"""What becomes of a payload on its way into the copies, and of a receiver's answer on its way back."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gearhorn.bodies import parse_fanout, render_failures, render_result
from gearhorn.core.fanout import Failure
from gearhorn.errors import BadRequest


def payload_of(value: bytes, more: bytes = b"") -> bytes:
    return parse_fanout(b'{"topic":"t",%b"payload":%b}' % (more, value)).payload


BASE64 = b'"encoding":"base64",'

# Without halves of surrogate pairs, which no UTF-8 can carry.
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("value", "copy"),
    [
        (b'""', b""),
        (b'"hello"', b"hello"),
        (b'"  spaced  "', b"  spaced  "),
        (b'"\\u0000\\u0000"', b"\0\0"),
        (b'"\\"\\\\\\/\\b\\f\\n\\r\\t"', b'"\\/\b\f\n\r\t'),
        (b'"\\u00fc"', "ü".encode()),
        ('"ü\u2028"'.encode(), "ü\u2028".encode()),
        (b'"\\ud83d\\ude00"', "😀".encode()),
        (b'"{\\"a\\": 1}"', b'{"a": 1}'),
    ],
)
def test_a_string_is_copied_as_its_bytes(value: bytes, copy: bytes) -> None:
    assert payload_of(value) == copy


@given(texts, st.booleans())
def test_any_string_is_copied_as_its_utf_8(text: str, escaped: bool) -> None:
    assert payload_of(json.dumps(text, ensure_ascii=escaped).encode()) == text.encode()


@pytest.mark.parametrize(
    ("value", "copy"),
    [
        (b"null", b"null"),
        (b" true ", b"true"),
        (b"[ ]", b"[]"),
        (b"{ }", b"{}"),
        (b"\n[\t1 ,\r\n 2 ]\n", b"[1,2]"),
        (b'{ "a b" : "c  d" }', b'{"a b":"c  d"}'),
        (b'["\\" ", " \\\\", "\\\\\\" "]', b'["\\" "," \\\\","\\\\\\" "]'),
        (b'{"b":1, "a":2, "b":3}', b'{"b":1,"a":2,"b":3}'),
        (b"[1.0, 1e2, -0, 0.10]", b"[1.0,1e2,-0,0.10]"),
        (b"[1e999, %b]" % (b"9" * 400), b"[1e999,%b]" % (b"9" * 400)),
        (b'["\\u00fc", "\xc3\xbc"]', b'["\\u00fc","\xc3\xbc"]'),
        (b"[" * 500 + b" " + b"]" * 500, b"[" * 500 + b"]" * 500),
    ],
)
def test_any_other_value_is_copied_without_its_spaces_and_otherwise_as_it_came(value: bytes, copy: bytes) -> None:
    assert payload_of(value) == copy


@given(json_values.filter(lambda value: not isinstance(value, str)), st.sampled_from([None, 0, 3, "\t"]), st.booleans())
def test_compacting_loses_nothing(value: object, indent: int | str | None, escaped: bool) -> None:
    sent = json.dumps(value, indent=indent, ensure_ascii=escaped)
    copy = payload_of(sent.encode())
    assert json.loads(copy) == json.loads(sent)
    assert copy == json.dumps(value, separators=(",", ":"), ensure_ascii=escaped).encode()


@given(st.binary(max_size=40))
def test_base64_carries_any_bytes(data: bytes) -> None:
    assert payload_of(json.dumps(base64.b64encode(data).decode()).encode(), BASE64) == data


@pytest.mark.parametrize(
    "value",
    [
        b'"YQ"',
        b'"YQ="',
        b'"Y"',
        b'"Y Q=="',
        b'"YQ==\\n"',
        b'"YQ==YQ=="',
        b'"===="',
        b'"_-8="',
        b'"\\u00fc"',
        b'"\\u0000"',
    ],
)
def test_what_is_no_base64_is_refused(value: bytes) -> None:
    with pytest.raises(BadRequest, match=r"^payload: is not base64: ") as caught:
        payload_of(value, BASE64)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("value", [b"null", b"1", b"true", b'["YQ=="]', b"{}"])
def test_base64_of_what_is_no_string_is_refused(value: bytes) -> None:
    with pytest.raises(BadRequest, match=r"^payload: must be a string when encoding is base64$"):
        payload_of(value, BASE64)


def test_a_payload_of_64_megabytes_is_copied() -> None:
    payload = payload_of(b'"' + b"x" * (64 << 20) + b'"')
    assert len(payload) == 64 << 20
    assert payload.count(b"x") == 64 << 20


def test_a_failure_is_a_pair_in_a_json_list() -> None:
    failures = [Failure("jürgen".encode(), "failed"), Failure(b"bob", 'exception: a "b"\nc')]
    rendered = render_failures(failures)
    assert json.loads(rendered) == [["jürgen", "failed"], ["bob", 'exception: a "b"\nc']]
    assert b"\n" not in rendered
    assert render_failures([]) == b"[]"


@given(st.binary(max_size=20) | texts.map(str.encode), texts)
def test_a_result_is_one_line_of_json_that_gives_the_answer_back(data: bytes, client_id: str) -> None:
    line = render_result(client_id.encode(), "complete", data)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    result = json.loads(line)
    answer = result.pop("data")
    is_base64 = result.pop("encoding", None) == "base64"
    assert (base64.b64decode(answer) if is_base64 else answer.encode()) == data
    assert result == {"client_id": client_id, "status": "complete"}


@pytest.mark.parametrize(("data", "is_text"), [(b"", True), ("ü".encode(), True), (b"\0", True), (b"\xff", False)])
def test_only_what_is_not_utf_8_is_base64(data: bytes, is_text: bool) -> None:
    assert ("encoding" not in json.loads(render_result(b"bob", "failed", data))) == is_text
