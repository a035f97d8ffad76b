"""One connection through the proxy: its two sides, and what all such connections have in common.

Runs in the proxy's event loop only. What may be asked of it from other threads is in `proxy`.
"""

import asyncio
import contextlib
import socket
import struct
from dataclasses import dataclass, field

RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # to linger for no time at all: closing sends RST


@dataclass
class Traffic:
    """What the connections of one proxy share. `cut_at_count` compares with `bytes_to_server_count`."""

    target_port: int
    stalled: bool = False
    bytes_to_server_count: int = 0
    cut_at_count: int | None = None
    links: set["Link"] = field(default_factory=set)

    @property
    def client_count(self) -> int:
        return sum(link.client.is_open for link in self.links)

    def set_stalled(self, stalled: bool) -> None:
        self.stalled = stalled
        for link in self.links:
            link.apply_limits()

    def cut(self, *, reset: bool) -> None:
        for link in list(self.links):
            link.cut(reset)

    def admit(self, data: bytes) -> bytes:
        """What of `data` may pass to the server, and counts it. May make the cut due."""
        if self.cut_at_count is not None:
            data = data[: self.cut_at_count - self.bytes_to_server_count]
        self.bytes_to_server_count += len(data)
        return data

    def cut_if_due(self) -> None:
        if self.bytes_to_server_count == self.cut_at_count:
            self.cut_at_count = None
            for link in list(self.links):
                link.client.end(reset=True)
                link.server.say_last()


class Side(asyncio.Protocol):
    """One of the two sockets of a link."""

    def __init__(self, link: "Link") -> None:
        self.link = link
        self.transport: asyncio.Transport | None = None
        self.is_open = False
        self.is_choked = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.is_open = True
        self.link.opened(self)
        # not at once: asyncio of Python 3.11.2 (Debian 12) begins to read after this call, whatever was said in it
        asyncio.get_running_loop().call_soon(self.link.apply_limits)

    def data_received(self, data: bytes) -> None:
        self.link.carry(self, data)

    def pause_writing(self) -> None:
        self.is_choked = True
        self.link.apply_limits()

    def resume_writing(self) -> None:
        self.is_choked = False
        self.link.apply_limits()

    def connection_lost(self, error: Exception | None) -> None:
        self.is_open = False
        self.link.lost(self, error)

    def set_reading(self, wanted: bool) -> None:
        if self.transport is not None and self.is_open:
            (self.transport.resume_reading if wanted else self.transport.pause_reading)()

    def write(self, data: bytes) -> None:
        if data and self.transport is not None and not self.transport.is_closing():
            self.transport.write(data)

    def say_last(self) -> None:
        """Sends what is buffered and FIN; then listens until the other end hangs up, so that no RST overtakes it."""
        if self.transport is not None and not self.transport.is_closing():
            with contextlib.suppress(OSError):
                self.transport.write_eof()
            self.transport.resume_reading()

    def end(self, reset: bool) -> None:
        if self.transport is None:
            return
        if reset:
            self._set_reset_on_close()
            self.transport.abort()
        else:
            self.transport.close()

    def _set_reset_on_close(self) -> None:
        assert self.transport is not None
        with contextlib.suppress(OSError):
            self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)


class Link:
    """A client's connection and the one that was made for it to the server."""

    def __init__(self, traffic: Traffic) -> None:
        self.traffic = traffic
        self.client = Side(self)
        self.server = Side(self)
        self.connecting: asyncio.Task[None] | None = None
        self.is_to_reset = True

    def other(self, side: Side) -> Side:
        return self.server if side is self.client else self.client

    def opened(self, side: Side) -> None:
        self.traffic.links.add(self)
        if side is self.client:
            self.connecting = asyncio.get_running_loop().create_task(self._connect())

    async def _connect(self) -> None:
        try:
            await asyncio.get_running_loop().create_connection(
                lambda: self.server, "127.0.0.1", self.traffic.target_port
            )
        except OSError:
            self.client.end(reset=True)
        if not self.client.is_open:  # it was cut while we connected
            self.server.end(self.is_to_reset)

    def cut(self, reset: bool) -> None:
        self.is_to_reset = reset
        self.client.end(reset)
        self.server.end(reset)

    def apply_limits(self) -> None:
        """Reads from a side only what can be passed on: not before there is a server, nor beyond what is taken."""
        flowing = self.server.is_open and not self.traffic.stalled
        self.client.set_reading(flowing and not self.server.is_choked)
        self.server.set_reading(flowing and not self.client.is_choked)

    def carry(self, side: Side, data: bytes) -> None:
        if side is self.server:
            self.client.write(data)
            return
        self.server.write(self.traffic.admit(data))
        self.traffic.cut_if_due()

    def lost(self, side: Side, error: Exception | None) -> None:
        if error is not None:
            self.other(side).end(reset=True)
        elif side is self.client:
            self.server.say_last()
        else:
            self.client.end(reset=False)
        if not (self.client.is_open or self.server.is_open):
            self.traffic.links.discard(self)
