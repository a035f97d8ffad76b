"""What came in is acknowledged at once where nothing is sent that would do so.

The kernel's sign of it is TCP_QUICKACK: it goes off by itself when reads and writes take turns.
"""

import asyncio
import socket

import pytest

from gearhorn.net.address import Address
from gearhorn.net.connection import Connection, LinkSettings, connect


class Echo:
    """A role that answers each byte that is not a dot."""

    violation = None

    def __init__(self) -> None:
        self._out = b""

    def receive(self, data: bytes) -> list[bytes]:
        self._out += data.replace(b".", b"")
        return [data]

    def take_pieces(self) -> list[bytes]:
        out, self._out = self._out, b""
        return [out] if out else []


@pytest.mark.parametrize(
    ("data", "is_acknowledged"),
    [(b".", True), (b"x", False), (b"." * 1000, False)],
    ids=["silent", "answered", "many at once"],
)
async def test_a_read_that_is_not_answered_is_acknowledged_at_once(data: bytes, is_acknowledged: bool) -> None:
    reads: asyncio.Queue[bytes] = asyncio.Queue()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        connection = Connection(Echo(), reads.put_nowait, lambda: None)
        await connect(Address("127.0.0.1", listener.getsockname()[1]), LinkSettings(), lambda: connection)
        peer, _ = listener.accept()
        with peer:
            for sent in (*[b"x"] * 10, data):
                await asyncio.get_running_loop().run_in_executor(None, peer.sendall, sent)
                assert await reads.get() == sent
            assert connection._socket is not None
            assert bool(connection._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK)) == is_acknowledged
            await connection.close()
