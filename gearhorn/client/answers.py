"""The service's answers as a client reads them: JSON bytes in, values and errors out.

The other half of `requests`. No connection, no gear and no asyncio enters.
"""

import base64
import json
import re
from typing import NamedTuple

from gearhorn.errors import BadRequest, GearhornError, Unavailable

# A refusal of a request begins with the key that is wrong, or is about all of it; what begins otherwise is trouble of
# the service's own.
_REFUSAL = re.compile(r"([a-z_]+): (.+)", re.DOTALL)
_REFUSAL_OF_ALL = ("the job is not ", "the job has ")


class Failure(NamedTuple):
    """A receiver whose copy came to nothing. Reasons begin with `failed`, `exception:`, `timeout` or `not sent:`."""

    client_id: str
    reason: str


class ReceiverResult(NamedTuple):
    """One receiver's answer. `status` is `complete`, `failed`, `exception` or `timeout`. `is_truncated`: `data` is only
    the beginning, because the service passes no more on.
    """

    client_id: str
    status: str
    data: bytes
    is_truncated: bool = False


class Unreadable(GearhornError):
    """What serves the queue does not answer like the service."""


def parse_count(data: bytes) -> int:
    """The answer of a fanout that went well. Raises Unreadable."""
    if not data.isdigit():
        raise Unreadable(f"the service answered {data[:80]!r} where it should have said how many copies it sent")
    return int(data)


def parse_failures(text: bytes) -> tuple[Failure, ...] | None:
    """The failures that a fanout's exception carries; None when it carries a refusal, see `refusal`."""
    if not text.startswith(b"["):
        return None
    try:
        return tuple(Failure(str(client_id), str(reason)) for client_id, reason in json.loads(text))
    except (ValueError, TypeError, RecursionError):
        return None


def parse_result(data: bytes) -> ReceiverResult:
    """One line of a fanout that was asked for results. Raises Unreadable."""
    try:
        line = json.loads(data)
        text = line["data"]
        answer = base64.b64decode(text, validate=True) if line.get("encoding") == "base64" else text.encode()
        return ReceiverResult(line["client_id"], line["status"], answer, line.get("truncated") is True)
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        raise Unreadable(f"the service sent {data[:80]!r} where a receiver's result should have been") from None


def refusal(text: str) -> GearhornError:
    """The error that the text of an exception stands for: BadRequest if the request was wrong, else Unavailable."""
    match = _REFUSAL.fullmatch(text)
    if match:
        return BadRequest(match[1], match[2])
    if text.startswith(_REFUSAL_OF_ALL):
        return BadRequest("", text)
    return Unavailable(text or "the service failed and did not say why")
