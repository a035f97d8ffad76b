"""The keys of the jobs' bodies, right and wrong. Every refusal is one line that names the key."""

import json
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gearhorn.bodies import TTL_LIMIT_S, FanoutRequest, SubscriptionRequest, parse_fanout, parse_subscription
from gearhorn.errors import BadRequest

HUGE = "9" * 400


def fanout(**keys: str) -> bytes:
    """A body with these keys, whose values are JSON text."""
    pairs = {"topic": '"news"', "payload": '"hello"', **keys}
    return ("{" + ",".join(f"{json.dumps(key)}:{value}" for key, value in pairs.items()) + "}").encode()


def subscription(**keys: str) -> bytes:
    pairs = {"topic": '"news"', "client_id": '"bob"', **keys}
    return ("{" + ",".join(f"{json.dumps(key)}:{value}" for key, value in pairs.items()) + "}").encode()


def refusal_of_fanout(body: bytes) -> BadRequest:
    with pytest.raises(BadRequest) as caught:
        parse_fanout(body)
    assert len(str(caught.value).splitlines()) == 1
    str(caught.value).encode()
    return caught.value


def test_a_body_with_the_required_keys_has_the_defaults_of_the_contract() -> None:
    assert parse_fanout(b'{"topic":"news","payload":"hello"}') == FanoutRequest(
        topic="news",
        payload=b"hello",
        unique=b"",
        background=False,
        timeout_s=None,
        priority="normal",
        exclude=(),
        expires_at=None,
        results="",
    )


@given(
    st.text(),
    st.text(),
    st.sampled_from(["", ',"background":true', ',"background":false', ',"background":null', ',"background":1']),
)
def test_a_key_that_means_nothing_changes_nothing(topic: str, payload: str, more: str) -> None:
    """The usual body is read by another way than all others."""
    usual = "{" + f'"topic":{json.dumps(topic)},"payload":{json.dumps(payload)}{more}' + "}"
    unusual = usual.replace("{", '{"colour":[],', 1)
    assert parse_fanout(usual.encode()) == parse_fanout(unusual.encode())


@pytest.mark.parametrize("topic", ['"\\ud800"', '"\xff"'])
def test_half_a_character_is_no_text_in_a_usual_body(topic: str) -> None:
    assert "the job is not " in str(refusal_of_fanout(b'{"topic":%s,"payload":"x"}' % topic.encode("latin-1")))


def test_a_body_with_every_key_is_understood() -> None:
    body = b"""
    { "topic": "news", "payload": "aGk=", "encoding": "base64", "unique": "once", "background": true, "timeout": 2.5,
      "priority": "high", "exclude": ["bob", "j\\u00fcrgen"], "expires": 1700000000, "results": "failures",
      "of newer clients": {"anything": [1, 2]} }"""
    assert parse_fanout(body) == FanoutRequest(
        "news", b"hi", b"once", True, 2.5, "high", frozenset({b"bob", "jürgen".encode()}), 1700000000.0, "failures"
    )


GOOD = [
    ("background", "true", "background", True),
    ("background", "false", "background", False),
    ("background", "null", "background", False),
    ("background", "1", "background", True),
    ("background", "0", "background", False),
    ("background", '"no"', "background", True),
    ("background", '""', "background", False),
    ("background", "[]", "background", False),
    ("background", "[0]", "background", True),
    ("background", "{}", "background", False),
    ("timeout", "null", "timeout_s", None),
    ("timeout", "0.001", "timeout_s", 0.001),
    ("timeout", "1e3", "timeout_s", 1000.0),
    ("timeout", "86400", "timeout_s", 86400.0),
    ("priority", "null", "priority", "normal"),
    ("priority", '"high"', "priority", "high"),
    ("priority", '"normal"', "priority", "normal"),
    ("priority", '"low"', "priority", "low"),
    ("unique", "null", "unique", b""),
    ("unique", '""', "unique", b""),
    ("unique", '"' + "u" * 63 + '"', "unique", b"u" * 63),
    ("unique", '"\\u00fc\\n"', "unique", "ü\n".encode()),
    ("exclude", "null", "exclude", ()),
    ("exclude", "[]", "exclude", frozenset()),
    ("exclude", '["a","a",""]', "exclude", frozenset({b"a", b""})),
    ("expires", "null", "expires_at", None),
    ("expires", "0", "expires_at", 0.0),
    ("expires", "-1", "expires_at", -1.0),
    ("expires", "1700000000.25", "expires_at", 1700000000.25),
    ("results", "null", "results", ""),
    ("results", "false", "results", ""),
    ("results", "true", "results", "all"),
    ("results", '"failures"', "results", "failures"),
    ("encoding", "null", "payload", b"hello"),
    ("topic", '""', "topic", ""),
    ("topic", '"\\u0000"', "topic", "\0"),
    ("anything else", "[1,{}]", "payload", b"hello"),
]


@pytest.mark.parametrize(("key", "value", "attribute", "expected"), GOOD)
def test_a_value_is_taken(key: str, value: str, attribute: str, expected: object) -> None:
    found = getattr(parse_fanout(fanout(**{key: value})), attribute)
    assert found == expected
    assert type(found) is type(expected)


WRONG = [
    *(("topic", value) for value in ("null", "true", "1", "[]", '["news"]', "{}")),
    *(("timeout", value) for value in ("0", "-0", "-1", "0.0", '"30"', "true", "false", "[30]", "{}", "1e999", HUGE)),
    *(("priority", value) for value in ('"HIGH"', '"urgent"', '""', "1", "true", '["high"]', "{}")),
    *(("unique", value) for value in ("1", "true", "[]", '["u"]', "{}", '"' + "u" * 64 + '"', '"' + "ü" * 32 + '"')),
    ("unique", '"a\\u0000b"'),
    *(("exclude", value) for value in ('"bob"', "true", "1", "{}", '{"bob":1}', "[1]", '["bob",null]', '[["bob"]]')),
    *(("expires", value) for value in ('"now"', '"1700000000"', "true", "[]", "{}", "1e999", "-1e999", HUGE)),
    *(("results", value) for value in ('"all"', '"true"', '""', "1", "0", "[]", '["failures"]', "{}")),
    *(("encoding", value) for value in ('"BASE64"', '"utf-8"', '""', "1", "true", '["base64"]', "{}")),
    ("background", "1e999"),
]


@pytest.mark.parametrize(("key", "value"), WRONG)
def test_a_wrong_value_is_refused_with_its_key(key: str, value: str) -> None:
    error = refusal_of_fanout(fanout(**{key: value}))
    assert error.key == key
    assert str(error).startswith(f"{key}: ")
    assert len(str(error)) < 120


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("null", "null"),
        ("true", "a boolean"),
        ("1", "a number"),
        ("1.5", "a number"),
        ("[]", "a list"),
        ("{}", "an object"),
    ],
)
def test_a_refusal_says_what_there_is_instead(value: str, reason: str) -> None:
    assert str(refusal_of_fanout(fanout(topic=value))) == f"topic: must be a string, not {reason}"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"{}", "topic: is missing"),
        (b'{"payload":"p"}', "topic: is missing"),
        (b'{"topic":"t"}', "payload: is missing"),
        (b'{"TOPIC":"t","payload":"p"}', "topic: is missing"),
        (b"[]", "the job is not a JSON object"),
        (b"null", "the job is not a JSON object"),
        (b'"topic"', "the job is not a JSON object"),
        (b"17", "the job is not a JSON object"),
        (b'\xff{"topic":"t"}', "the job is not UTF-8: byte 0 is 0xff"),
        (b'{"topic":"t","payload":"\xfc"}', "the job is not UTF-8: byte 24 is 0xfc"),
        (b'{"topic":"t","payload":"\xed\xa0\x80"}', "the job is not UTF-8: byte 24 is 0xed"),
        (b'{"topic":"t","payload":"\xc0\x80"}', "the job is not UTF-8: byte 24 is 0xc0"),
    ],
)
def test_a_body_that_is_wrong_as_a_whole_is_refused(body: bytes, text: str) -> None:
    assert str(refusal_of_fanout(body)) == text


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"{",
        b"{}{}",
        b"topic=t",
        b'\xef\xbb\xbf{"topic":"t","payload":"p"}',
        '{"topic":"t","payload":"p"}'.encode("utf-16"),
        b'{"topic":"t","payload":"p"',
        b'{"topic":"t","payload":"p"}\0',
        b'{"topic":"t","payload":"p",}',
        b"{'topic':'t','payload':'p'}",
        b'{topic:"t","payload":"p"}',
        b'{"topic":"t" "payload":"p"}',
        b'{"topic":"t","payload":NaN}',
        b'{"topic":"t","payload":[Infinity]}',
        b'{"topic":"t","payload":-Infinity}',
        b'{"topic":"t","payload":"p","timeout":NaN}',
        b'{"topic":"t","payload":"p","ignored":NaN}',
        b'{"topic":"t","payload":"a\nb"}',
        b'{"topic":"t","payload":"\\x"}',
        b'{"topic":"t","payload":01}',
        b'{"topic":"t","payload":.5}',
        b'{"topic":"t","payload":[1,]}',
        b'{"topic":"t","payload":"\\ud800"}',
        b'{"topic":"t","payload":"\\udc00 and more behind it"}',
        b'{"topic":"t","payload":"\\ud800 and more behind it"}',
        b'{"topic":"t","payload":["\\ud800"]}',
        b'{"topic":"\\ud800","payload":"p"}',
        b'{"topic":"t","payload":"p","unique":"\\udfff"}',
        b'{"topic":"t","payload":"p","exclude":["\\udfff"]}',
        b'{"topic":"t","payload":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"topic":"t","payload":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"}",
        b'{"topic":"t","payload":"p","exclude":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"topic":"t","payload":"p","ignored":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b"[" * 1_000_000,
    ],
    ids=lambda body: repr(body[:40]),
)
def test_a_body_that_is_no_json_is_refused_in_one_short_line(body: bytes) -> None:
    error = refusal_of_fanout(body)
    assert error.key == ""
    assert str(error).startswith("the job is not ")
    assert len(str(error)) < 120


def test_nesting_that_the_first_look_just_bears_is_refused_at_the_second() -> None:
    """The second look is made from a few calls deeper down."""
    depths = range(sys.getrecursionlimit() - 200, sys.getrecursionlimit())
    keys = {refusal_of_fanout(fanout(timeout="[" * depth + "]" * depth)).key for depth in depths}
    assert keys <= {"timeout", ""}


def test_of_a_repeated_key_the_last_one_counts() -> None:
    request = parse_fanout(b'{"topic":"a","payload":1,"topic":"b","payload":{"a":1,"a":2},"timeout":0,"timeout":9}')
    assert (request.topic, request.payload, request.timeout_s) == ("b", b'{"a":1,"a":2}', 9.0)


def test_an_escaped_key_is_the_key() -> None:
    assert parse_fanout(b'{"top\\u0069c":"t","payload":""}').topic == "t"


@given(st.binary(max_size=60) | st.text(max_size=60).map(lambda text: text.encode("utf-8", "replace")))
def test_any_bytes_are_a_request_or_refused(body: bytes) -> None:
    for parse in (parse_fanout, parse_subscription):
        with pytest.raises(BadRequest) as caught:
            parse(body)
        assert len(str(caught.value).splitlines()) == 1


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
KEYS = ["topic", "payload", "unique", "background", "timeout", "priority", "encoding", "exclude", "expires", "results"]


def outcome(body: bytes) -> tuple[str, BadRequest | None]:
    try:
        return parse_fanout(body).topic, None
    except BadRequest as error:
        return "", error


@given(st.dictionaries(st.sampled_from(KEYS), json_values))
def test_any_values_are_a_request_or_refused_with_a_key(keys: dict[str, object]) -> None:
    topic, error = outcome(json.dumps(keys).encode())
    if error is None:
        assert topic == keys["topic"]
    else:
        assert error.key in KEYS
        assert len(str(error).splitlines()) == 1


def test_a_subscription_has_no_end_unless_told_otherwise() -> None:
    assert parse_subscription(subscription()) == SubscriptionRequest("news", "bob", 0.0)


@pytest.mark.parametrize(
    ("ttl", "expected"),
    [("null", 0.0), ("0", 0.0), ("60", 60.0), ("0.5", 0.5), ("1e3", 1000.0), (str(TTL_LIMIT_S), float(TTL_LIMIT_S))],
)
def test_a_ttl_is_a_number_of_seconds(ttl: str, expected: float) -> None:
    assert parse_subscription(subscription(ttl=ttl)).ttl_s == expected


@pytest.mark.parametrize(
    "ttl", ["-1", "-0.001", '"60"', "true", "false", "[]", "{}", "1e999", "-1e999", HUGE, str(TTL_LIMIT_S + 1)]
)
def test_a_wrong_ttl_is_refused(ttl: str) -> None:
    with pytest.raises(BadRequest, match=r"^ttl: "):
        parse_subscription(subscription(ttl=ttl))


@pytest.mark.parametrize("key", ["topic", "client_id"])
@pytest.mark.parametrize("value", ["null", "1", "true", "[]", "{}"])
def test_the_names_of_a_subscription_are_strings(key: str, value: str) -> None:
    with pytest.raises(BadRequest, match=f"^{key}: must be a string"):
        parse_subscription(subscription(**{key: value}))


@pytest.mark.parametrize(("body", "key"), [(b'{"topic":"t"}', "client_id"), (b'{"client_id":"c"}', "topic")])
def test_the_names_of_a_subscription_must_be_there(body: bytes, key: str) -> None:
    with pytest.raises(BadRequest, match=f"^{key}: is missing$"):
        parse_subscription(body)


def test_a_subscription_ignores_the_keys_of_a_fanout() -> None:
    assert parse_subscription(subscription(timeout='"x"', payload="1", results="{}")).topic == "news"
