"""What is written on the queues of topic `__matchmaking`, as JSON: news of lists, and wishes of other programs.

To a worker goes one object with `lease`, the token of the lease that it holds, and `changes`, a list of objects. Each
has `topic` and `version`, and, when that is known, `old_version` with the client ids that were `added` to its list and
`removed` from it. Whoever watches gets these objects one by one. `from` is the id of the worker that made the change.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import msgspec

from gearhorn.core.news import UNKNOWN, News

# A message with more ids than this says what has changed without saying how: below what gear's server takes.
IDS_LIMIT_BYTES = 256 * 1024


class _Change(msgspec.Struct, omit_defaults=True):
    topic: str
    version: int
    old_version: int = UNKNOWN
    added: list[str] = []
    removed: list[str] = []
    sender: str = msgspec.field(default="", name="from")


class _Message(msgspec.Struct, omit_defaults=True):
    topic: str
    lease: str
    changes: list[_Change]
    sender: str = msgspec.field(default="", name="from")


class _OutsideMessage(msgspec.Struct):
    topic: str


_encode = msgspec.json.Encoder().encode
_decode_message = msgspec.json.Decoder(_Message).decode
_decode_change = msgspec.json.Decoder(_Change).decode
_decode_outside = msgspec.json.Decoder(_OutsideMessage).decode


class Told(NamedTuple):
    """News for the holder of the lease `token`."""

    token: str
    news: Sequence[News]


class Flush(NamedTuple):
    """The wish of another program that the list of `topic` be read anew; None: all lists."""

    topic: str | None


def render_message(topic: str, sender: str, token: str, news: Iterable[News]) -> bytes:
    """For one worker. `topic` is the one that workers meet on."""
    return _encode(_Message(topic, token, [_describe(one) for one in _bounded(news)], sender))


def render_for_observers(sender: str, news: Iterable[News]) -> Iterator[bytes]:
    for one in _bounded(news):
        change = _describe(one)
        change.sender = sender
        yield _encode(change)


def parse_message(body: bytes) -> Told | Flush:
    """What is not understood is a wish to read everything anew: so the contract has it."""
    try:
        message = _decode_message(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _parse_outside(body)
    return Told(message.lease, [_read_change(change) for change in message.changes])


def parse_news(body: bytes) -> News | Flush:
    """For whoever watches. Messages between workers look like a wish to read the topic that they meet on."""
    try:
        change = _decode_change(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _parse_outside(body)
    return _read_change(change)


def _parse_outside(body: bytes) -> Flush:
    try:
        return Flush(_decode_outside(body).topic)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Flush(None)


def _bounded(news: Iterable[News]) -> Iterator[News]:
    left_bytes = IDS_LIMIT_BYTES
    for one in news:
        left_bytes -= sum(map(len, one.difference or ()))
        yield one if left_bytes >= 0 else one.without_difference()


def _describe(news: News) -> _Change:
    if news.difference is None:
        return _Change(news.topic, news.version)
    added, removed = (
        [i.decode() for i, is_there in news.difference.items() if is_there is side] for side in (True, False)
    )
    return _Change(news.topic, news.version, news.old_version, added, removed)


def _read_change(change: _Change) -> News:
    joined: dict[bytes, bool] = {client_id.encode(): True for client_id in change.added}
    joined.update((client_id.encode(), False) for client_id in change.removed)
    return News(change.topic, change.version, change.old_version, joined)


def describe(**what: Any) -> str:
    """What a worker writes about itself beside its lease."""
    return _encode(what).decode()
