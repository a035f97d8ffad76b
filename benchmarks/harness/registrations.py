"""Registers queues with a Gearman server as their receivers do, all over one connection, and takes no jobs."""

import socket
import struct
from collections.abc import Iterable

CAN_DO, ECHO_REQ = 1, 16
LIMIT_S = 120.0  # gearmand takes seconds for 100,000 of them


class Registration:
    """The server knows the queues when this is made, and a worker for each until it is closed."""

    def __init__(self, port: int, queues: Iterable[str]) -> None:
        self._connection = socket.create_connection(("127.0.0.1", port), timeout=LIMIT_S)
        self._connection.sendall(b"".join(_packet(CAN_DO, queue.encode()) for queue in queues))
        self._connection.sendall(_packet(ECHO_REQ, b"done"))  # answered in its turn
        if not self._connection.recv(1):
            raise RuntimeError("the server closed the connection of the receivers")

    def close(self) -> None:
        self._connection.close()


def _packet(kind: int, data: bytes) -> bytes:
    return struct.pack(">4sII", b"\0REQ", kind, len(data)) + data
