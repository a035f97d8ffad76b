"""Keeps a connection up: connects, waits for its end, and tries again with growing delays."""

import asyncio
from collections.abc import Awaitable, Callable
from random import Random
from typing import Any

from gearhorn.core.backoff import Backoff
from gearhorn.errors import ServerUnavailable
from gearhorn.logs.event import log_for
from gearhorn.logs.events.servers import SERVER_AWAY, SERVER_BACK
from gearhorn.net.address import Address
from gearhorn.net.connection import Connection, LinkSettings
from gearhorn.net.tls import TROUBLE

log = log_for(__name__)

# A connection that lasted this long was a success; one that did not keeps the delays growing.
LASTING_S = 5.0
# How often a link is looked at: whether the server still answers, whether a sleeping worker should say so again.
CARE_S = 5.0


class Keeper:
    """One link's life. `connect` opens a connection and returns it; `care` is called every few seconds while it is up.

    `on_trouble` is called with the reason whenever a try fails or the connection ends. The log is told once, once more
    if TLS turns out to be what keeps it down, and once when the trouble is over; nothing without a `purpose`.
    """

    def __init__(
        self,
        address: Address,
        purpose: str,
        settings: LinkSettings,
        connect: Callable[[], Awaitable[Connection[Any]]],
        care: Callable[[Connection[Any]], None],
        on_trouble: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._address = address
        self._purpose = purpose
        self._connect = connect
        self._care = care
        self._on_trouble = on_trouble
        self._backoff = Backoff(settings.first_retry_s, settings.most_retry_s, Random())
        self.trouble = "it was not reached yet"  # why the connection is not up; empty while it is
        self._in_trouble = False
        self._told = ""
        self._is_stopping = False

    def stop(self) -> None:
        """No further connection after this one."""
        self._is_stopping = True

    async def run(self) -> None:
        """Until cancelled, or stopped."""
        loop = asyncio.get_running_loop()
        while not self._is_stopping:
            try:
                connection = await self._connect()
            except ServerUnavailable as error:
                self._say_trouble("cannot be reached", str(error))
            else:
                started_s = loop.time()
                self._say_trouble("is gone", await self._until_closed(connection))
                if loop.time() - started_s >= LASTING_S:
                    self._backoff.reset()
            await asyncio.sleep(self._backoff.next_s())

    async def _until_closed(self, connection: Connection[Any]) -> str:
        events: set[asyncio.Future[Any]] = {connection.closed, connection.answered}
        while True:
            done, _ = await asyncio.wait(events, timeout=CARE_S, return_when=asyncio.FIRST_COMPLETED)
            if connection.closed in done:
                return connection.closed.result()
            self._say_up()  # not before: what is in front of a server that is down may accept, and hang up at once
            events.discard(connection.answered)
            if not done:
                self._care(connection)

    def _say_trouble(self, what: str, reason: str) -> None:
        is_news = not self._in_trouble or (reason.startswith(TROUBLE) and reason != self._told)
        if self._purpose and is_news and not self._is_stopping:
            log.say(SERVER_AWAY, server=self._address, purpose=self._purpose, what=what, reason=reason)
            self._told = reason
        self._in_trouble = True
        self.trouble = reason
        self._on_trouble(reason)

    def _say_up(self) -> None:
        if self._purpose and self._in_trouble:
            log.say(SERVER_BACK, server=self._address, purpose=self._purpose)
        self._in_trouble = False
        self.trouble = ""
