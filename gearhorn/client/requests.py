"""The bodies of the jobs that clients send to the service: the contract's keys in, JSON bytes out.

Owns the key names as a client writes them, and refuses at once what the service would refuse. No connection, no gear
and no asyncio enters: every client helper is built on this.
"""

import base64
import json
import sys
from collections.abc import Iterable

from gearhorn.bodies import PRIORITIES, TTL_LIMIT_S, UNIQUE_LIMIT_BYTES
from gearhorn.errors import BadRequest
from gearhorn.names import MATCHMAKING_TOPIC, OwnQueues, check_pair, check_topic

STANDARD_QUEUES = OwnQueues()


def fanout_body(
    topic: str,
    payload: object,
    *,
    unique: str | bytes | None = None,
    background: bool = False,
    timeout: float | None = None,
    priority: str | None = None,
    exclude: Iterable[str] | None = None,
    expires: float | None = None,
    results: bool | str | None = None,
) -> bytes:
    """The body of a `fanout` job. An option that is None is left out, and the service's default holds.

    `payload`: bytes and text reach the subscribers as they are; any other value that JSON can express reaches them as
    compact JSON. `timeout` is in seconds, `expires` Unix time in seconds. Raises BadRequest for what the contract
    refuses.
    """
    check_topic(topic)
    body: dict[str, object] = {
        "topic": topic,
        **_payload_keys(payload),
        "unique": _unique_text(unique),
        "background": True if background else None,
        "timeout": _timeout(timeout),
        "priority": _priority(priority),
        "exclude": _client_ids(exclude),
        "expires": None if expires is None else _number("expires", expires),
        "results": _results(results),
    }
    # `payload` is the one key that may be None and still has to be there: null is JSON too
    return _encoded({key: value for key, value in body.items() if value is not None or key == "payload"})


def subscription_body(
    topic: str,
    client_id: str,
    ttl: float | None = None,
    *,
    own: Iterable[str] = STANDARD_QUEUES.all(),
    matchmaking_topic: str = MATCHMAKING_TOPIC,
) -> bytes:
    """The body of a `subscribe_fanout` or `unsubscribe_fanout` job. `ttl` is in seconds; 0 or None: no end.

    `own` are the service's own queues, which no pair may collide with; `matchmaking_topic` is the one reserved topic
    that may be watched. Raises BadRequest for what the contract refuses.
    """
    check_pair(topic, client_id, own, matchmaking_topic)
    body: dict[str, object] = {"topic": topic, "client_id": client_id}
    if ttl is not None:
        body["ttl"] = _ttl(ttl)
    return _encoded(body)


def _payload_keys(payload: object) -> dict[str, object]:
    if not isinstance(payload, bytes | bytearray | memoryview):
        return {"payload": payload}
    data = bytes(payload)
    try:
        return {"payload": data.decode()}
    except UnicodeDecodeError:
        return {"payload": base64.b64encode(data).decode(), "encoding": "base64"}


def _unique_text(unique: str | bytes | None) -> str | None:
    """An empty one means none, as it does in the Gearman protocol."""
    if not unique:
        return None
    try:
        data = unique.encode() if isinstance(unique, str) else unique
        text = data.decode()
    except UnicodeError:
        raise BadRequest("unique", "is not UTF-8") from None
    if len(data) > UNIQUE_LIMIT_BYTES:
        raise BadRequest("unique", f"has {len(data)} bytes, more than {UNIQUE_LIMIT_BYTES}")
    if "\0" in text:
        raise BadRequest("unique", "has a NUL")
    return text


def _timeout(timeout_s: float | None) -> float | None:
    if timeout_s is not None and _number("timeout", timeout_s) <= 0:
        raise BadRequest("timeout", "must be more than 0 seconds")
    return timeout_s


def _ttl(ttl_s: float) -> float:
    if not 0 <= _number("ttl", ttl_s) <= TTL_LIMIT_S:
        raise BadRequest("ttl", f"must be a number of seconds from 0 to {TTL_LIMIT_S}")
    return ttl_s


def _number(key: str, value: float) -> float:
    # bool is an int to Python, and `timeout=True` is a slip, not one second
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= sys.float_info.max:
        raise BadRequest(key, f"must be a finite number, not {value!r}")
    return value


def _priority(priority: str | None) -> str | None:
    if priority is not None and priority not in PRIORITIES:
        raise BadRequest("priority", f"{priority!r} is not one of {', '.join(PRIORITIES)}")
    return priority


def _results(results: bool | str | None) -> bool | str | None:
    if results is None or results is False:
        return None
    if results is not True and results != "failures":
        raise BadRequest("results", f"{results!r} is neither true nor 'failures'")
    return results


def _client_ids(client_ids: Iterable[str] | None) -> list[str] | None:
    if client_ids is None:
        return None
    ids = list(client_ids)
    # a single id in the place of a list would be taken apart into letters, and exclude nobody
    is_one = isinstance(client_ids, str | bytes)
    if is_one or not all(isinstance(client_id, str) and _is_utf8(client_id) for client_id in ids):
        raise BadRequest("exclude", "is not a list of client ids")
    return ids


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _encoded(body: dict[str, object]) -> bytes:
    try:
        return json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    except (TypeError, ValueError, RecursionError) as error:  # every other key has been judged before
        raise BadRequest("payload", f"cannot be written as JSON: {error}") from None
