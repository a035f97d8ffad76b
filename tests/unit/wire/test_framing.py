"""A stream cut anywhere gives the same packets; one that is none is refused, and nothing is hoarded."""

import re
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gearhorn.errors import ProtocolViolation
from gearhorn.wire.framing import BODY_LIMIT_BYTES, Framer
from tests.unit.wire.streams import HEADER, REQ, RES, Packet, bytewise, cut, cuts_of, packet

WHOLE = [
    (b"\0RES\0\0\0\6\0\0\0\0", (6, b"")),
    (b"\0RES\0\0\0\x0a\0\0\0\0", (10, b"")),
    (b"\0RES\0\0\0\x08\0\0\0\7H:lap:1", (8, b"H:lap:1")),
    (b"\0RES\0\0\0\x0b\0\0\0\x14H:lap:1\0reverse\0test", (11, b"H:lap:1\0reverse\0test")),
    (b"\0RES\0\0\0\x0d\0\0\0\x0cH:lap:1\0tset", (13, b"H:lap:1\0tset")),
    (b"\0REQ\0\0\0\x0e\0\0\0\7H:lap:1", (14, b"H:lap:1")),
    (b"\0RES\0\0\0\x1c\0\0\0\x0e\0RES\0\0\0\6\0\0\0\0\0\0", (28, b"\0RES\0\0\0\6\0\0\0\0\0\0")),
    (b"\0RES\xff\xff\xff\xff\0\0\0\0", (0xFFFFFFFF, b"")),
]

packet_lists = st.lists(
    st.tuples(st.sampled_from([RES, REQ]), st.integers(0, 2**32 - 1), st.binary(max_size=40)), max_size=8
)


def read(framer: Framer, pieces: list[bytes]) -> list[Packet]:
    found = []
    for piece in pieces:
        framer.feed(piece)
        while (this := framer.next()) is not None:
            found.append(this)
    return found


@pytest.mark.parametrize(("stream", "expected"), WHOLE)
def test_a_packet_is_read_whole(stream: bytes, expected: Packet) -> None:
    assert read(Framer(), [stream]) == [expected]


@pytest.mark.parametrize(("stream", "expected"), WHOLE)
def test_a_packet_is_read_byte_by_byte(stream: bytes, expected: Packet) -> None:
    assert read(Framer(), bytewise(stream)) == [expected]


@pytest.mark.parametrize(("stream", "expected"), WHOLE)
def test_what_trails_a_packet_waits_for_its_rest(stream: bytes, expected: Packet) -> None:
    for end in range(len(stream)):
        framer = Framer()
        assert read(framer, [stream + stream[:end]]) == [expected]
        assert read(framer, [stream[end:]]) == [expected]


@pytest.mark.parametrize(("stream", "expected"), WHOLE)
def test_no_packet_comes_out_before_its_last_byte(stream: bytes, expected: Packet) -> None:
    assert read(Framer(), [stream[:-1]]) == []


@given(packet_lists, st.data())
def test_any_cutting_gives_the_same_packets(sent: list[tuple[bytes, int, bytes]], data: st.DataObject) -> None:
    stream = b"".join(packet(kind, body, magic=magic) for magic, kind, body in sent)
    pieces = data.draw(cuts_of(stream))
    assert read(Framer(), pieces) == [(kind, body) for _, kind, body in sent]


@given(packet_lists)
def test_empty_pieces_change_nothing(sent: list[tuple[bytes, int, bytes]]) -> None:
    stream = b"".join(packet(kind, body, magic=magic) for magic, kind, body in sent)
    pieces = [part for piece in bytewise(stream) for part in (b"", piece)]
    assert read(Framer(), pieces) == [(kind, body) for _, kind, body in sent]


def plainly(stream: bytes) -> tuple[list[Packet], bool]:
    """The packets of a stream, read the plainest way, and whether it goes on with what is none."""
    found: list[Packet] = []
    while len(stream) >= HEADER.size:
        magic, kind, length = HEADER.unpack_from(stream)
        if magic not in (RES, REQ) or length > BODY_LIMIT_BYTES:
            return found, True
        if len(stream) < HEADER.size + length:
            break
        found.append((kind, stream[HEADER.size : HEADER.size + length]))
        stream = stream[HEADER.size + length :]
    return found, False


fragments = st.one_of(
    st.binary(max_size=20),
    st.sampled_from(
        [b"\0RES", b"\0REQ", b"\0", b"\0\0\0", b"RES", HEADER.pack(RES, 8, 3), HEADER.pack(REQ, 19, 2**31)]
    ),
    st.builds(packet, st.integers(0, 40), st.binary(max_size=20)),
)


@given(st.lists(fragments, max_size=10).map(b"".join), st.data())
def test_any_bytes_are_packets_and_then_perhaps_a_violation(stream: bytes, data: st.DataObject) -> None:
    framer, found, refused = Framer(), [], False
    try:
        for piece in data.draw(cuts_of(stream)):
            found += read(framer, [piece])
    except ProtocolViolation:
        refused = True
    expected, violation = plainly(stream)
    assert refused == violation
    assert found == expected[: len(found)]
    assert refused or found == expected


@pytest.mark.parametrize(
    "start", [b"HTTP/1.1 400", b"\0RE\0\0\0\0\6\0\0\0\0", b"\0res\0\0\0\6\0\0\0\0", b"OK 1.1.20\n.\n", b"RES\0" * 3]
)
def test_what_is_no_packet_is_refused_and_shown(start: bytes) -> None:
    with pytest.raises(ProtocolViolation, match=re.escape(repr(start)[2:6])):
        read(Framer(), [start])


def test_the_packets_before_a_violation_come_out_first() -> None:
    framer = Framer()
    framer.feed(packet(6) + b"x" * 12)
    assert framer.next() == (6, b"")
    with pytest.raises(ProtocolViolation):
        framer.next()
    with pytest.raises(ProtocolViolation):
        framer.next()


@pytest.mark.parametrize("length", [BODY_LIMIT_BYTES + 1, 2**31, 2**32 - 1])
def test_a_length_above_the_limit_is_refused_at_its_header(length: int) -> None:
    with pytest.raises(ProtocolViolation, match=str(length)):
        read(Framer(), bytewise(HEADER.pack(RES, 8, length)))


def test_a_length_at_the_limit_is_waited_for() -> None:
    framer = Framer()
    assert read(framer, [HEADER.pack(RES, 8, BODY_LIMIT_BYTES), b"x" * 100]) == []


def test_the_cost_of_a_packet_does_not_grow_with_the_square_of_its_pieces() -> None:
    """A copy per piece would move two terabytes here: then the time limit of the tests ends it."""
    body = bytes(32 << 20)
    stream = packet(13, body)
    assert read(Framer(), cut(stream, range(0, len(stream), 256))) == [(13, body)]


def test_a_packet_that_was_read_is_not_kept() -> None:
    stream = packet(13, bytes(1 << 20))
    framer = Framer()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for _ in range(3):
            assert len(read(framer, cut(stream, [100, 200]))) == 1
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 100_000
