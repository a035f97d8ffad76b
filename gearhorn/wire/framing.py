"""Cuts a stream of bytes into packets. Knows lengths, not meanings."""

import re

from gearhorn.errors import ProtocolViolation
from gearhorn.wire.packets import HEADER, HEADER_BYTES, REQ, RES

# A server can announce up to 4 GiB. What is above this is taken for a broken stream rather than waited for.
BODY_LIMIT_BYTES = 1 << 30

# Handles are shorter. Lengths that a peer made up must not become patterns: not many, and `re` takes none of 4 GiB.
ALIKE_LIMIT_BYTES = 255


class Framer:
    """Give it bytes with `feed`, then call `next` until it returns None; only then feed again.

    Costs: a packet that lies within one piece is sliced out of it; one that spans many pieces is joined once.
    """

    def __init__(self) -> None:
        self._buffer = b""
        self._offset = 0
        self._pieces: list[bytes] = []
        self._held_bytes = 0
        self._needed_bytes = 0
        self._runs: dict[bytes, re.Pattern[bytes]] = {}

    def feed(self, data: bytes) -> None:
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
        start = self._offset
        available = len(self._buffer) - start
        if available < HEADER_BYTES:
            self._keep(HEADER_BYTES)
            return None
        magic, kind, length = HEADER.unpack_from(self._buffer, start)
        # geard announces the failure of a dead worker's job with the magic of a request.
        if magic != RES and magic != REQ:
            raise ProtocolViolation(f"expected a Gearman packet, got {self._buffer[start : start + 16]!r}")
        if length > BODY_LIMIT_BYTES:
            raise ProtocolViolation(f"a packet of {length} bytes was announced, more than {BODY_LIMIT_BYTES}")
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
        if len(header) < HEADER_BYTES:
            return 0
        length: int
        magic, this_kind, length = HEADER.unpack(header)
        if this_kind != kind or magic != RES or length > ALIKE_LIMIT_BYTES:
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

    def _keep(self, needed_bytes: int) -> None:
        rest = self._buffer[self._offset :]
        self._buffer, self._offset = b"", 0
        self._needed_bytes = needed_bytes
        if rest:
            self._pieces = [rest]
            self._held_bytes = len(rest)
