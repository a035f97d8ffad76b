"""Asking a server for status, where what is on the port is not always one that answers."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from gearhorn.errors import ServerUnavailable
from gearhorn.net.address import Address
from gearhorn.net.admin import ask_status
from gearhorn.net.connection import LinkSettings
from gearhorn.wire.status import Counts, StatusRole

Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

LINK = LinkSettings(connect_timeout_s=5.0, answer_timeout_s=5.0)


@asynccontextmanager
async def answering(answer: Answer) -> AsyncIterator[Address]:
    served: list[asyncio.Task[None] | None] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.append(asyncio.current_task())
        assert await reader.readline() == b"status\n"
        await answer(reader, writer)
        writer.close()
        with contextlib.suppress(OSError):  # it has hung up already
            await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield Address("127.0.0.1", server.sockets[0].getsockname()[1])
        await asyncio.gather(*filter(None, served))


async def test_an_answer_in_pieces_is_heard_to_its_end() -> None:
    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for piece in (b"news_b", b"ob\t3\t1\t0\n", b"."):
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.01)
        writer.write(b"\n")

    async with answering(answer) as address:
        role = StatusRole(1)
        assert await ask_status(address, LINK, role) > 0.0
    assert role.counts == {b"news_bob": Counts(2, 0)}


async def test_a_server_that_hangs_up_is_unavailable() -> None:
    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"news_bob\t3\t1\t0\n")

    async with answering(answer) as address:
        role = StatusRole(1)
        with pytest.raises(ServerUnavailable, match="closed the connection"):
            await ask_status(address, LINK, role)
    assert role.counts == {}


async def test_a_server_that_says_nothing_is_given_up() -> None:
    async def answer(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        assert await reader.read() == b""  # it is not kept waiting for long

    async with answering(answer) as address:
        with pytest.raises(ServerUnavailable, match=r"no answer to status within 0\.05 s"):
            await ask_status(address, LinkSettings(answer_timeout_s=0.05), StatusRole(1))


async def test_what_is_no_gearman_server_is_unavailable() -> None:
    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"ERR what?\r\n")

    async with answering(answer) as address:
        with pytest.raises(ServerUnavailable, match="refused"):
            await ask_status(address, LINK, StatusRole(1))


async def test_a_port_where_nobody_listens_is_unavailable() -> None:
    async with answering(lambda *_: asyncio.sleep(0)) as address:
        pass
    with pytest.raises(ServerUnavailable, match="Connection refused"):
        await ask_status(address, LINK, StatusRole(1))
