"""The bulk path of the framer: runs of packets of one type and length are stepped over, not looked at."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gearhorn.errors import ProtocolViolation
from gearhorn.wire.framing import ALIKE_LIMIT_BYTES, BODY_LIMIT_BYTES, Framer
from tests.unit.wire.streams import HEADER, REQ, RES, Packet, cuts_of, packet

JOB_CREATED, WORK_COMPLETE, ERROR = 8, 13, 19
FAKE = packet(JOB_CREATED, b"H:fake:1")

handles = st.sampled_from([b"H:lap:1", b"H:lap:9", b"H:lap:10", b"H:lap:100", b"", b"\n.*\n\r", FAKE])
stream_parts = st.one_of(
    st.tuples(handles, st.integers(1, 5)).map(lambda run: packet(JOB_CREATED, run[0]) * run[1]),
    st.sampled_from([packet(ERROR, b"QUEUE_ERROR", FAKE), packet(WORK_COMPLETE, b"H:lap:1", FAKE * 2)]),
    st.just(packet(JOB_CREATED, b"H:lap:1", magic=REQ)),
)
streams = st.tuples(st.lists(stream_parts, max_size=8).map(b"".join), st.integers(0, 30))


def plain_run(stream: bytes, kind: int, limit: int) -> tuple[int, bytes]:
    """What `skip_alike` promises, as a loop: how many packets, and the rest of the stream."""
    count, length = 0, int.from_bytes(stream[8:12], "big")
    header = HEADER.pack(RES, kind, length)
    size = HEADER.size + length
    while count < limit and stream.startswith(header) and len(stream) >= size:
        stream = stream[size:]
        count += 1
    return count, stream


def rest_of(framer: Framer) -> list[Packet]:
    return list(iter(framer.next, None))


def feed(stream: bytes) -> Framer:
    framer = Framer()
    framer.feed(stream)
    return framer


@given(streams, st.integers(1, 12))
@example((packet(JOB_CREATED, FAKE) * 3, 0), 9)
@example((packet(JOB_CREATED, b"H:lap:9") * 2 + packet(JOB_CREATED, b"H:lap:10") * 2, 5), 9)
def test_a_run_is_what_a_plain_loop_finds(stream_and_loss: tuple[bytes, int], limit: int) -> None:
    stream, lost = stream_and_loss
    whole = stream
    stream = stream[: max(0, len(stream) - lost)]
    framer = feed(stream)
    count, rest = plain_run(stream, JOB_CREATED, limit)
    assert framer.skip_alike(JOB_CREATED, limit) == count
    expected, _ = plain_packets(rest)
    assert rest_of(framer) == expected
    framer.feed(whole[len(stream) :])
    _, begun = plain_packets(rest)
    assert rest_of(framer) == plain_packets(begun + whole[len(stream) :])[0]


def plain_packets(stream: bytes) -> tuple[list[Packet], bytes]:
    """The whole packets of a stream, and what of the next one is there."""
    found = []
    while len(stream) >= HEADER.size and len(stream) >= (size := HEADER.size + int.from_bytes(stream[8:12], "big")):
        found.append((int.from_bytes(stream[4:8], "big"), stream[HEADER.size : size]))
        stream = stream[size:]
    return found, stream


@given(streams, st.data())
def test_stepping_and_reading_in_turn_see_every_packet_of_any_cutting(
    stream_and_loss: tuple[bytes, int], data: st.DataObject
) -> None:
    stream, _ = stream_and_loss
    framer = Framer()
    confirmed, others = 0, []
    for piece in data.draw(cuts_of(stream)):
        framer.feed(piece)
        while True:
            if count := framer.skip_alike(JOB_CREATED, 3):
                confirmed += count
            elif (this := framer.next()) is not None:
                others.append(this)
            else:
                break
    found, _ = plain_packets(stream)
    assert confirmed + sum(kind == JOB_CREATED for kind, _ in others) == sum(kind == JOB_CREATED for kind, _ in found)
    assert [each for each in others if each[0] != JOB_CREATED] == [each for each in found if each[0] != JOB_CREATED]


def test_a_run_ends_where_handles_grow_longer() -> None:
    framer = feed(b"".join(packet(JOB_CREATED, b"H:lap:%d" % number) for number in range(5, 15)))
    assert framer.skip_alike(JOB_CREATED, 100) == 5
    assert framer.skip_alike(JOB_CREATED, 100) == 5
    assert framer.skip_alike(JOB_CREATED, 100) == 0


def test_a_run_ends_at_the_limit() -> None:
    framer = feed(packet(JOB_CREATED, b"H") * 5)
    assert framer.skip_alike(JOB_CREATED, 3) == 3
    assert framer.skip_alike(JOB_CREATED, 3) == 2


@pytest.mark.parametrize(
    "stream",
    [
        b"",
        packet(JOB_CREATED, b"H:lap:1")[:11],
        packet(JOB_CREATED, b"H:lap:1")[:-1],
        packet(ERROR, b"code", b"text"),
        packet(JOB_CREATED, b"H:lap:1", magic=REQ),
        b"garbage, and enough of it",
    ],
)
def test_what_is_no_whole_packet_of_the_type_is_left_alone(stream: bytes) -> None:
    framer = feed(stream)
    assert framer.skip_alike(JOB_CREATED, 9) == 0


def test_a_run_never_enters_a_packet_that_is_being_collected() -> None:
    framer = feed(packet(WORK_COMPLETE, b"H", FAKE * 3)[:-2])
    assert framer.next() is None
    framer.feed(FAKE[:1])
    assert framer.skip_alike(JOB_CREATED, 9) == 0
    assert framer.next() is None


def test_a_payload_that_looks_like_confirmations_is_not_taken_for_them() -> None:
    framer = feed(packet(JOB_CREATED, b"H") + packet(WORK_COMPLETE, b"H", packet(JOB_CREATED, b"H") * 4))
    assert framer.skip_alike(JOB_CREATED, 9) == 1
    assert framer.skip_alike(JOB_CREATED, 9) == 0
    assert framer.next() == (WORK_COMPLETE, b"H\0" + packet(JOB_CREATED, b"H") * 4)


def test_a_long_packet_is_no_part_of_a_run() -> None:
    long = packet(JOB_CREATED, bytes(ALIKE_LIMIT_BYTES + 1))
    framer = feed(long * 2)
    assert framer.skip_alike(JOB_CREATED, 9) == 0
    assert len(rest_of(framer)) == 2


@pytest.mark.parametrize("length", [BODY_LIMIT_BYTES + 1, 2**32 - 1])
def test_a_length_that_no_packet_can_have_is_left_to_be_refused(length: int) -> None:
    framer = feed(HEADER.pack(RES, JOB_CREATED, length) + b"H:lap:1")
    assert framer.skip_alike(JOB_CREATED, 9) == 0
    with pytest.raises(ProtocolViolation, match=str(length)):
        framer.next()


def test_a_long_run_is_counted_to_its_end() -> None:
    assert feed(packet(JOB_CREATED, b"H:lap:12345") * 100_000).skip_alike(JOB_CREATED, 1 << 30) == 100_000


def test_runs_of_every_length_are_counted() -> None:
    lengths = ALIKE_LIMIT_BYTES + 1
    framer = feed(b"".join(packet(JOB_CREATED, bytes([length]) * length) * 2 for length in range(lengths)))
    assert [framer.skip_alike(JOB_CREATED, 9) for _ in range(lengths)] == [2] * lengths
    assert rest_of(framer) == []
