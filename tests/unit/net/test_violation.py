"""A server that breaks the protocol in the middle of a read: what came before counts, then the connection ends."""

import asyncio

from gearhorn.net.connection import Connection
from gearhorn.wire.client import ClientRole
from gearhorn.wire.client_events import ClientEvent, Confirmed
from tests.unit.wire.streams import packet

CREATED = packet(8, b"H:lap:1")


class Wire(asyncio.Transport):
    """Stands in for the socket: keeps what is written, and whether it was cut off."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.is_aborted = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += bytes(data)

    def abort(self) -> None:
        self.is_aborted = True


async def test_confirmations_before_garbage_are_heard_and_the_rest_is_lost() -> None:
    role: ClientRole[str] = ClientRole()
    heard: list[ClientEvent[str]] = []
    reads: list[None] = []
    connection = Connection(role, heard.append, lambda: reads.append(None))
    wire = Wire()
    connection.connection_made(wire)
    role.submit("ann", 0, 3, b"three submits", foreground=False)
    connection.data_received(CREATED * 2 + b"garbage, enough of it")
    assert heard == [Confirmed("ann", 0, 2)]
    assert [(lost.owner, list(lost.positions)) for lost in role.close()] == [("ann", [2])]
    assert wire.is_aborted
    assert "garbage" in connection.closed.result()
    assert (reads, wire.written) == ([], b"")


async def test_a_sound_read_goes_on() -> None:
    role: ClientRole[str] = ClientRole()
    heard: list[ClientEvent[str]] = []
    reads: list[None] = []
    connection = Connection(role, heard.append, lambda: reads.append(None))
    wire = Wire()
    connection.connection_made(wire)
    role.submit("ann", 0, 3, b"three submits", foreground=False)
    connection.data_received(CREATED)
    assert heard == [Confirmed("ann", 0, 1)]
    assert (len(reads), wire.written, wire.is_aborted) == (1, b"three submits", False)
    assert not connection.closed.done()
