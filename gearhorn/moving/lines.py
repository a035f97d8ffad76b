"""The lines of an export: what they look like, and what is read from those that somebody brings.

    {"gearhorn":"subscriptions","format":1,"exported_at":1767225600.0,"release":"0.1.0"}
    {"topic":"news","client_id":"alice"}
    {"topic":"news","client_id":"bob","expires_at":1767229200.0}
    {"gearhorn":"end","subscriptions":2}

The last line is there so that an export that was cut short is noticed. Lines that people write need neither head nor
end; they may have `ttl`, in seconds from the import on, as the jobs of the service do; and instead of JSON they may be
topic, tab and client id. Nothing here reads a file or knows the time.
"""

from typing import NamedTuple

import msgspec

from gearhorn.errors import BadRequest

FORMAT = 1

# Every character of the longest names written as \uXXXX leaves room for as much again.
LINE_LIMIT_BYTES = 8192

_HEAD, _END = "subscriptions", "end"


class Entry(NamedTuple):
    """One subscription, not judged yet. It ends at a Unix time, or so many seconds from now, or neither."""

    topic: str
    client_id: str
    expires_at: float | None = None
    ttl_s: float | None = None


class _Head(msgspec.Struct):
    gearhorn: str
    format: int
    exported_at: float
    release: str


class _Subscription(msgspec.Struct, omit_defaults=True):
    topic: str
    client_id: str
    expires_at: float | None = None


class _End(msgspec.Struct):
    gearhorn: str
    subscriptions: int


class _Line(msgspec.Struct):
    gearhorn: str = ""
    format: int = 0
    subscriptions: int = 0
    topic: str | None = None
    client_id: str | None = None
    expires_at: float | None = None
    ttl: float | None = None


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Line).decode


def render_head(now_s: float, release: str) -> bytes:
    return _encode(_Head(_HEAD, FORMAT, round(now_s, 3), release)) + b"\n"


def render_entry(topic: str, client_id: str, expires_at: float | None) -> bytes:
    return _encode(_Subscription(topic, client_id, None if expires_at is None else round(expires_at, 3))) + b"\n"


def render_end(count: int) -> bytes:
    return _encode(_End(_END, count)) + b"\n"


class Reader:
    """Reads line after line. Several exports may follow each other."""

    def __init__(self) -> None:
        self._count = 0
        self._is_within = False  # between a head and its end

    def read(self, line: bytes) -> Entry | None:
        """None for a line that is no subscription. Raises BadRequest for one that cannot be read."""
        text = line.rstrip(b"\r\n").removeprefix(b"\xef\xbb\xbf")
        if not text.strip():
            return None
        self._count += 1  # also those that cannot be read: they are there
        if len(text) > LINE_LIMIT_BYTES:
            raise BadRequest("", f"is longer than {LINE_LIMIT_BYTES} bytes")
        if not text.startswith(b"{"):
            return _read_words(text)
        found = _decode_line(text)
        if found.gearhorn:
            self._turn(found)
            return None
        return _read_entry(found)

    def check_end(self) -> None:
        """To be called behind the last line. Raises BadRequest when there must have been more."""
        if self._is_within:
            raise BadRequest("", "the export is cut short: its last line is missing")

    def _turn(self, found: _Line) -> None:
        """At the head or the end of an export."""
        if found.gearhorn == _HEAD:
            self.check_end()
            if found.format > FORMAT:
                raise BadRequest("format", f"{found.format} is that of a newer gearhorn; this one knows {FORMAT}")
            self._is_within = True
        elif found.gearhorn == _END:
            self._is_within = False
            if found.subscriptions != self._count - 1:
                raise BadRequest("", f"the export had {found.subscriptions} lines, and {self._count - 1} are here")
        else:
            raise BadRequest("gearhorn", f"{found.gearhorn!r} is no line of an export")
        self._count = 0


def _decode_line(text: bytes) -> _Line:
    try:
        text.isascii() or text.decode()
        return _decode(text)
    except UnicodeDecodeError:
        raise BadRequest("", "is not UTF-8") from None
    except msgspec.ValidationError as error:
        raise BadRequest("", str(error)) from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadRequest("", f"is not JSON: {error}") from None


def _read_entry(found: _Line) -> Entry:
    if found.topic is None or found.client_id is None:
        raise BadRequest("topic" if found.topic is None else "client_id", "is missing")
    if found.ttl is not None and found.expires_at is not None:
        raise BadRequest("ttl", "and expires_at contradict each other")
    return Entry(found.topic, found.client_id, found.expires_at, found.ttl)


def _read_words(text: bytes) -> Entry:
    try:
        topic, *rest = text.decode().split("\t")
    except UnicodeDecodeError:
        raise BadRequest("", "is not UTF-8") from None
    if len(rest) != 1:
        raise BadRequest("", "is neither a JSON object nor a topic, a tab and a client id")
    return Entry(topic, rest[0])
