"""Packets as a server sends and reads them, and streams cut anywhere. Shares nothing with what it tests."""

from collections.abc import Sequence
from itertools import pairwise
from struct import Struct

from hypothesis import strategies as st

HEADER = Struct(">4sII")
RES = b"\0RES"
REQ = b"\0REQ"

Packet = tuple[int, bytes]


def packet(kind: int, *arguments: bytes, magic: bytes = RES) -> bytes:
    """One packet, from a server unless told otherwise."""
    body = b"\0".join(arguments)
    return HEADER.pack(magic, kind, len(body)) + body


def packets_in(data: bytes, magic: bytes = REQ) -> list[Packet]:
    """The type and the body of each packet of a stream that ends with a whole one."""
    found = []
    while data:
        this_magic, kind, length = HEADER.unpack_from(data)
        assert this_magic == magic
        assert len(data) >= HEADER.size + length
        found.append((kind, data[HEADER.size : HEADER.size + length]))
        data = data[HEADER.size + length :]
    return found


def cut(stream: bytes, places: Sequence[int]) -> list[bytes]:
    """The stream in pieces, none of them empty."""
    marks = [0, *sorted({place for place in places if 0 < place < len(stream)}), len(stream)]
    return [stream[start:end] for start, end in pairwise(marks) if start < end]


def bytewise(stream: bytes) -> list[bytes]:
    return cut(stream, range(len(stream)))


def cuts_of(stream: bytes) -> st.SearchStrategy[list[bytes]]:
    """Any way to cut the stream."""
    places = st.lists(st.integers(1, max(1, len(stream) - 1)), max_size=12)
    return places.map(lambda marks: cut(stream, marks))
