"""Who answers at which address. Each page can be had as HTML, as JSON (`?format=json`), and as events, one whenever
something has changed (`?format=events`).
"""

import asyncio
import contextlib
import math
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from aiohttp import web

from gearhorn.tasks import wait_for_first
from gearhorn.web.dashboard.assets import Assets
from gearhorn.web.dashboard.guard import Guard
from gearhorn.web.dashboard.hub import FullHouse, Hub, Sight
from gearhorn.web.dashboard.links import OVERVIEW, link
from gearhorn.web.dashboard.pages.front import build_front
from gearhorn.web.dashboard.pages.hosts import build_hosts
from gearhorn.web.dashboard.pages.page import Builder, Page, Request, Source
from gearhorn.web.dashboard.pages.servers import build_server
from gearhorn.web.dashboard.pages.topics import build_topic, build_topics
from gearhorn.web.dashboard.pages.troubled import build_troubled
from gearhorn.web.dashboard.pages.workers import build_worker
from gearhorn.web.dashboard.query import Query
from gearhorn.web.dashboard.rendering import Renderer, write_json
from gearhorn.web.dashboard.shelf import Shelf, ShelfLimits, TooBusy
from gearhorn.web.dashboard.streams import Stream, head_of_stream
from gearhorn.web.site import Handler

PAGES: Mapping[str, Builder] = {
    "": build_front,
    "topics": build_topics,
    "topic": build_topic,
    "hosts": build_hosts,
    "worker": build_worker,
    "server": build_server,
    "troubled": build_troubled,
}
FORMAT, JSON, EVENTS = "format", "json", "events"

Thing = TypeVar("Thing")


@dataclass(frozen=True, slots=True)
class Visit:
    """Which page somebody looks at."""

    path: str
    build: Builder
    query: Mapping[str, str]

    def href(self, **more: str) -> str:
        """The page's address, as other pages have it."""
        return link(self.path or OVERVIEW, **{**self.query, **more})


class Dashboard:
    """The routes, and what stands behind them. `close` ends what goes on for viewers; to be called before the store
    is closed. Streams end when `closing` is set.
    """

    def __init__(self, source: Source, guard: Guard, closing: asyncio.Event, hub: Hub | None = None) -> None:
        self.hub = hub or Hub(source.observe)
        self._source = source
        self._guard = guard
        self._closing = closing
        self._assets = Assets()
        self._renderer = Renderer(self._assets.href)
        # What was made for one viewer is good for all who look at the same page at the same moment.
        self._made = Shelf(ShelfLimits(age_s=math.inf, pauses=0.0, things=64, at_once=8, wanted=64))

    def routes(self) -> list[web.RouteDef]:
        pages = [web.get(f"/{path}", self._guard.watch(self._show(path, build))) for path, build in PAGES.items()]
        return [*pages, web.get("/static/{name}", self._guard.watch(self._assets.serve))]

    async def close(self) -> None:
        await self._made.close()
        await self.hub.close()

    def _show(self, path: str, build: Builder) -> Handler:
        async def show(request: web.Request) -> web.StreamResponse:
            visit = Visit(path, build, {key: value for key, value in request.query.items() if key != FORMAT})
            form = request.query.get(FORMAT, "")
            try:
                if form == EVENTS:
                    return await self._stream(request, visit)
                return await self._answer(visit, form)
            except (TooBusy, FullHouse) as error:
                return web.Response(status=503, headers={"Retry-After": "5"}, text=f"{error}\n")

        return show

    async def _answer(self, visit: Visit, form: str) -> web.Response:
        sight = await self.hub.look()
        page = await self._build(visit, sight)
        if form == JSON:
            return web.Response(status=page.status, body=write_json(page), content_type="application/json")
        here, json_href = visit.href(), visit.href(format=JSON)
        body = await self._make("html", visit, sight, lambda: self._renderer.html(page, here, json_href))
        return web.Response(status=page.status, body=body, content_type="text/html", charset="utf-8")

    async def _stream(self, request: web.Request, visit: Visit) -> web.StreamResponse:
        with self.hub.seat():
            if request.method == "HEAD":
                return head_of_stream()
            stream = Stream(request)
            await stream.open()
            await wait_for_first([self._feed(stream, visit), self._closing.wait()])
            return stream.response

    async def _feed(self, stream: Stream, visit: Visit) -> None:
        """Until the reader has gone, or does not keep up."""
        async for sight in self.hub.follow():
            with contextlib.suppress(TooBusy):  # the next sight may find more room
                if not await stream.send(await self._live_part(visit, sight)):
                    return

    async def _live_part(self, visit: Visit, sight: Sight) -> bytes:
        page = await self._build(visit, sight)
        return await self._make("part", visit, sight, lambda: self._renderer.live_part(page, visit.href()))

    async def _build(self, visit: Visit, sight: Sight) -> Page:
        request = Request(sight, Query(visit.query), self._source)
        return await self._make("page", visit, sight, lambda: visit.build(request))

    async def _make(self, what: str, visit: Visit, sight: Sight, make: Callable[[], Awaitable[Thing]]) -> Thing:
        return await self._made.get((what, visit.href(), sight.number), make)
