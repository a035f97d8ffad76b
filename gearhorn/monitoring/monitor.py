"""Looks at the parts of a worker as long as it runs, and tells whoever wants to know. Its own trouble stays its own."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from importlib import import_module
from typing import Protocol

from gearhorn.errors import Misconfigured
from gearhorn.logs.event import log_for
from gearhorn.logs.events.pages import MONITOR_BUG, PAGES_CLOSED, PAGES_OPEN
from gearhorn.logs.trouble import Trouble
from gearhorn.metrics.readings import Readings
from gearhorn.monitoring.forgetting import Forgetting
from gearhorn.monitoring.gauges import add_gauges, add_totals
from gearhorn.monitoring.health import Health
from gearhorn.monitoring.parts import Parts
from gearhorn.monitoring.settings import MonitoringSettings
from gearhorn.monitoring.statsd import Statsd
from gearhorn.net.address import Address
from gearhorn.tasks import running

log = log_for(__name__)

# An address that is taken may be that of a worker that is just stopping.
TRY_AGAIN_S = 5.0
# Since when something is down is known to so many seconds.
LOOK_EVERY_S = 2.0
FORGET_EVERY_S = 60.0
STATSD_EVERY_S = 10.0


class Opening(Protocol):
    """A site, which is not imported where none is wanted."""

    @property
    def url(self) -> str: ...

    async def open(self) -> None: ...


class Monitor:
    """`run` tells until cancelled, and never raises."""

    def __init__(self, settings: MonitoringSettings, parts: Parts) -> None:
        self._settings = settings
        self._health = Health(parts.troubles)
        self._readings = Readings(parts.counters)
        lists = parts.matchmaker.lists
        self._forgetting = Forgetting(parts.counters.meters, lists.size_of, time.monotonic)
        add_gauges(self._readings, parts, self._health)
        add_totals(parts)

    async def run(self) -> None:
        try:
            async with running([self._look(), self._forget(), self._send(), self._serve()]):
                await asyncio.Event().wait()
        except Exception as error:  # noqa: BLE001 - the service goes on without
            log.say(MONITOR_BUG, because=error)

    async def _look(self) -> None:
        while True:
            self._health.down()
            await asyncio.sleep(LOOK_EVERY_S)

    async def _forget(self) -> None:
        while True:
            await asyncio.sleep(FORGET_EVERY_S)
            self._forgetting.look()

    async def _send(self) -> None:
        settings = self._settings.statsd
        if settings is None:
            return
        async with Statsd.opened(settings) as statsd:
            try:
                while True:
                    await statsd.send(self._readings.take())
                    await asyncio.sleep(STATSD_EVERY_S)
            finally:
                statsd.send_last(self._readings.take())

    async def _serve(self) -> None:
        if self._settings.listen is None:
            return
        async with self._pages(self._settings.listen):
            await asyncio.Event().wait()

    @contextlib.asynccontextmanager
    async def _pages(self, listen: Address) -> AsyncIterator[None]:
        # See `preload`.
        from gearhorn.monitoring.pages import pages_of
        from gearhorn.web.plain import routes_of
        from gearhorn.web.site import Site

        site = Site(listen)
        site.add(routes_of(pages_of(self._readings, self._health)))
        try:
            await _open(site)
            yield
        finally:
            await site.close()


def preload(settings: MonitoringSettings) -> None:
    """Imports what pages take, which are 0.3 s, if there are to be any. To be called before the loop runs."""
    if settings.listen is not None:
        import_module("gearhorn.monitoring.pages")
        import_module("gearhorn.web.site")


async def _open(site: Opening) -> None:
    """However long it takes."""
    trouble = Trouble()
    while True:
        try:
            await site.open()
        except Misconfigured as error:
            if trouble.begins():
                log.say(PAGES_CLOSED, error=error)
            await asyncio.sleep(TRY_AGAIN_S)
        else:
            log.say(PAGES_OPEN, url=site.url)
            return
