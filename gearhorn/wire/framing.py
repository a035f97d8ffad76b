"""Cuts a stream of bytes into packets. Knows lengths, not meanings."""

import re
from collections.abc import Mapping
from typing import NamedTuple

from gearhorn.errors import ProtocolViolation
from gearhorn.wire.packets import HEADER, HEADER_BYTES, REQ, RES

# A server can announce up to 4 GiB. What is above this is taken for a broken stream rather than waited for.
BODY_LIMIT_BYTES = 1 << 30

# What servers say of themselves is short: a handle, a line of text.
WORD_LIMIT_BYTES = 64 << 10

# Handles are shorter. Lengths that a peer made up must not become patterns: not many, and `re` takes none of 4 GiB.
ALIKE_LIMIT_BYTES = 255


class Cut(NamedTuple):
    """Packets whose length others choose are read over above `limit_bytes`: only their first `kept_bytes` are kept."""

    limit_bytes: int
    kept_bytes: int


class Head(bytes):
    """The beginning of a body that was too long to be kept, which is all there will ever be of it."""

    whole_bytes: int

    @classmethod
    def of(cls, kept: bytes, whole_bytes: int) -> "Head":
        head = cls(kept)
        head.whole_bytes = whole_bytes
        return head


class Framer:
    """Give it bytes with `feed`, then call `next` until it returns None; only then feed again.

    `cuts` says for some types of packet what to do with long ones. Others are gathered up to `limit_bytes`.

    Costs: a packet that lies within one piece is sliced out of it; one that spans many pieces is joined once.
    """

    def __init__(self, cuts: Mapping[int, Cut] | None = None, limit_bytes: int = BODY_LIMIT_BYTES) -> None:
        self._limit_bytes = limit_bytes
        self.cut(cuts or {})
        self._buffer = b""
        self._offset = 0
        self._pieces: list[bytes] = []
        self._held_bytes = 0
        self._needed_bytes = 0
        # Of a packet that is read over: its type and head, and how much of it is still to come.
        self._passing: tuple[int, Head] | None = None
        self._passing_bytes = 0
        self._runs: dict[bytes, re.Pattern[bytes]] = {}

    def cut(self, cuts: Mapping[int, Cut]) -> None:
        """These count instead of those before, from the next packet on."""
        self._cuts = cuts
        # Whatever is not longer than this needs no second look.
        self._usual_bytes = min([self._limit_bytes, *(cut.limit_bytes for cut in cuts.values())])

    def feed(self, data: bytes) -> None:
        if self._passing_bytes:
            data, self._passing_bytes = data[self._passing_bytes :], max(0, self._passing_bytes - len(data))
        if not self._pieces:
            self._buffer, self._offset = data, 0
            return
        self._pieces.append(data)
        self._held_bytes += len(data)
        if self._held_bytes >= self._needed_bytes:
            self._buffer, self._offset = b"".join(self._pieces), 0
            self._pieces = []

    def next(self) -> tuple[int, bytes] | None:
        """The type and the body of the next packet, or None when more bytes are needed.

        Raises ProtocolViolation when what comes next is no packet. The stream is of no more use then.
        """
        if self._pieces:  # a packet is being collected, and `feed` said that more is needed
            return None
        if self._passing is not None:
            return self._passed()
        start = self._offset
        available = len(self._buffer) - start
        if available < HEADER_BYTES:
            self._keep(HEADER_BYTES)
            return None
        magic, kind, length = HEADER.unpack_from(self._buffer, start)
        # geard announces the failure of a dead worker's job with the magic of a request.
        if magic != RES and magic != REQ:
            raise ProtocolViolation(f"expected a Gearman packet, got {self._buffer[start : start + 16]!r}")
        if length > self._usual_bytes and self._is_cut(kind, length):
            return self._next_head(kind, length)
        if available < HEADER_BYTES + length:
            self._keep(HEADER_BYTES + length)
            return None
        end = start + HEADER_BYTES + length
        self._offset = end
        return kind, self._buffer[start + HEADER_BYTES : end]

    def skip_alike(self, kind: int, limit: int) -> int:
        """Steps over packets of `kind` with equal lengths, at most `limit`, and returns how many.

        Their bodies are not looked at. The confirmations of copies come in such runs: a run costs some 60 ns a packet
        where `next` costs ten times that. Returns 0 when the next packet is of another kind, long, or not all there.
        """
        header = self._buffer[self._offset : self._offset + HEADER_BYTES]
        if len(header) < HEADER_BYTES or self._passing is not None:
            return 0
        length: int
        magic, this_kind, length = HEADER.unpack(header)
        if this_kind != kind or magic != RES or length > ALIKE_LIMIT_BYTES or length > self._usual_bytes:
            return 0
        size = HEADER_BYTES + length
        match = self._run_of(header, length).match(self._buffer, self._offset, self._offset + size * limit)
        if match is None:
            return 0
        self._offset = match.end()
        return (match.end() - match.start()) // size

    def take_alike(self, kind: int, limit: int) -> list[bytes]:
        """As `skip_alike`, but returns the bodies of what it steps over."""
        start = self._offset
        count = self.skip_alike(kind, limit)
        if not count:
            return []
        size = (self._offset - start) // count
        buffer = self._buffer
        return [buffer[at + HEADER_BYTES : at + size] for at in range(start, self._offset, size)]

    def _run_of(self, header: bytes, length: int) -> re.Pattern[bytes]:
        run = self._runs.get(header)
        if run is None:
            run = re.compile(b"(?:" + re.escape(header) + b".{%d})++" % length, re.DOTALL)
            self._runs[header] = run
        return run

    def _is_cut(self, kind: int, length: int) -> bool:
        cut = self._cuts.get(kind)
        if cut is None and length > self._limit_bytes:
            raise ProtocolViolation(f"a packet of {length} bytes was announced, more than {self._limit_bytes}")
        return cut is not None and length > cut.limit_bytes

    def _next_head(self, kind: int, length: int) -> tuple[int, bytes] | None:
        """Keeps the beginning of the packet and reads over the rest, however long that is."""
        start = self._offset + HEADER_BYTES
        kept_bytes = min(self._cuts[kind].kept_bytes, length)
        available = len(self._buffer) - start
        if available < kept_bytes:
            self._keep(HEADER_BYTES + kept_bytes)
            return None
        self._passing = kind, Head.of(self._buffer[start : start + kept_bytes], length)
        self._passing_bytes = max(0, length - available)
        self._offset = start + min(length, available)
        return self._passed()

    def _passed(self) -> tuple[int, bytes] | None:
        """The head of the packet that was read over, once its last byte has come."""
        if self._passing_bytes:
            return None
        passed, self._passing = self._passing, None
        return passed

    def _keep(self, needed_bytes: int) -> None:
        rest = self._buffer[self._offset :]
        self._buffer, self._offset = b"", 0
        self._needed_bytes = needed_bytes
        if rest:
            self._pieces = [rest]
            self._held_bytes = len(rest)
