"""Keeps a port of 127.0.0.1 for one server of one test, and tells who listens on a port (Linux only)."""

import os
import socket
from collections.abc import Collection
from pathlib import Path

LISTENING = "0A"  # the state column of /proc/net/tcp


class PortReservation:
    """A port that the kernel gives to nobody else while this is held.

    The socket is bound and never listens. A server that sets SO_REUSEADDR, as all of ours do, may bind and listen
    beside it; but no other bind to port 0 and no outgoing connection gets the port, also while the server is down
    between a stop and a start. Clients that connect meanwhile are refused.
    """

    def __init__(self) -> None:
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(("127.0.0.1", 0))
        self.port = int(self._socket.getsockname()[1])

    def release(self) -> None:
        self._socket.close()


def listeners(port: int) -> set[str]:
    """The kernel's names of the sockets that listen on `port`, as they stand in /proc/<pid>/fd."""
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        if Path(table).exists():
            found |= {_socket_name(row) for row in _rows(table) if _listens_on(row, port)}
    return found


def holds_any(pid: int, sockets: Collection[str]) -> bool:
    """Whether the process has one of `sockets` open. False for a process that has ended."""
    folder = Path(f"/proc/{pid}/fd")
    try:
        return any(os.readlink(entry) in sockets for entry in folder.iterdir())
    except OSError:  # it closed one while we looked, or ended; the next poll sees more
        return False


def _rows(table: str) -> list[list[str]]:
    return [line.split() for line in Path(table).read_text().splitlines()[1:]]


def _listens_on(row: list[str], port: int) -> bool:
    local_address, state = row[1], row[3]
    return state == LISTENING and int(local_address.rpartition(":")[2], 16) == port


def _socket_name(row: list[str]) -> str:
    return f"socket:[{row[9]}]"
