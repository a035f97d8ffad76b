"""Speaks Gearman over a blocking socket, in the words of the protocol text and nothing else.

Shares no code with gearhorn on purpose: a misreading there must not be repeated here.
"""

import itertools
import socket
import ssl
import struct
from collections.abc import Iterator
from enum import IntEnum
from typing import NamedTuple

from gear import constants

from tests.servers.gearman import GearmanServer

REQ, RES = constants.REQ, constants.RES
LIMIT_S = 10.0
HEADER = struct.Struct(">4sII")

LATER_KINDS = {"GRAB_JOB_ALL": 39, "JOB_ASSIGN_ALL": 40, "GET_STATUS_UNIQUE": 41, "STATUS_RES_UNIQUE": 42}
Kind = IntEnum("Kind", {name: number for number, name in constants.types.items()} | LATER_KINDS)

_probe_numbers = itertools.count(1)


class Packet(NamedTuple):
    """A packet as it came. `data` is everything behind the header."""

    kind: int
    data: bytes
    magic: bytes = RES

    @property
    def fields(self) -> list[bytes]:
        return self.data.split(b"\0")


class Job(NamedTuple):
    """A job as a worker gets it. `unique` is None where the packet has none."""

    handle: bytes
    function: bytes
    unique: bytes | None
    payload: bytes


def packet(kind: int, *fields: bytes, magic: bytes = REQ) -> bytes:
    data = b"\0".join(fields)
    return HEADER.pack(magic, kind, len(data)) + data


def submit(function: bytes, unique: bytes = b"", payload: bytes = b"", kind: int = Kind.SUBMIT_JOB_BG) -> bytes:
    return packet(kind, function, unique, payload)


def grab(server: GearmanServer) -> bytes:
    """The grab that this server answers."""
    return packet(Kind.GRAB_JOB if server.kind == "perl" else Kind.GRAB_JOB_UNIQ)


def job_of(assign: Packet) -> Job:
    if assign.kind == Kind.JOB_ASSIGN_UNIQ:
        return Job(*assign.data.split(b"\0", 3))
    assert assign.kind == Kind.JOB_ASSIGN, assign
    handle, function, payload = assign.data.split(b"\0", 2)
    return Job(handle, function, None, payload)


class Peer:
    """One connection to a server. Every read fails after LIMIT_S without a byte, and raises EOFError at its end."""

    def __init__(
        self, server: GearmanServer, tls: ssl.SSLContext | None = None, receive_buffer_bytes: int | None = None
    ) -> None:
        self.server = server
        self.socket = socket.socket()
        self._unread = bytearray()
        if receive_buffer_bytes is not None:  # before the connection is made, or it has no effect on the window
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
        self.socket.settimeout(LIMIT_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            self.socket.connect(("127.0.0.1", server.port))
            if tls is not None:
                self.socket = tls.wrap_socket(self.socket, server_hostname="127.0.0.1")
        except BaseException:
            self.socket.close()
            raise

    def send(self, *packets: bytes) -> None:
        """All in one send."""
        self.socket.sendall(b"".join(packets))

    def read(self) -> Packet:
        magic, kind, length = HEADER.unpack(self._take(HEADER.size))
        return Packet(kind, self._take(length), magic)

    def read_line(self) -> bytes:
        """One line of text, with its end."""
        while b"\n" not in self._unread:
            self._fill()
        return self._take(self._unread.index(b"\n") + 1)

    def read_many(self, count: int) -> list[Packet]:
        return [self.read() for _ in range(count)]

    def ask(self, *packets: bytes) -> list[Packet]:
        """Sends the packets and, behind them, a question that every server answers; returns what comes before that.

        Servers answer a connection in order. So a packet without an answer here will never have one, and an event is
        missing here only if the server had not sent it when the question came.
        """
        handle = b"H:nobody:%d" % next(_probe_numbers)
        self.send(*packets, packet(Kind.GET_STATUS, handle))
        return list(self._until_status_of(handle))

    def ask_one(self, *packets: bytes) -> Packet:
        """`ask` where exactly one answer is due."""
        (answer,) = self.ask(*packets)
        return answer

    def _until_status_of(self, handle: bytes) -> Iterator[Packet]:
        while True:
            answer = self.read()
            if answer.kind == Kind.STATUS_RES and answer.fields[0] == handle:
                return
            yield answer

    def read_until_end(self) -> list[Packet]:
        """The packets that come before the server hangs up. Fails if it does not."""
        packets = []
        while True:
            try:
                packets.append(self.read())
            except (EOFError, ConnectionResetError):
                return packets

    def text(self, command: bytes) -> bytes:
        """The one-line answer to a command of the text protocol."""
        self.send(command + b"\n")
        return self.read_line()

    def table(self, command: bytes) -> list[list[bytes]]:
        """The rows of the answer to `status` and its like."""
        self.send(command + b"\n")
        rows = []
        while (line := self.read_line()) != b".\n":
            rows.append(line.rstrip(b"\n").split(b"\t"))
        return rows

    def can_do(self, *functions: bytes) -> None:
        """Returns when the server has taken it in."""
        assert self.ask(*(packet(Kind.CAN_DO, function) for function in functions)) == []

    def submit(self, *args: bytes, kind: int = Kind.SUBMIT_JOB_BG) -> bytes:
        """Submits (function, unique, payload) and returns the handle."""
        self.send(submit(*args, kind=kind))
        created = self.read()
        assert created.kind == Kind.JOB_CREATED, created
        return created.data

    def grab(self) -> Job | None:
        """Grabs once. None is NO_JOB."""
        self.send(grab(self.server))
        answer = self.read()
        return None if answer == Packet(Kind.NO_JOB, b"") else job_of(answer)

    def sleep(self) -> list[Packet]:
        """PRE_SLEEP, and what it is answered with at once."""
        return self.ask(packet(Kind.PRE_SLEEP))

    def complete(self, handle: bytes, result: bytes = b"") -> list[Packet]:
        return self.ask(packet(Kind.WORK_COMPLETE, handle, result))

    def status_of(self, handle: bytes) -> list[bytes]:
        """known, running, numerator, denominator."""
        self.send(packet(Kind.GET_STATUS, handle))
        answer = self.read()
        assert answer.kind == Kind.STATUS_RES, answer
        assert answer.fields[0] == handle
        return answer.fields[1:]

    def counts_of(self, function: bytes) -> list[int] | None:
        """total, running, workers; None for a function that the server does not list."""
        return next(([int(n) for n in row[1:]] for row in self.table(b"status") if row[0] == function), None)

    def close(self) -> None:
        self.socket.close()

    def reset(self) -> None:
        """Closes with RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def _take(self, count: int) -> bytes:
        while len(self._unread) < count:
            self._fill()
        taken = bytes(self._unread[:count])
        del self._unread[:count]
        return taken

    def _fill(self) -> None:
        chunk = self.socket.recv(1 << 20)
        if not chunk:
            raise EOFError("the server hung up")
        self._unread += chunk
