"""The JSON bodies of the service's jobs: read into frozen dataclasses, and the answers written.

A body is decoded one level deep, into the raw text of each value, and only the keys that mean something are decoded
further. So a payload that is not a string is copied with its numbers, its order and its repeated keys as they were
sent, only without the space between them; and of a repeated key of the body itself the last one counts.
"""

import base64
import binascii
import math
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

import msgspec

from gearhorn.core.fanout import Failure
from gearhorn.errors import BadRequest

# gearmand refuses longer ones, and shows its workers 63 bytes of one with 64.
UNIQUE_LIMIT_BYTES = 63
# Ten years: a longer one is more likely milliseconds than meant.
TTL_LIMIT_S = 10 * 366 * 86400

PRIORITIES = ("high", "normal", "low")

_decode_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_any = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode

_SPACE = re.compile(rb"[ \t\r\n]")
_STRING_OR_SPACE = re.compile(rb'("(?:[^"\\]|\\.)*+")|[ \t\r\n]+', re.DOTALL)

Fields = dict[str, msgspec.Raw]


@dataclass(frozen=True, slots=True)
class SubscriptionRequest:
    """The body of a `subscribe_fanout` or `unsubscribe_fanout` job. The names are not judged yet: see names.py."""

    topic: str
    client_id: str
    ttl_s: float


@dataclass(frozen=True, slots=True)
class FanoutRequest:
    """The body of a `fanout` job. `results` is "", "all" or "failures"; the timeout is None when none was given."""

    topic: str
    payload: bytes
    unique: bytes
    background: bool
    timeout_s: float | None
    priority: str
    exclude: Collection[bytes]
    expires_at: float | None
    results: str


def parse_subscription(body: bytes) -> SubscriptionRequest:
    """Raises BadRequest with a line that names the key."""
    fields = _fields(body)
    return SubscriptionRequest(_text(fields, "topic"), _text(fields, "client_id"), _ttl(fields))


def parse_fanout(body: bytes) -> FanoutRequest:
    """Raises BadRequest with a line that names the key."""
    fields = _fields(body)
    return FanoutRequest(
        topic=_text(fields, "topic"),
        payload=_payload(fields),
        unique=_unique(fields),
        background=bool(_value(fields, "background")),
        timeout_s=_timeout(fields),
        priority=_choice(fields, "priority", PRIORITIES) or "normal",
        exclude=_exclude(fields),
        expires_at=_number(fields, "expires"),
        results=_results(fields),
    )


def render_failures(failures: Iterable[Failure]) -> bytes:
    """The data of the exception that ends a fanout: a JSON list of pairs of client id and reason."""
    return _encode([(failure.client_id.decode(), failure.reason) for failure in failures])


def render_result(client_id: bytes, status: str, data: bytes) -> bytes:
    """One receiver's answer, as it goes to a publisher that asked for `results`: a JSON object and a newline."""
    result: dict[str, str] = {"client_id": client_id.decode(), "status": status}
    try:
        result["data"] = data.decode()
    except UnicodeDecodeError:
        result["data"] = base64.b64encode(data).decode()
        result["encoding"] = "base64"
    return _encode(result) + b"\n"


def _fields(body: bytes) -> Fields:
    try:
        body.isascii() or body.decode()
        return _decode_object(body)
    except UnicodeDecodeError as error:
        raise BadRequest("", f"the job is not UTF-8: byte {error.start} is 0x{body[error.start]:02x}") from None
    except RecursionError:
        raise BadRequest("", "the job is not JSON that can be read: it is nested too deeply") from None
    except msgspec.ValidationError:
        raise BadRequest("", "the job is not a JSON object") from None
    except msgspec.DecodeError as error:
        raise BadRequest("", f"the job is not JSON: {error}") from None


def _value(fields: Fields, key: str) -> Any:
    """The value of an optional key; None where it is absent or null."""
    raw = fields.get(key)
    if raw is None:
        return None
    try:
        return _decode_any(raw)
    except msgspec.DecodeError:  # its text has passed for JSON: what is left are numbers beyond all bounds
        raise BadRequest(key, "has a number that is out of range") from None
    except RecursionError:
        raise BadRequest(key, "is nested too deeply") from None


def _required(fields: Fields, key: str) -> Any:
    if key not in fields:
        raise BadRequest(key, "is missing")
    return _value(fields, key)


def _text(fields: Fields, key: str) -> str:
    value = _required(fields, key)
    if not isinstance(value, str):
        raise BadRequest(key, f"must be a string, not {_kind(value)}")
    return value


def _number(fields: Fields, key: str) -> float | None:
    value = _value(fields, key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadRequest(key, f"must be a number, not {_kind(value)}")
    try:
        number = float(value)
    except OverflowError:
        raise BadRequest(key, "is out of range") from None
    if not math.isfinite(number):
        raise BadRequest(key, "is out of range")
    return number


def _ttl(fields: Fields) -> float:
    ttl_s = _number(fields, "ttl") or 0.0
    if ttl_s < 0:
        raise BadRequest("ttl", "must not be negative")
    if ttl_s > TTL_LIMIT_S:
        raise BadRequest("ttl", "is more than ten years of seconds; 0 is a subscription without end")
    return ttl_s


def _timeout(fields: Fields) -> float | None:
    timeout_s = _number(fields, "timeout")
    if timeout_s is not None and timeout_s <= 0:
        raise BadRequest("timeout", "must be more than 0 seconds")
    return timeout_s


def _payload(fields: Fields) -> bytes:
    if "payload" not in fields:
        raise BadRequest("payload", "is missing")
    raw = bytes(fields["payload"])
    encoding = _choice(fields, "encoding", ("base64",))
    if raw.startswith(b'"'):
        text: str = _value(fields, "payload")
        return _decode_base64(text) if encoding else text.encode()
    if encoding:
        raise BadRequest("payload", "must be a string when encoding is base64")
    return _STRING_OR_SPACE.sub(rb"\1", raw) if _SPACE.search(raw) else raw


def _decode_base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadRequest("payload", f"is not base64: {error}") from None


def _unique(fields: Fields) -> bytes:
    if "unique" not in fields or (value := _value(fields, "unique")) is None:
        return b""
    if not isinstance(value, str):
        raise BadRequest("unique", f"must be a string, not {_kind(value)}")
    unique = value.encode()
    if len(unique) > UNIQUE_LIMIT_BYTES:
        raise BadRequest("unique", f"has {len(unique)} bytes, more than {UNIQUE_LIMIT_BYTES}")
    if b"\0" in unique:
        raise BadRequest("unique", "has a NUL")
    return unique


def _exclude(fields: Fields) -> Collection[bytes]:
    value = _value(fields, "exclude")
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise BadRequest("exclude", "must be a list of client ids")
    return frozenset(item.encode() for item in value)


def _results(fields: Fields) -> str:
    value = _value(fields, "results")
    if value is None or value is False:
        return ""
    if value is True:
        return "all"
    if value == "failures":
        return "failures"
    raise BadRequest("results", 'must be true, false or "failures"')


def _choice(fields: Fields, key: str, choices: tuple[str, ...]) -> str:
    if key not in fields or (value := _value(fields, key)) is None:
        return ""
    if value not in choices:
        raise BadRequest(key, f"must be {' or '.join(choices)}")
    assert isinstance(value, str)
    return value


def _kind(value: object) -> str:
    kinds = {bool: "a boolean", int: "a number", float: "a number", str: "a string", list: "a list", dict: "an object"}
    return kinds.get(type(value), "null")
