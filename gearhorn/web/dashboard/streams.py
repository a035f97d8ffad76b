"""Server-sent events to one reader, who may be slow, or gone."""

import asyncio

from aiohttp import web

from gearhorn.clock import steady_s
from gearhorn.web.dashboard.guard import NOT_KEPT, dress
from gearhorn.web.dashboard.rendering import write_event

# A reader who has not taken what was sent to him after so long is cut off.
SLOW_S = 10.0
# So much may lie here for a reader who takes nothing.
UNSENT_LIMIT_BYTES = 64 << 10
# Where nothing changes, a line says so this often: else a peer that is gone would never be noticed.
HEARTBEAT_S = 15.0
# Milliseconds after which a browser connects again.
RETRY_MS = 3000

_HEARTBEAT = b": nothing new\n\n"
_TYPE = "text/event-stream"


class Stream:
    def __init__(self, request: web.Request) -> None:
        # A proxy that waits for more before it passes this on would make nothing live of it.
        self.response = web.StreamResponse(headers={"X-Accel-Buffering": "no"})
        self.response.content_type = _TYPE
        self.response.charset = "utf-8"
        self._request = request
        self._last = b""
        self._sent_at_s = steady_s()

    async def open(self) -> None:
        dress(self.response, NOT_KEPT)
        await self.response.prepare(self._request)
        if self._request.transport is not None:
            self._request.transport.set_write_buffer_limits(UNSENT_LIMIT_BYTES)
        await self._write(b"retry: %d\n\n" % RETRY_MS)

    async def send(self, content: bytes) -> bool:
        """Whether the reader is still there; he gets only what is new."""
        if content != self._last:
            self._last = content
            return await self._write(write_event("page", content))
        if steady_s() - self._sent_at_s >= HEARTBEAT_S:
            return await self._write(_HEARTBEAT)
        return not self._is_gone()

    async def _write(self, data: bytes) -> bool:
        if self._is_gone():
            return False
        try:
            async with asyncio.timeout(SLOW_S):
                await self.response.write(data)
        except TimeoutError:
            if self._request.transport is not None:
                self._request.transport.abort()
            return False
        except ConnectionError:
            return False
        self._sent_at_s = steady_s()
        return True

    def _is_gone(self) -> bool:
        transport = self._request.transport
        return transport is None or transport.is_closing()


def head_of_stream() -> web.Response:
    """For who asks with HEAD."""
    return web.Response(content_type=_TYPE, charset="utf-8")
