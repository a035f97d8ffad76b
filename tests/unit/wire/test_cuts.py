"""Packets that are too long to be kept: their beginning comes out with their last byte; the rest is never in memory."""

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gearhorn.errors import ProtocolViolation
from gearhorn.wire import packets
from gearhorn.wire.client import ClientRole
from gearhorn.wire.client_events import Reported
from gearhorn.wire.framing import WORD_LIMIT_BYTES, Cut, Framer, Head
from gearhorn.wire.worker import WorkerRole
from gearhorn.wire.worker_events import Assigned, Oversized
from tests.unit.wire.streams import HEADER, RES, Packet, bytewise, cut, cuts_of, packet
from tests.unit.wire.test_framing import read

LONG, PLAIN = 28, 19
CUTS = {LONG: Cut(10, 4)}
PIECE = bytes(1 << 20)


def framer() -> Framer:
    return Framer(CUTS, 100)


@pytest.mark.parametrize("trailing", [b"", packet(PLAIN, b"next"), packet(LONG, b"also too long")])
@pytest.mark.parametrize("into_pieces", [lambda stream: [stream], bytewise])
def test_a_long_one_is_its_head(trailing: bytes, into_pieces: object) -> None:
    assert callable(into_pieces)
    (kind, head), *rest = read(framer(), into_pieces(packet(LONG, b"0123456789x") + trailing))
    assert (kind, head, type(head), head.whole_bytes) == (LONG, b"0123", Head, 11)
    assert len(rest) == bool(trailing)


def test_one_at_the_limit_is_whole() -> None:
    ((kind, body),) = read(framer(), [packet(LONG, b"0123456789")])
    assert (kind, body, type(body)) == (LONG, b"0123456789", bytes)


def test_nothing_comes_out_before_the_last_byte_and_nothing_is_stepped_over() -> None:
    stream = packet(LONG, b"0123456789x")
    for end in range(len(stream)):
        this = framer()
        assert read(this, [stream[:end]]) == []
        assert this.skip_alike(LONG, 9) == 0
        assert read(this, [stream[end:]]) == [(LONG, b"0123")]


def test_other_kinds_have_the_limit_of_the_stream() -> None:
    assert read(framer(), [packet(PLAIN, bytes(100))]) == [(PLAIN, bytes(100))]
    with pytest.raises(ProtocolViolation, match="101 bytes"):
        read(framer(), [packet(PLAIN, bytes(101))])


packet_lists = st.lists(st.tuples(st.sampled_from([LONG, PLAIN]), st.binary(max_size=40)), max_size=8)


@given(packet_lists, st.data())
def test_any_cutting_gives_the_same(sent: list[Packet], data: st.DataObject) -> None:
    stream = b"".join(packet(kind, body) for kind, body in sent)
    expected = [(kind, body[:4] if kind == LONG and len(body) > 10 else body) for kind, body in sent]
    assert read(framer(), data.draw(cuts_of(stream))) == expected


def test_runs_end_where_a_long_one_begins() -> None:
    this = Framer(CUTS, 100)
    this.feed(packet(PLAIN, b"one") * 3 + packet(LONG, bytes(20)) + packet(PLAIN, b"one") * 2)
    assert this.take_alike(PLAIN, 9) == [b"one"] * 3
    assert this.next() == (LONG, bytes(4))
    assert this.take_alike(PLAIN, 9) == [b"one"] * 2


def test_a_run_waits_for_a_long_one_whose_end_came_with_it() -> None:
    this, long = framer(), packet(LONG, bytes(20))
    assert read(this, [long[:-1]]) == []
    this.feed(long[-1:] + packet(PLAIN, b"one") * 3)
    assert this.take_alike(PLAIN, 9) == []
    assert this.next() == (LONG, bytes(4))
    assert this.take_alike(PLAIN, 9) == [b"one"] * 3


# The roles.


def worker() -> WorkerRole:
    role = WorkerRole(4, 4, body_limit_bytes=1000)
    role.start_grabbing()
    return role


@pytest.mark.parametrize("size", [1001, 5000, 20_000])
@pytest.mark.parametrize("kind", [packets.JOB_ASSIGN_UNIQ, packets.JOB_ASSIGN])
@pytest.mark.parametrize("into_pieces", [lambda stream: [stream], lambda stream: cut(stream, range(0, 30_000, 77))])
def test_a_job_that_is_too_large_is_told_of_and_held(size: int, kind: int, into_pieces: object) -> None:
    assert callable(into_pieces)
    role = worker()
    names = [b"H:1", b"fanout", *([b"unique"] if kind == packets.JOB_ASSIGN_UNIQ else [])]
    events = [event for piece in into_pieces(packet(kind, *names, bytes(size))) for event in role.receive(piece)]
    assert events == [Oversized(b"H:1", b"fanout", size, 1000)]
    assert list(role.held) == [b"H:1"]
    role.refuse(b"H:1", b"too large")
    assert not role.held
    assert role.violation is None


@pytest.mark.parametrize("payload", [bytes(1000), b""])
def test_a_job_at_the_limit_is_a_job(payload: bytes) -> None:
    assert worker().receive(packet(packets.JOB_ASSIGN_UNIQ, b"H:1", b"q", b"", payload)) == [
        Assigned(b"H:1", b"q", b"", payload)
    ]


def test_a_unique_key_without_end_does_not_hide_the_handle() -> None:
    (event,) = worker().receive(packet(packets.JOB_ASSIGN_UNIQ, b"H:1", b"q", bytes(1).join([b"u" * 9000, b"p"])))
    assert isinstance(event, Oversized)
    assert event.handle == b"H:1"


def test_a_long_head_without_arguments_is_a_violation() -> None:
    role = worker()
    assert role.receive(packet(packets.JOB_ASSIGN_UNIQ, b"x" * 9000)) == []
    assert role.violation is not None


def test_a_long_answer_is_a_little_more_than_its_limit() -> None:
    role: ClientRole[str] = ClientRole(100)
    role.submit("ann", 0, 1, b"", foreground=True)
    role.receive(packet(packets.JOB_CREATED, b"H:1"))
    (event,) = role.receive(packet(packets.WORK_COMPLETE, b"H:1", b"x" * 100_000))
    assert isinstance(event, Reported)
    assert 100 < len(event.data) < 5000


@pytest.mark.parametrize("kind", [packets.WORK_DATA, packets.WORK_STATUS, packets.WORK_WARNING, packets.WORK_COMPLETE])
def test_what_a_receiver_sends_costs_no_memory_and_breaks_nothing(kind: int) -> None:
    role: ClientRole[str] = ClientRole(1000)
    role.submit("ann", 0, 2, b"", foreground=True)
    role.receive(packet(packets.JOB_CREATED, b"H:1") + packet(packets.JOB_CREATED, b"H:2"))
    role.receive(HEADER.pack(RES, kind, 4 + (200 << 20)) + b"H:1\0")
    tracemalloc.start()
    try:
        for _ in range(199):
            assert role.receive(PIECE) == []
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    (event,) = role.receive(PIECE)
    assert isinstance(event, Reported)
    assert peak < 3 << 20
    assert [event.position for event in role.receive(packet(packets.WORK_FAIL, b"H:2"))] == [1]
    assert role.violation is None


def test_a_job_without_end_costs_no_memory() -> None:
    role = worker()
    role.receive(HEADER.pack(RES, packets.JOB_ASSIGN_UNIQ, 7 + (200 << 20)) + b"H:1\0q\0\0")
    tracemalloc.start()
    try:
        events = [event for _ in range(200) for event in role.receive(PIECE)]
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert events == [Oversized(b"H:1", b"q", 200 << 20, 1000)]
    assert peak < 3 << 20


@pytest.mark.parametrize("kind", [packets.NO_JOB, packets.NOOP, packets.ERROR, packets.JOB_CREATED, 77])
def test_what_a_server_says_of_itself_is_short(kind: int) -> None:
    for role in (worker(), ClientRole[str]()):
        role.receive(HEADER.pack(RES, kind, WORD_LIMIT_BYTES + 1))
        assert role.violation is not None


OTHER_CUTS = {LONG: Cut(20, 6)}


@pytest.mark.parametrize(("before", "after"), [(CUTS, OTHER_CUTS), (OTHER_CUTS, CUTS), (OTHER_CUTS, {}), ({}, CUTS)])
@pytest.mark.parametrize("body", [b"0123456789", b"0123456789x", b"0123456789" * 3])
def test_another_limit_in_the_middle_of_a_packet_loses_no_byte(
    before: dict[int, Cut], after: dict[int, Cut], body: bytes
) -> None:
    stream = packet(LONG, body)
    for end in range(len(stream) + 1):
        this = Framer(before, 100)
        first = read(this, [stream[:end]])
        this.cut(after)
        (kind, found), *rest = [*first, *read(this, [stream[end:] + packet(PLAIN, b"next")])]
        assert kind == LONG
        assert found in (body, body[:4], body[:6])
        assert rest == [(PLAIN, b"next")]


def test_the_limit_that_was_set_last_is_that_of_the_next_packet() -> None:
    this = framer()
    this.cut(OTHER_CUTS)
    assert read(this, [packet(LONG, b"0123456789x")]) == [(LONG, b"0123456789x")]
    this.cut(CUTS)
    ((_, head),) = read(this, [packet(LONG, b"0123456789x")])
    assert (head, type(head)) == (b"0123", Head)


def test_a_worker_with_another_limit_keeps_no_more_of_a_job() -> None:
    role = WorkerRole(1, 1, body_limit_bytes=1 << 30)
    role.start_grabbing()
    role.adjust(1, 1, sends_exceptions=True, body_limit_bytes=10)
    stream = HEADER.pack(RES, 31, 64 << 20) + b"H:1\0q\0\0"
    tracemalloc.start()
    assert role.receive(stream) == []
    for _ in range(63):
        role.receive(PIECE)
    events = role.receive(PIECE)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [type(event) for event in events] in ([], [Oversized])
    assert peak_bytes < 4 << 20


def test_a_client_with_another_limit_keeps_no_more_of_an_answer() -> None:
    role: ClientRole[object] = ClientRole()
    role.adjust(10)
    tracemalloc.start()
    role.receive(HEADER.pack(RES, 28, 64 << 20) + b"H:1\0")
    for _ in range(64):
        role.receive(PIECE)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < 4 << 20
