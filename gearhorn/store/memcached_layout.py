"""What is under which key in memcached, and how it is written there. Bytes only: no network, no clock.

| key, with the configured prefix | holds                                                                      |
| ------------------------------- | -------------------------------------------------------------------------- |
| `P:topic:<topic>`               | the root of a topic's list: the version, and the entries or where they are |
| `P:chunk:<random>`              | entries of a long list; written once, under a key that one root names      |
| `P:queue:<queue name>`          | the claim of a pair to its queue name, where another pair could have it    |
| `P:topics:<number>`             | names of topics that have been used, in buckets                            |
| `P:agenda:<number>`             | which topics of such a bucket somebody has to look at: memcached_agenda.py |
| `P:leases`                      | the leases of all workers: memcached_registry.py                           |
| `P:record:<kind>:<name>`        | a record: memcached_records.py                                             |
| `P:records:<kind>`              | names of records of a kind that were kept                                  |
| `P:mark`, on each server        | a random word: memcached_marks.py                                          |

Values are lines, and their fields are divided by tabs: neither can be in a name. A root begins with a line of words, of
which later releases may add some; a reader passes over those that it does not know.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import quote
from zlib import crc32

from gearhorn.errors import Misconfigured
from gearhorn.names import queue_name
from gearhorn.store.base import RecordKey

KEY_LIMIT_BYTES = 250  # of memcached
BUCKET_COUNT = 64

# Of a list that is not longer than this, the entries are in the root.
INLINE_LIMIT_BYTES = 16 * 1024
# memcached refuses values above 1 MB unless told otherwise; a change rewrites a whole chunk, so that small ones are
# cheaper to change, and large ones make a shorter root.
CHUNK_LIMIT_BYTES = 64 * 1024

Value = TypeVar("Value")

_UNSETTLED = b"unsettled="  # and the time of the claim
_TORN = b"torn"

PERMANENT = 0
Entries = dict[bytes, int]  # client id -> Unix time in µs at which the subscription ends, or PERMANENT


def bucket_number(topic: str) -> int:
    return crc32(topic.encode()) % BUCKET_COUNT


@dataclass(frozen=True, slots=True)
class Keys:
    prefix: str

    def topic(self, topic: str) -> str:
        return self._key("topic", topic)

    def queue(self, topic: str, client_id: bytes) -> str:
        return self._key("queue", queue_name(topic, client_id.decode()))

    def chunk(self, token: str) -> str:
        return f"{self.prefix}:chunk:{token}"

    def bucket_of(self, topic: str) -> str:
        return self.bucket(bucket_number(topic))

    def buckets(self) -> list[str]:
        return [self.bucket(number) for number in range(BUCKET_COUNT)]

    def bucket(self, number: int) -> str:
        return f"{self.prefix}:topics:{number}"

    def agenda(self, number: int) -> str:
        return f"{self.prefix}:agenda:{number}"

    def leases(self) -> str:
        return f"{self.prefix}:leases"

    def record(self, key: RecordKey) -> str:
        return self._key(f"record:{key.kind}", key.name)

    def records(self, kind: str) -> str:
        return f"{self.prefix}:records:{kind}"

    def mark(self) -> str:
        return f"{self.prefix}:mark"

    def _key(self, kind: str, name: str | bytes) -> str:
        """Percent-encoded while that is short enough, else hashed. `#` is encoded, so the two never meet."""
        key = f"{self.prefix}:{kind}:{quote(name, safe='')}"
        if len(key) <= KEY_LIMIT_BYTES:
            return key
        name_bytes = name.encode() if isinstance(name, str) else name
        return f"{self.prefix}:{kind}:#{hashlib.sha256(name_bytes).hexdigest()}"


@dataclass(frozen=True, slots=True)
class Chunk:
    """Where the entries from `first` up to the first of the next chunk are. `next_end_us`: of the first one to end."""

    first: bytes
    token: str
    count: int
    next_end_us: int


@dataclass(frozen=True, slots=True)
class Root:
    """A list at `version`: either its entries, or the chunks that they are in, in order.

    `claimed_at_us`: the version is unsettled, and this is the Unix time at which somebody last took it upon itself to
    tell all workers; NOBODY: so far nobody has. None: it is settled. `is_torn`: nobody is on the list because memcached
    has thrown out those who were.
    """

    version: int
    entries: Entries
    chunks: tuple[Chunk, ...] = ()
    claimed_at_us: int | None = None
    is_torn: bool = False


NOBODY = 0
NEVER_USED = Root(0, {})


def encode_entries(entries: Iterable[tuple[bytes, int]]) -> bytes:
    return b"\n".join(client_id if end == PERMANENT else b"%s\t%d" % (client_id, end) for client_id, end in entries)


def decode_entries(data: bytes) -> Entries:
    """Raises ValueError for what `encode_entries` did not write."""
    if not data:
        return {}
    lines = data.split(b"\n")
    if b"\t" not in data:
        return dict.fromkeys(lines, PERMANENT)
    fields = (line.partition(b"\t") for line in lines)
    return {client_id: int(end) if tab else PERMANENT for client_id, tab, end in fields}


def encode_root(root: Root) -> bytes:
    state = b"" if root.claimed_at_us is None else b" %s%d" % (_UNSETTLED, root.claimed_at_us)
    if root.is_torn:
        state += b" " + _TORN
    if root.chunks:
        lines = (b"%s\t%s\t%d\t%d" % (c.first, c.token.encode(), c.count, c.next_end_us) for c in root.chunks)
        return b"gearhorn chunks %d%s\n" % (root.version, state) + b"\n".join(lines)
    return b"gearhorn list %d%s\n" % (root.version, state) + encode_entries(root.entries.items())


def decode_root(data: bytes) -> Root:
    """Raises ValueError for what `encode_root` did not write."""
    head, _, body = data.partition(b"\n")
    name, kind, version, *words = head.split(b" ")
    claimed_at_us = next((int(word[len(_UNSETTLED) :]) for word in words if word.startswith(_UNSETTLED)), None)
    if name == b"gearhorn" and kind == b"list":
        return Root(int(version), decode_entries(body), (), claimed_at_us, _TORN in words)
    if name == b"gearhorn" and kind == b"chunks":
        return Root(int(version), {}, tuple(_decode_chunk(line) for line in body.split(b"\n")), claimed_at_us)
    raise ValueError("neither a list nor its chunks")


def _decode_chunk(line: bytes) -> Chunk:
    first, token, count, next_end_us = line.split(b"\t")
    return Chunk(first, token.decode(), int(count), int(next_end_us))


def decode_bucket(data: bytes) -> list[str]:
    """Names, one a line. Raises ValueError for what is no text."""
    return data.decode().split("\n")


def next_end_us(entries: Mapping[bytes, int]) -> int:
    """When the first of the entries ends; PERMANENT if none does."""
    return min((end for end in entries.values() if end != PERMANENT), default=PERMANENT)


def first_end_us(root: Root) -> int:
    """When the first subscription of a list ends; PERMANENT if none does."""
    if not root.chunks:
        return next_end_us(root.entries)
    return min((chunk.next_end_us for chunk in root.chunks if chunk.next_end_us != PERMANENT), default=PERMANENT)


def is_over(end_us: int, now_us: int) -> bool:
    return end_us != PERMANENT and end_us <= now_us


@dataclass(frozen=True, slots=True)
class Claim:
    """`topic` is that of the pair which claims the queue name, and did so at `made_at_us` last."""

    topic: str
    made_at_us: int

    def encode(self) -> bytes:
        return b"%d\t%s" % (self.made_at_us, self.topic.encode())

    @classmethod
    def decode(cls, data: bytes) -> "Claim":
        """Raises ValueError for what `encode` did not write."""
        made_at_us, tab, topic = data.partition(b"\t")
        if not tab:
            raise ValueError("no claim")
        return cls(topic.decode(), int(made_at_us))


def decode_value(key: str, data: bytes, decode: Callable[[bytes], Value]) -> Value:
    """Raises Misconfigured when the key holds what another program has put there."""
    try:
        return decode(data)
    except ValueError as error:
        raise Misconfigured(f"memcached holds something else under the key {key}: {error}") from error
