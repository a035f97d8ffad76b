"""Stands between a connection and the HTTP library, and shows those out who would only cost.

aiohttp limits neither the time that the head of a first request may take, nor its length in all, nor how many connect:
on a port that anybody on the host can reach, each of these could take the memory and the files of the service.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast


@dataclass(frozen=True, slots=True)
class DoorLimits:
    """`unasked_bytes` may come in without making up a request, within `first_request_s` of the connection's begin."""

    connections: int = 64
    first_request_s: float = 10.0
    unasked_bytes: int = 64 << 10


class Door(asyncio.Protocol):
    """One connection, whose bytes go to `inner`. To be told of each request with `asked`."""

    def __init__(self, inner: asyncio.Protocol, limits: DoorLimits, on_closed: Callable[["Door"], None]) -> None:
        self.inner = inner
        self._limits = limits
        self._on_closed = on_closed
        self._unasked_bytes = 0
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None

    def asked(self) -> None:
        """What came in was a request."""
        self._unasked_bytes = 0
        self._stop_timer()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._timer = asyncio.get_running_loop().call_later(self._limits.first_request_s, self._transport.abort)
        self.inner.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        self._unasked_bytes += len(data)
        if self._unasked_bytes > self._limits.unasked_bytes and self._transport is not None:
            self._transport.abort()
            return
        self.inner.data_received(data)

    def eof_received(self) -> bool | None:
        return self.inner.eof_received()

    def pause_writing(self) -> None:
        self.inner.pause_writing()

    def resume_writing(self) -> None:
        self.inner.resume_writing()

    def connection_lost(self, error: Exception | None) -> None:
        self._stop_timer()
        self._on_closed(self)
        self.inner.connection_lost(error)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class FullHouse(asyncio.Protocol):
    """For those who find no room: they are shown out at once."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast(asyncio.Transport, transport).abort()
