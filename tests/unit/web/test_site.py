"""Pages over HTTP: who gets them, and that nobody can make them a trouble to the loop that they share."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvloop
from aiohttp import web

from gearhorn.errors import Misconfigured
from gearhorn.net.address import Address
from gearhorn.web.door import DoorLimits
from gearhorn.web.site import Site

ANYWHERE = Address("127.0.0.1", 0)
LIMIT_S = 20.0

Run = Callable[[Coroutine[Any, Any, None]], None]


@pytest.fixture(params=[uvloop.new_event_loop, asyncio.new_event_loop], ids=["uvloop", "asyncio"])
def run(request: pytest.FixtureRequest) -> Run:
    def run(work: Coroutine[Any, Any, None]) -> None:
        with asyncio.Runner(loop_factory=request.param) as runner:
            runner.run(asyncio.wait_for(work, LIMIT_S))

    return run


async def hello(_: web.Request) -> web.Response:
    return web.Response(text="hello")


@asynccontextmanager
async def opened(
    handler: Callable[[web.Request], Awaitable[web.StreamResponse]] = hello, limits: DoorLimits | None = None
) -> AsyncIterator[Site]:
    site = Site(ANYWHERE, limits)
    site.add([web.get("/page", handler)])
    await site.open()
    try:
        yield site
    finally:
        await site.close()


async def ask(site: Site, request: bytes) -> bytes:
    """Everything that comes back until the site hangs up."""
    reader, writer = await asyncio.open_connection(site.address.host, site.address.port)
    try:
        writer.write(request)
        return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()


def question(method: str = "GET", path: str = "/page", headers: str = "") -> bytes:
    return f"{method} {path} HTTP/1.1\r\nHost: here\r\nConnection: close\r\n{headers}\r\n".encode()


def test_a_page_is_there_for_get_and_for_head(run: Run) -> None:
    async def work() -> None:
        async with opened() as site:
            got = await ask(site, question())
            assert got.startswith(b"HTTP/1.1 200 ")
            assert got.endswith(b"\r\n\r\nhello")
            head = await ask(site, question("HEAD"))
            assert head.startswith(b"HTTP/1.1 200 ")
            assert head.endswith(b"\r\n\r\n")

    run(work())


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "BREW"])
def test_nothing_can_be_done_but_reading(run: Run, method: str) -> None:
    async def work() -> None:
        async with opened() as site:
            got = await ask(site, question(method, headers="Content-Length: 0\r\n"))
            assert got.split()[1] in (b"405", b"400")
            got = await ask(site, question(method, "/other", headers="Content-Length: 0\r\n"))
            assert got.split()[1] in (b"405", b"400")

    run(work())


def test_other_paths_are_not_found(run: Run) -> None:
    async def work() -> None:
        async with opened() as site:
            assert (await ask(site, question(path="/other"))).startswith(b"HTTP/1.1 404 ")

    run(work())


def test_a_bug_of_a_page_is_told_to_the_log_and_the_next_page_is_served(
    run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail_once(request: web.Request) -> web.Response:
        if not caplog.records:
            raise ValueError("a bug")
        return await hello(request)

    async def work() -> None:
        async with opened(fail_once) as site:
            got = await ask(site, question())
            assert got.startswith(b"HTTP/1.1 500 ")
            assert b"a bug" not in got.replace(b"ran into a bug", b"")
            assert (await ask(site, question())).startswith(b"HTTP/1.1 200 ")

    run(work())
    assert [record.levelname for record in caplog.records] == ["ERROR"]


@pytest.mark.parametrize(
    "nonsense",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"\0REQ\0\0\0\x04\0\0\0\0",
        b"GET\r\n\r\n",
        b"GET /page HTTP/9.9\r\n\r\n",
        question(headers="X: " + "x" * 9000 + "\r\n"),
        question(path="/" + "x" * 9000),
    ],
)
def test_nonsense_costs_one_connection_and_is_not_worth_a_line(
    run: Run, nonsense: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async def work() -> None:
        async with opened(limits=DoorLimits(first_request_s=0.5)) as site:
            assert b" 200 " not in await ask(site, nonsense)
            assert (await ask(site, question())).startswith(b"HTTP/1.1 200 ")

    run(work())
    assert not caplog.records


def test_who_asks_for_nothing_is_shown_out(run: Run) -> None:
    async def work() -> None:
        async with opened(limits=DoorLimits(first_request_s=0.2)) as site:
            assert await ask(site, b"") == b""
            assert await ask(site, b"GET /page HTTP/1.1\r\nX: y") == b""

    run(work())


def test_a_head_without_end_is_cut_off(run: Run) -> None:
    async def work() -> None:
        async with opened(limits=DoorLimits(unasked_bytes=20_000)) as site:
            headers = "".join(f"X{number}: y\r\n" for number in range(10_000))
            assert await ask(site, question(headers=headers)) == b""

    run(work())


def test_one_connection_may_ask_for_more_than_that_in_all(run: Run) -> None:
    async def work() -> None:
        async with opened(limits=DoorLimits(unasked_bytes=300)) as site:
            reader, writer = await asyncio.open_connection(*site.address)
            for _ in range(20):
                writer.write(b"GET /page HTTP/1.1\r\nHost: here\r\n\r\n")
                assert b"200" in await reader.readline()
                await reader.readuntil(b"hello")
            writer.close()

    run(work())


def test_there_is_room_for_so_many_and_again_when_they_have_gone(run: Run) -> None:
    async def work() -> None:
        async with opened(limits=DoorLimits(connections=2)) as site:
            others = [await asyncio.open_connection(*site.address) for _ in range(2)]
            assert await ask(site, question()) == b""
            for _, writer in others:
                writer.close()
            while not await ask(site, question()):  # noqa: ASYNC110 - the kernel tells nobody
                await asyncio.sleep(0.01)

    run(work())


def test_it_closes_while_somebody_reads_a_page_without_end(run: Run) -> None:
    ended = []

    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while True:
                await response.write(b"x\n")
                await asyncio.sleep(0.01)
        finally:
            ended.append(True)

    async def work() -> None:
        async with opened(endless) as site:
            reader, writer = await asyncio.open_connection(*site.address)
            writer.write(question())
            await reader.readuntil(b"x\n")
        await reader.read()
        writer.close()

    run(work())
    assert ended == [True]


def test_a_port_that_is_taken_is_told_in_the_systems_words_and_can_be_tried_again(run: Run) -> None:
    async def work() -> None:
        with socket.create_server(ANYWHERE) as other:
            site = Site(Address("127.0.0.1", other.getsockname()[1]))
            site.add([web.get("/page", hello)])
            with pytest.raises(Misconfigured, match=rf"nothing can listen on {site.address}: Address already in use$"):
                await site.open()
        await site.open()
        assert (await ask(site, question())).startswith(b"HTTP/1.1 200 ")
        await site.close()

    run(work())


def test_a_host_that_is_none_of_ours_is_told() -> None:
    async def work() -> None:
        site = Site(Address("192.0.2.1", 0))
        with pytest.raises(Misconfigured, match=r"nothing can listen on 192\.0\.2\.1:0: Cannot assign requested"):
            await site.open()
        await site.close()

    asyncio.run(work())


def test_it_can_be_closed_without_having_been_open() -> None:
    async def work() -> None:
        await Site(ANYWHERE).close()

    asyncio.run(work())


def test_ipv6_and_all_addresses_work(run: Run) -> None:
    async def work() -> None:
        for host in ("::1", ""):
            site = Site(Address(host, 0))
            await site.open()
            assert site.address.port
            assert site.url == f"http://{'[::1]' if host else '127.0.0.1'}:{site.address.port}"
            await site.close()

    run(work())
