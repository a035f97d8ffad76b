"""Serves pages on an address of its own: for reading only, and never a trouble to the service beside it."""

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from aiohttp import web

from gearhorn.errors import Misconfigured
from gearhorn.logs.event import log_for
from gearhorn.logs.events.pages import PAGE_BUG
from gearhorn.net.address import Address
from gearhorn.web.door import Door, DoorLimits, FullHouse

log = log_for(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

METHODS = ("GET", "HEAD")
# Of the request's first line, and of each header.
LINE_LIMIT_BYTES = 8190
# A connection is kept for the next request so long, and one whose peer takes nothing any more is given up after that.
KEEPALIVE_S = 75.0
STUCK_S = 30.0
# Requests under way at the end have so long to finish, and then once more to be cancelled.
CLOSE_LIMIT_S = 0.5

# What a library has to say of those who send it nonsense is nobody's concern; bugs of pages are told by `_answer`.
_SILENT = logging.Logger("gearhorn.web.silent", logging.CRITICAL + 1)


class Site:
    """`open` listens and `close` ends it, with all connections. Between them `address` is where it can be found.

    Only GET and HEAD are answered. A page that is under way when `close` is called may go on for half a second; one
    that lasts, as streams of events do, should end when `closing` is set.
    """

    def __init__(self, listen: Address, limits: DoorLimits | None = None) -> None:
        """Port 0 lets the kernel choose, an empty host stands for all addresses of this machine."""
        self.address = listen
        self.closing = asyncio.Event()
        self._listen = listen
        self._limits = limits or DoorLimits()
        self._application = web.Application(middlewares=[self._answer], client_max_size=0)
        self._runner: web.AppRunner | None = None
        self._server: asyncio.Server | None = None
        self._doors: dict[Any, Door] = {}  # by what aiohttp has made for it

    def add(self, routes: Iterable[web.AbstractRouteDef]) -> None:
        """To be called before `open`."""
        self._application.add_routes(routes)

    @property
    def url(self) -> str:
        """How it is reached from this machine."""
        host = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.address.host, self.address.host)
        return f"http://{Address(host, self.address.port)}"

    async def open(self) -> None:
        """Raises Misconfigured when nothing can listen there. May be called again then."""
        if self._runner is None:
            self._runner = web.AppRunner(
                self._application,
                access_log=None,
                handle_signals=False,
                logger=_SILENT,
                keepalive_timeout=KEEPALIVE_S,
                max_line_size=LINE_LIMIT_BYTES,
                max_field_size=LINE_LIMIT_BYTES,
                lingering_time=0,
            )
            await self._runner.setup()
        try:
            self._server = await asyncio.get_running_loop().create_server(
                self._let_in, self._listen.host or None, self._listen.port
            )
        except (OSError, UnicodeError) as error:
            raise Misconfigured(f"nothing can listen on {self._listen}: {_reason(error)}") from error
        for listening in self._server.sockets:
            with contextlib.suppress(OSError):  # accepted sockets inherit it
                listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(STUCK_S * 1000))
        self.address = Address(self._listen.host, self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """No connection comes in any more, and those that are there are ended. May be called without `open`."""
        self.closing.set()
        if self._server is not None:
            self._server.close()
        if self._runner is not None:
            if self._runner.server is not None:
                await self._runner.server.shutdown(CLOSE_LIMIT_S)
            await self._runner.cleanup()

    def _let_in(self) -> asyncio.Protocol:
        if len(self._doors) >= self._limits.connections or self._runner is None or self._runner.server is None:
            return FullHouse()
        inner = self._runner.server()
        door = self._doors[inner] = Door(inner, self._limits, self._let_out)
        return door

    def _let_out(self, door: Door) -> None:
        self._doors.pop(door.inner, None)

    @web.middleware
    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        door = self._doors.get(request.protocol)
        if door is not None:
            door.asked()
        if request.method not in METHODS:
            return web.Response(status=405, headers={"Allow": ", ".join(METHODS)}, text="pages can only be read\n")
        try:
            return await handler(request)
        except web.HTTPException:
            raise
        except Exception as error:  # noqa: BLE001 - which the log shows
            log.say(PAGE_BUG, path=request.path, because=error)
            return web.Response(status=500, text="the page ran into a bug: the log tells more\n")


def _reason(error: Exception) -> str:
    """The kernel's words: Python puts more around them. A resolver has words of its own."""
    if isinstance(error, OSError) and error.errno and not isinstance(error, socket.gaierror):
        return os.strerror(error.errno)
    return getattr(error, "strerror", None) or str(error)
