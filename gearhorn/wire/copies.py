"""Builds the submit packets of many copies at once: same payload, different queues.

Packets for queues with names of one length differ in the name alone. Where such names are packed into one bytes object,
each with a NAME_END behind it, putting what stands between two names in the place of each NAME_END makes packets of
all of them, at tens of millions a second. The payload is one object until then.
"""

from zlib import crc32

from gearhorn.names import NAME_END
from gearhorn.wire.packets import HEADER, HEADER_BYTES, REQ


class CopyEncoder:
    """Encodes the copies of one payload for queues named `prefix` + name."""

    __slots__ = ("_kind", "_prefix", "_tail")

    def __init__(self, kind: int, prefix: bytes, unique: bytes, payload: bytes) -> None:
        self._kind = kind
        self._prefix = prefix
        self._tail = b"\0%b\0%b" % (unique, payload)

    def encode(self, names: bytes, name_bytes: int) -> list[bytes]:
        """A packet per name, in order, cut into pieces. All `names` have `name_bytes` bytes, and a NAME_END behind."""
        head = self._head(name_bytes)
        return [head, names[:-1].replace(NAME_END, self._tail + head), self._tail]

    def encode_one_by_one(self, names: bytes, name_bytes: int) -> list[bytes]:
        """The same bytes, without a copy of the payload for each. For large ones, and few of them at a time."""
        head = self._head(name_bytes)
        pieces: list[bytes] = []
        for name in names[:-1].split(NAME_END):
            pieces += (head + name, self._tail)
        return pieces

    def size_bytes(self, name_bytes: int) -> int:
        """The length of one packet whose name has `name_bytes` bytes."""
        return HEADER_BYTES + len(self._prefix) + name_bytes + len(self._tail)

    def _head(self, name_bytes: int) -> bytes:
        body_bytes = len(self._prefix) + name_bytes + len(self._tail)
        return HEADER.pack(REQ, self._kind, body_bytes) + self._prefix


class KeyedCopyEncoder(CopyEncoder):
    """Each copy has a unique key of its own: `key`, a hyphen, and the hash of its name.

    For servers that keep their jobs in a table with one row for each queue and unique key: gearmand with libsqlite3
    keeps but one of the jobs of a queue that have none. It takes a thousand jobs a second, so that packets made one by
    one are soon enough. (One key for all copies would do too, if gearmand did not look for a unique key among all that
    have the same hash, of whatever queue.)
    """

    __slots__ = ("_key", "_payload")

    def __init__(self, kind: int, prefix: bytes, key: bytes, payload: bytes) -> None:
        super().__init__(kind, prefix, b"%b-%08x" % (key, 0), payload)
        self._key = key
        self._payload = payload

    def encode(self, names: bytes, name_bytes: int) -> list[bytes]:
        return self.encode_one_by_one(names, name_bytes)

    def encode_one_by_one(self, names: bytes, name_bytes: int) -> list[bytes]:
        head = self._head(name_bytes)
        pieces: list[bytes] = []
        for name in names[:-1].split(NAME_END):
            pieces += (head + name, b"\0%b-%08x\0" % (self._key, crc32(name)), self._payload)
        return pieces
