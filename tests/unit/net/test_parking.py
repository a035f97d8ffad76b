"""Copies that no server can take: they wait for one, and never longer than they may."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from gearhorn.core.fanout import Failure, FanoutRun
from gearhorn.core.members import Members
from gearhorn.net.address import Address
from gearhorn.net.connection import LinkSettings
from gearhorn.net.dispatch import Dispatch
from gearhorn.net.shipment import Shipment
from gearhorn.wire.copies import CopyEncoder
from tests.servers.process import free_port
from tests.unit.wire.streams import packet

JOB_CREATED, WORK_COMPLETE = 8, 13
BOTH = Members.of([b"ann", b"bob"])
LAST = b"last word"


class Waiter:
    """A shipment, whether its end was told, and the answers of its receivers as they come."""

    def __init__(self, *, foreground: bool, payload: bytes = b"payload") -> None:
        self.settled = asyncio.Event()
        self.answers: asyncio.Queue[tuple[bytes, str, bytes]] = asyncio.Queue()
        self.run = FanoutRun(len(BOTH), foreground=foreground)
        encoder = CopyEncoder(7, b"news_", b"", payload)
        self.shipment = Shipment(
            self.run,
            encoder,
            b"news_",
            self.settled.set,
            lambda client_id, status, answer: self.answers.put_nowait((client_id, status, answer.join())),
        )


def dispatch_to(port: int, retry_timeout_s: float = 600.0) -> Dispatch:
    settings = LinkSettings(first_retry_s=0.01, most_retry_s=0.02)
    return Dispatch([Address("127.0.0.1", port)], settings, "test", retry_timeout_s)


@asynccontextmanager
async def server_for(dispatch: Dispatch, port: int, reply: bytes = b"") -> AsyncIterator[asyncio.Queue[bytes]]:
    """Runs the dispatch beside a server. What that got by the time it saw `LAST` is in the queue; then it replies."""
    got: asyncio.Queue[bytes] = asyncio.Queue()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            got.put_nowait(await reader.readuntil(LAST))
            writer.write(reply)
            await reader.read()
        finally:
            writer.close()

    running = asyncio.create_task(dispatch.run())
    async with await asyncio.start_server(serve, "127.0.0.1", port):
        yield got
        running.cancel()
        await asyncio.wait([running])


async def test_copies_are_given_up_when_no_server_came() -> None:
    dispatch, waiter = dispatch_to(free_port(), retry_timeout_s=0.0), Waiter(foreground=False)
    dispatch.send(waiter.shipment, BOTH)
    await waiter.settled.wait()
    reason = "not sent: no Gearman server could be reached for 0 s"
    assert waiter.run.failures == [Failure(b"ann", reason), Failure(b"bob", reason)]


async def test_a_fanout_whose_time_is_up_does_not_wait_for_a_server() -> None:
    dispatch, waiter = dispatch_to(free_port()), Waiter(foreground=True)
    dispatch.send(waiter.shipment, BOTH)
    assert not waiter.run.is_settled
    waiter.shipment.time_out()
    assert waiter.settled.is_set()
    assert [failure.client_id for failure in waiter.run.failures] == [b"ann", b"bob"]


async def test_copies_go_out_when_a_server_comes_up_but_not_those_whose_time_was_up() -> None:
    port = free_port()
    dispatch, late, patient = dispatch_to(port), Waiter(foreground=True, payload=b"late"), Waiter(foreground=False)
    for waiter in (late, patient, Waiter(foreground=False, payload=LAST)):
        dispatch.send(waiter.shipment, BOTH)
    timers = list(dispatch._parked)
    late.shipment.time_out()
    async with server_for(dispatch, port) as got:
        seen = await got.get()
    assert b"news_ann\0\0payload" in seen
    assert b"news_bob\0\0payload" in seen
    assert b"late" not in seen
    assert len(timers) == 3
    assert all(timer.cancelled() for timer in timers)


async def test_copies_that_waited_are_waited_for_where_they_went() -> None:
    port = free_port()
    dispatch, waiter = dispatch_to(port), Waiter(foreground=True)
    dispatch.send(waiter.shipment, BOTH)
    dispatch.send(Waiter(foreground=False, payload=LAST).shipment, BOTH)
    reply = b"".join(packet(JOB_CREATED, b"H:lap:%d" % number) for number in range(2))
    async with server_for(dispatch, port, reply + packet(WORK_COMPLETE, b"H:lap:0", b"done")):
        assert await waiter.answers.get() == (b"ann", "complete", b"done")
        waiter.shipment.time_out()
    assert waiter.run.failures == [Failure(b"bob", "timeout")]
    assert waiter.run.done_count == 1
