"""What is told over HTTP: /metrics, /livez and /readyz."""

import asyncio
from collections.abc import Sequence

from gearhorn.metrics.exposition import render
from gearhorn.metrics.readings import Readings
from gearhorn.monitoring.health import Down, Health, is_ready, render_json, render_text
from gearhorn.web.plain import Answer, Page

_INDEX = b"/metrics  for Prometheus\n/livez    whether the worker runs\n/readyz   whether it works, and what is down\n"


def pages_of(readings: Readings, health: Health) -> dict[str, Answer]:
    async def index(_: str) -> Page:
        return Page(_INDEX)

    async def metrics(accept: str) -> Page:
        """Read at once, and put into words in a thread: that takes long enough for jobs to notice."""
        return Page(*await asyncio.to_thread(render, readings.take(), accept))

    async def livez(accept: str) -> Page:
        """Who can answer is alive."""
        return _page("alive", health.down(), accept)

    async def readyz(accept: str) -> Page:
        down = health.down()
        ready = is_ready(down)
        return _page("ready" if ready else "not ready", down, accept, 200 if ready else 503)

    return {"/": index, "/metrics": metrics, "/livez": livez, "/readyz": readyz}


def _page(status: str, down: Sequence[Down], accept: str, code: int = 200) -> Page:
    """JSON, unless text is asked for."""
    if "text/plain" in accept:
        return Page(render_text(status, down), status=code)
    return Page(render_json(status, down), "application/json", code)
