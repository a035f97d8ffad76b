"""gear, a Gearman implementation of other people, as the other side: it reads our packets, we read its."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import gear
from gear import constants
from hypothesis import given
from hypothesis import strategies as st

from gearhorn.wire import packets
from gearhorn.wire.client import ClientRole
from gearhorn.wire.client_events import Confirmed, Refused, Reported
from gearhorn.wire.copies import CopyEncoder
from gearhorn.wire.framing import Framer
from gearhorn.wire.worker import WorkerRole
from gearhorn.wire.worker_events import Assigned

words = st.binary(max_size=20).map(lambda word: word.replace(b"\0", b".").replace(b"\n", b"."))


@contextmanager
def server_side(data: bytes) -> Iterator[gear.ServerConnection]:
    """gear's server end of a connection into which `data` was written."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        connection = gear.ServerConnection(("127.0.0.1", 4730), theirs, False, "test")
        ours.sendall(data)
        yield connection


def read_by_gear(data: bytes) -> list[gear.Packet]:
    found = []
    with server_side(data) as connection:
        while True:
            try:
                found.append(connection.readPacket())
            except gear.RetryIOError:
                return found


def response(kind: int, *arguments: bytes) -> bytes:
    return bytes(gear.Packet(constants.RES, kind, b"\0".join(arguments)).toBinary())


def test_gear_reads_what_a_worker_says() -> None:
    role = WorkerRole(2, 2)
    role.set_client_id(b"me")
    role.serve([b"fanout"])
    role.start_grabbing()
    role.receive(response(constants.JOB_ASSIGN_UNIQ, b"H", b"fanout", b"u", b"p") + response(constants.NO_JOB))
    role.send_data(b"H", b"a\0b")
    role.refuse(b"H", b"no")
    role.leave([b"fanout"])
    said = read_by_gear(role.take_output())
    assert [(packet.code, constants.types[packet.ptype], packet.data) for packet in said] == [
        (constants.REQ, "SET_CLIENT_ID", b"me"),
        (constants.REQ, "CAN_DO", b"fanout"),
        (constants.REQ, "GRAB_JOB_UNIQ", b""),
        (constants.REQ, "GRAB_JOB_UNIQ", b""),
        (constants.REQ, "PRE_SLEEP", b""),
        (constants.REQ, "WORK_DATA", b"H\0a\0b"),
        (constants.REQ, "WORK_WARNING", b"H\0no"),
        (constants.REQ, "WORK_EXCEPTION", b"H\0no"),
        (constants.REQ, "CANT_DO", b"fanout"),
    ]


def test_gear_reads_what_a_client_says() -> None:
    role: ClientRole[str] = ClientRole()
    role.request_exceptions()
    role.probe()
    said = read_by_gear(role.take_output())
    assert [constants.types[packet.ptype] for packet in said] == ["OPTION_REQ", "GET_STATUS"]


@given(st.sampled_from(sorted(packets.SUBMIT_KINDS.values())), words, words, st.binary(), st.lists(words, min_size=1))
def test_gear_reads_every_copy(kind: int, prefix: bytes, unique: bytes, payload: bytes, names: list[bytes]) -> None:
    encoder = CopyEncoder(kind, prefix, unique, payload)
    read = read_by_gear(b"".join(piece for name in names for piece in encoder.encode(name + b"\n", len(name))))
    assert [
        (packet.ptype, packet.getArgument(0), packet.getArgument(1), packet.getArgument(2, last=True))
        for packet in read
    ] == [(kind, prefix + name, unique, payload) for name in names]


def test_gear_reads_a_row_of_copies() -> None:
    names = [b"host-%03d" % number for number in range(500)]
    encoder = CopyEncoder(packets.SUBMIT_JOB_BG, b"news_", b"", b"payload")
    read = read_by_gear(b"".join(encoder.encode(b"".join(name + b"\n" for name in names), 8)))
    assert [packet.getArgument(0) for packet in read] == [b"news_" + name for name in names]


@given(st.lists(st.tuples(st.sampled_from(sorted(constants.types)), st.binary(max_size=40)), max_size=9))
def test_gears_packets_are_read(sent: list[tuple[int, bytes]]) -> None:
    framer = Framer()
    framer.feed(b"".join(response(kind, body) for kind, body in sent))
    assert list(iter(framer.next, None)) == sent


@given(words, words, words, st.binary())
def test_a_worker_understands_gears_assignment(handle: bytes, queue: bytes, unique: bytes, payload: bytes) -> None:
    role = WorkerRole(2, 2)
    role.start_grabbing()
    assert role.receive(
        response(constants.JOB_ASSIGN_UNIQ, handle, queue, unique, payload)
        + response(constants.JOB_ASSIGN, handle, queue, payload)
    ) == [Assigned(handle, queue, unique, payload), Assigned(handle, queue, b"", payload)]


def test_a_client_understands_gears_answers() -> None:
    role: ClientRole[str] = ClientRole()
    role.submit("ann", 0, 3, b"", foreground=False)
    role.submit("bob", 0, 1, b"", foreground=True)
    stream = response(constants.JOB_CREATED, b"H:1") * 2 + response(constants.ERROR, b"0", b"no\0")
    stream += response(constants.JOB_CREATED, b"H:4") + response(constants.WORK_COMPLETE, b"H:4", b"done")
    assert role.receive(stream) == [
        Confirmed("ann", 0, 2),
        Refused("ann", 2, "0 no"),
        Confirmed("bob", 0, 1),
        Reported("bob", 0, constants.WORK_COMPLETE, b"done"),
    ]
