"""Runs the dashboard: as a command of its own, or beside a worker."""

import asyncio
from collections.abc import Callable

from gearhorn.overview.observer import Observer
from gearhorn.web.dashboard.guard import Guard
from gearhorn.web.dashboard.routes import Dashboard
from gearhorn.web.dashboard.settings import DEFAULT_LISTEN, DashboardSettings
from gearhorn.web.dashboard.source import ObserverSource
from gearhorn.web.site import Site


async def serve_dashboard(settings: DashboardSettings, observer: Observer, on_open: Callable[[str], None]) -> None:
    """Until cancelled. `on_open` is told where it is. Raises Misconfigured when nothing can listen there."""
    listen = settings.listen or DEFAULT_LISTEN
    site, source = Site(listen), ObserverSource(observer)
    names = [*settings.hosts, listen.host]
    dashboard = Dashboard(source, Guard(names), site.closing)
    site.add(dashboard.routes())
    try:
        await site.open()
        on_open(site.url)
        await asyncio.Event().wait()
    finally:
        await site.close()
        await dashboard.close()
        await source.close()
