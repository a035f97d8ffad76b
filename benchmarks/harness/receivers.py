"""A subscriber's worker that completes every copy of one queue, for benchmarks whose time it does not enter."""

import socket
import struct
import threading
from collections.abc import Iterator

CAN_DO, PRE_SLEEP, NOOP, NO_JOB, WORK_COMPLETE, GRAB_JOB_UNIQ, JOB_ASSIGN_UNIQ = 1, 4, 6, 10, 13, 30, 31


class Receiver:
    """Serves `queue` in a thread of its own until closed, one job after the other, with an empty answer."""

    def __init__(self, port: int, queue: str) -> None:
        self.completed_count = 0
        self._connection = socket.create_connection(("127.0.0.1", port))
        self._connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._connection.sendall(_packet(CAN_DO, queue.encode()) + _packet(GRAB_JOB_UNIQ))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def __enter__(self) -> "Receiver":
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._connection.close()

    def _serve(self) -> None:
        for kind, data in _packets(self._connection):
            if kind == JOB_ASSIGN_UNIQ:
                handle = data.split(b"\0", 1)[0]
                self._connection.sendall(_packet(WORK_COMPLETE, handle + b"\0") + _packet(GRAB_JOB_UNIQ))
                self.completed_count += 1
            elif kind == NO_JOB:
                self._connection.sendall(_packet(PRE_SLEEP))
            elif kind == NOOP:
                self._connection.sendall(_packet(GRAB_JOB_UNIQ))


def _packet(kind: int, data: bytes = b"") -> bytes:
    return struct.pack(">4sII", b"\0REQ", kind, len(data)) + data


def _packets(connection: socket.socket) -> Iterator[tuple[int, bytes]]:
    stream = connection.makefile("rb")
    while len(header := stream.read(12)) == 12:
        _, kind, size = struct.unpack(">4sII", header)
        yield kind, stream.read(size)
