"""The JSON bodies of the service's jobs: read into frozen dataclasses, and the answers written.

A body is decoded one level deep, into the raw text of each value, and only the keys that mean something are decoded
further. So a payload that is not a string is copied with its numbers, its order and its repeated keys as they were
sent, only without the space between them; and of a repeated key of the body itself the last one counts.
"""

import base64
import binascii
from collections.abc import Collection, Iterable
from typing import Any

import msgspec

from gearhorn.core.fanout import Failure
from gearhorn.core.limits import Limits
from gearhorn.core.nesting import is_deeper_than
from gearhorn.errors import BadRequest

# gearmand refuses longer ones, and shows its workers 63 bytes of one with 64.
UNIQUE_LIMIT_BYTES = 63
# Ten years: a longer one is more likely milliseconds than meant.
TTL_LIMIT_S = 10 * 366 * 86400

PRIORITIES = ("high", "normal", "low")

# For those who read bodies without being the service.
DEFAULT_LIMITS = Limits()

_ABSENT = msgspec.Raw(b"null")


class _Fields(msgspec.Struct):
    """A body's keys, each with the raw text of its value. Other keys are skipped, and only have to be JSON."""

    topic: msgspec.Raw = _ABSENT
    client_id: msgspec.Raw = _ABSENT
    ttl: msgspec.Raw = _ABSENT
    payload: msgspec.Raw = _ABSENT
    unique: msgspec.Raw = _ABSENT
    background: msgspec.Raw = _ABSENT
    timeout: msgspec.Raw = _ABSENT
    priority: msgspec.Raw = _ABSENT
    encoding: msgspec.Raw = _ABSENT
    exclude: msgspec.Raw = _ABSENT
    expires: msgspec.Raw = _ABSENT
    results: msgspec.Raw = _ABSENT
    signed: msgspec.Raw = _ABSENT


class _UsualFanout(msgspec.Struct, forbid_unknown_fields=True):
    """The body of nearly every fanout. What does not fit into it is looked at key by key."""

    topic: str
    payload: str
    background: bool = False


_decode_usual = msgspec.json.Decoder(_UsualFanout).decode
_decode_fields = msgspec.json.Decoder(_Fields).decode
_decode_any = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


class SubscriptionRequest(msgspec.Struct, frozen=True):
    """The body of a `subscribe_fanout` or `unsubscribe_fanout` job. The names are not judged yet: see names.py."""

    topic: str
    client_id: str
    ttl_s: float


class FanoutRequest(msgspec.Struct, frozen=True):
    """The body of a `fanout` job. `results` is "", "all" or "failures"; the timeout is None when none was given."""

    topic: str
    payload: bytes
    unique: bytes = b""
    background: bool = False
    timeout_s: float | None = None
    priority: str = "normal"
    exclude: Collection[bytes] = ()
    expires_at: float | None = None
    results: str = ""


def parse_subscription(body: bytes, limits: Limits = DEFAULT_LIMITS) -> SubscriptionRequest:
    """Raises BadRequest with a line that names the key."""
    fields = _fields(body, limits)
    return SubscriptionRequest(_text("topic", fields.topic), _text("client_id", fields.client_id), _ttl(fields.ttl))


def parse_fanout(body: bytes, limits: Limits = DEFAULT_LIMITS) -> FanoutRequest:
    """Raises BadRequest with a line that names the key."""
    try:
        usual = _decode_usual(body)
        request = FanoutRequest(usual.topic, usual.payload.encode(), background=usual.background)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        request = _parse_unusual(body, limits)
    if len(request.payload) > limits.payload_bytes:
        raise BadRequest("payload", f"has {len(request.payload)} bytes, more than {limits.payload_bytes}")
    return request


def _parse_unusual(body: bytes, limits: Limits) -> FanoutRequest:
    fields = _fields(body, limits)
    return FanoutRequest(
        topic=_text("topic", fields.topic),
        payload=_payload(fields.payload, fields.encoding),
        unique=_unique(fields.unique),
        background=bool(_value("background", fields.background)),
        timeout_s=_timeout(fields.timeout),
        priority=_choice("priority", fields.priority, PRIORITIES) or "normal",
        exclude=_exclude(fields.exclude),
        expires_at=_number("expires", fields.expires),
        results=_results(fields.results),
    )


def render_failures(failures: Iterable[Failure]) -> bytes:
    """The data of the exception that ends a fanout: a JSON list of pairs of client id and reason."""
    return _encode([(failure.client_id.decode(), failure.reason) for failure in failures])


def render_result(client_id: bytes, status: str, data: bytes, *, is_truncated: bool = False) -> bytes:
    """One receiver's answer, as it goes to a publisher that asked for `results`: a JSON object and a newline."""
    result: dict[str, str | bool] = {"client_id": client_id.decode(), "status": status}
    if is_truncated:
        result["truncated"] = True
        data = _without_half_a_character(data)
    try:
        result["data"] = data.decode()
    except UnicodeDecodeError:
        result["data"] = base64.b64encode(data).decode()
        result["encoding"] = "base64"
    return _encode(result) + b"\n"


def _without_half_a_character(text: bytes) -> bytes:
    """Text that was cut is still text. Other bytes are left as they are."""
    try:
        text.decode()
    except UnicodeDecodeError as error:
        if error.reason == "unexpected end of data":
            return text[: error.start]
    return text


def _fields(body: bytes, limits: Limits) -> _Fields:
    try:
        body.isascii() or body.decode()
        fields = _decode_fields(body)
    except UnicodeDecodeError as error:
        raise BadRequest("", f"the job is not UTF-8: byte {error.start} is 0x{body[error.start]:02x}") from None
    except RecursionError:
        raise _too_deep(limits) from None
    except msgspec.ValidationError:
        raise BadRequest("", "the job is not a JSON object") from None
    except msgspec.DecodeError as error:
        raise BadRequest("", f"the job is not JSON: {error}") from None
    if is_deeper_than(limits.json_depth_count, body):
        raise _too_deep(limits)
    if fields.signed is not _ABSENT:  # whoever can read signatures has done so before
        raise BadRequest("signed", "this service has no keys to check signatures with")
    return fields


def _too_deep(limits: Limits) -> BadRequest:
    most = limits.json_depth_count
    return BadRequest("", f"the job is not JSON that can be read: it is nested more than {most} deep")


def _value(key: str, raw: msgspec.Raw) -> Any:
    """The value of a key; None where it is absent or null."""
    if raw is _ABSENT:
        return None
    try:
        return _decode_any(raw)
    except msgspec.DecodeError:  # its text has passed for JSON: what is left are numbers beyond all bounds
        raise BadRequest(key, "has a number that is out of range") from None
    except RecursionError:
        raise BadRequest(key, "is nested too deeply") from None


def _text(key: str, raw: msgspec.Raw) -> str:
    if raw is _ABSENT:
        raise BadRequest(key, "is missing")
    value = _value(key, raw)
    if not isinstance(value, str):
        raise BadRequest(key, f"must be a string, not {_kind(value)}")
    return value


def _number(key: str, raw: msgspec.Raw) -> float | None:
    value = _value(key, raw)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadRequest(key, f"must be a number, not {_kind(value)}")
    try:
        return float(value)
    except OverflowError:
        raise BadRequest(key, "has a number that is out of range") from None


def _ttl(raw: msgspec.Raw) -> float:
    ttl_s = _number("ttl", raw) or 0.0
    if ttl_s < 0:
        raise BadRequest("ttl", "must not be negative")
    if ttl_s > TTL_LIMIT_S:
        raise BadRequest("ttl", "is more than ten years of seconds; 0 is a subscription without end")
    return ttl_s


def _timeout(raw: msgspec.Raw) -> float | None:
    timeout_s = _number("timeout", raw)
    if timeout_s is not None and timeout_s <= 0:
        raise BadRequest("timeout", "must be more than 0 seconds")
    return timeout_s


def _payload(raw: msgspec.Raw, encoding: msgspec.Raw) -> bytes:
    if raw is _ABSENT:
        raise BadRequest("payload", "is missing")
    text = bytes(raw)
    is_base64 = _choice("encoding", encoding, ("base64",))
    if text.startswith(b'"'):
        value: str = _value("payload", raw)
        return _decode_base64(value) if is_base64 else value.encode()
    if is_base64:
        raise BadRequest("payload", "must be a string when encoding is base64")
    return msgspec.json.format(text, indent=-1)  # takes the space out and looks at nothing else


def _decode_base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadRequest("payload", f"is not base64: {error}") from None


def _unique(raw: msgspec.Raw) -> bytes:
    value = _value("unique", raw)
    if value is None:
        return b""
    if not isinstance(value, str):
        raise BadRequest("unique", f"must be a string, not {_kind(value)}")
    unique = value.encode()
    if len(unique) > UNIQUE_LIMIT_BYTES:
        raise BadRequest("unique", f"has {len(unique)} bytes, more than {UNIQUE_LIMIT_BYTES}")
    if b"\0" in unique:
        raise BadRequest("unique", "has a NUL")
    return unique


def _exclude(raw: msgspec.Raw) -> Collection[bytes]:
    value = _value("exclude", raw)
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise BadRequest("exclude", "must be a list of client ids")
    return frozenset(item.encode() for item in value)


def _results(raw: msgspec.Raw) -> str:
    value = _value("results", raw)
    if value is None or value is False:
        return ""
    if value is True:
        return "all"
    if value == "failures":
        return "failures"
    raise BadRequest("results", 'must be true, false or "failures"')


def _choice(key: str, raw: msgspec.Raw, choices: tuple[str, ...]) -> str:
    value = _value(key, raw)
    if value is None:
        return ""
    if value not in choices:
        raise BadRequest(key, f"must be {' or '.join(choices)}")
    return str(value)


def _kind(value: object) -> str:
    kinds = {bool: "a boolean", int: "a number", float: "a number", str: "a string", list: "a list", dict: "an object"}
    return kinds.get(type(value), "null")
