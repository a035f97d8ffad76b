"""Pages that keep themselves up to date: server-sent events."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from aiohttp import ClientResponse, ClientSession

from gearhorn.overview.views import Lookup, TopicView
from gearhorn.web.dashboard import streams
from gearhorn.web.dashboard.hub import HubLimits
from gearhorn.web.dashboard.rendering import write_event
from gearhorn.web.dashboard.shelf import TooBusy
from tests.unit.web.dashboard.pictures import FakeSource, overview, subscribers
from tests.unit.web.dashboard.test_routes import Visitor, visiting

LIMIT_S = 20.0


@asynccontextmanager
async def streaming(visitor: Visitor, path: str = "", join: str = "?") -> AsyncIterator[ClientResponse]:
    async with ClientSession() as session, session.get(f"{visitor.site.url}/{path}{join}format=events") as response:
        yield response


async def status(visitor: Visitor) -> int:
    """503 where no seat is free."""
    return (await visitor.get("?format=events", "HEAD")).status


async def events(response: ClientResponse) -> AsyncIterator[tuple[str, str]]:
    """Name and data of each, as a browser reads them."""
    name, data = "", []
    async for line in response.content:
        field, _, value = line.decode().rstrip("\n").partition(": ")
        if field == "event":
            name = value
        elif field in ("data", "data:"):
            data.append(value)
        elif not field and data:
            yield name, "\n".join(data)
            name, data = "", []


async def test_a_page_comes_anew_when_something_has_changed() -> None:
    async with asyncio.timeout(LIMIT_S), visiting() as visitor, streaming(visitor, "topics") as response:
        assert response.content_type == "text/event-stream"
        assert response.headers["X-Accel-Buffering"] == "no"
        coming = events(response)
        name, data = await anext(coming)
        assert name == "page"
        assert "configuration" in data
        assert "<html" not in data
        visitor.source.picture = overview(topics=(TopicView("fresh", 1, 0, 0),))
        _, data = await anext(coming)
        assert "fresh" in data
        assert "configuration" not in data


async def test_what_has_not_changed_is_not_sent_again() -> None:
    async with asyncio.timeout(LIMIT_S), visiting() as visitor, streaming(visitor, "troubled") as response:
        coming = events(response)
        await anext(coming)
        asked = len(visitor.source.asked)
        another = asyncio.ensure_future(anext(coming))
        while len(visitor.source.asked) < asked + 5:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        assert not another.done()
        another.cancel()


async def test_a_stream_that_has_nothing_new_shows_that_it_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "HEARTBEAT_S", 0.1)
    async with asyncio.timeout(LIMIT_S), visiting() as visitor, streaming(visitor, "troubled") as response:
        async for line in response.content:
            if line == b": nothing new\n":
                break


async def test_more_streams_than_there_are_seats_are_told_to_come_back() -> None:
    limits = HubLimits(pause_s=0.05, rests=0.0, streams=2)
    async with asyncio.timeout(LIMIT_S), visiting(limits=limits) as visitor, ClientSession() as session:
        url = f"{visitor.site.url}/?format=events"
        async with session.get(url) as one, session.get(url) as two:
            assert (one.status, two.status) == (200, 200)
            async with session.get(url) as three:
                assert three.status == 503
                assert three.headers["Retry-After"]
            assert (await visitor.get()).status == 200  # who only reads is let in
        while await status(visitor) != 200:  # noqa: ASYNC110 - until the seats are free again
            await asyncio.sleep(0.05)


async def test_a_page_that_cannot_be_made_in_time_once_comes_later() -> None:
    class BusySource(FakeSource):
        async def look_at_topic(self, topic: str) -> Lookup:
            self.asked.append(f"topic {topic}")
            if self.asked.count(f"topic {topic}") < 3:
                raise TooBusy("too many ask at once")
            return Lookup(subscribers(topic, ["bob"]))

    async with asyncio.timeout(LIMIT_S), visiting(BusySource()) as visitor:
        assert (await visitor.get("topic?name=other")).status == 503
        async with streaming(visitor, "topic?name=news", "&") as response:
            _, data = await anext(events(response))
            assert "bob" in data


async def test_when_the_last_viewer_has_gone_nobody_is_asked_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "HEARTBEAT_S", 9999.0)
    async with asyncio.timeout(LIMIT_S), visiting() as visitor:
        async with streaming(visitor, "troubled") as response:  # where nothing changes
            await anext(events(response))
        before = -1
        while len(visitor.source.asked) != before:
            before = len(visitor.source.asked)
            await asyncio.sleep(0.5)  # ten pauses between two looks


async def read_head(visitor: Visitor, path: str) -> socket.socket:
    """A client that asks, and then reads nothing."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(client, tuple(visitor.site.address))
    await loop.sock_sendall(client, f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    return client


async def test_who_takes_nothing_is_cut_off_and_holds_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "SLOW_S", 0.3)
    source = FakeSource(lists={"news": subscribers("news", [f"host{n:04}-{'x' * 200}" for n in range(100)])})
    limits = HubLimits(pause_s=0.01, rests=0.0, streams=1)
    async with asyncio.timeout(LIMIT_S), visiting(source, limits) as visitor:
        slow = await read_head(visitor, "/topic?name=news&format=events")
        number = 0
        while await status(visitor) != 503:  # noqa: ASYNC110 - until it has the seat
            await asyncio.sleep(0.01)
        while await status(visitor) != 200:
            number += 1  # something new to send
            rows = source.lists["news"]
            source.lists["news"] = tuple(replace(one, backlog_count=number) for one in rows)
            await asyncio.sleep(0.01)
        slow.close()


async def test_streams_end_when_the_site_closes() -> None:
    async with asyncio.timeout(LIMIT_S), ClientSession() as session:
        async with visiting() as visitor:
            response = await session.get(f"{visitor.site.url}/?format=events")
            coming = events(response)
            await anext(coming)
        with contextlib.suppress(ConnectionError):
            async for _ in coming:
                pass


def test_no_line_end_breaks_an_event_apart() -> None:
    assert write_event("page", b"a\r\n\r\nb\rc\n") == b"event: page\ndata: a\ndata: \ndata: b\ndata: c\ndata: \n\n"
