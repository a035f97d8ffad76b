"""A server that takes copies and never confirms them, or gives no sign of life."""

import asyncio

import pytest

from gearhorn.core.fanout import Failure, FanoutRun
from gearhorn.core.members import Members
from gearhorn.net import keeper
from gearhorn.net.address import Address
from gearhorn.net.connection import LinkSettings
from gearhorn.net.dispatch import Dispatch
from gearhorn.net.shipment import Shipment
from gearhorn.net.worker_link import WorkerLink, WorkerSettings
from gearhorn.wire import packets
from gearhorn.wire.copies import CopyEncoder

BOTH = Members.of([b"ann", b"bob"])


async def test_copies_are_sent_again_for_a_while_and_then_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper, "CARE_S", 0.02)
    settled = asyncio.Event()
    received: list[bytes] = []

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            received.append(await reader.read())
        finally:
            writer.close()

    run = FanoutRun(len(BOTH), foreground=False)
    shipment = Shipment(run, CopyEncoder(18, b"news_", b"", b"payload"), b"news_", settled.set)
    async with await asyncio.start_server(listen, "127.0.0.1", 0) as server:
        address = Address(*server.sockets[0].getsockname())
        settings = LinkSettings(answer_timeout_s=0.03, first_retry_s=0.001, most_retry_s=0.002)
        dispatch = Dispatch([address], settings, "test", retry_timeout_s=0.2)
        running = asyncio.create_task(dispatch.run())
        dispatch.send(shipment, BOTH)
        await settled.wait()
        running.cancel()
        await asyncio.wait([running])
    reason = "not sent: no Gearman server has confirmed it for 0.2 s"
    assert run.failures == [Failure(b"ann", reason), Failure(b"bob", reason)]
    assert sum(b"news_ann" in connection for connection in received) > 1


class Server:
    """Counts connections to it. Says nothing but `first`, once on each, and `sign` to a probe."""

    def __init__(self, first: bytes = b"", sign: bytes = b"") -> None:
        self._sign = sign
        self.connection_count = 0
        self.heard = b""
        self._first = first

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connection_count += 1
        try:
            writer.write(self._first)
            while data := await reader.read(65536):
                self.heard += data
                writer.write(self._sign * data.count(packets.PROBE))
        finally:
            writer.close()

    async def is_left(self) -> bool:
        """Whether a worker connects a second time within some hundred looks at its connection."""
        async with await asyncio.start_server(self, "127.0.0.1", 0) as server:
            address = Address(*server.sockets[0].getsockname())
            settings = LinkSettings(answer_timeout_s=0.03, first_retry_s=0.001, most_retry_s=0.002)
            link = WorkerLink(address, settings, WorkerSettings(), lambda _: None, purpose="")
            link.serve([b"fanout"])
            link.start_grabbing()
            running = asyncio.create_task(link.run())
            for _ in range(50):
                await asyncio.sleep(0.01)
                if self.connection_count > 1:
                    break
            running.cancel()
            await asyncio.wait([running])
        return self.connection_count > 1


async def test_a_worker_gives_up_a_server_that_stays_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine between the two may have forgotten the connection, and acknowledge all the same."""
    monkeypatch.setattr(keeper, "CARE_S", 0.01)
    server = Server()
    assert await server.is_left()
    assert packets.PROBE in server.heard


async def test_a_worker_stays_with_a_server_that_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper, "CARE_S", 0.01)
    body = b"H:gearhorn-probe\x000\x000\x000\x000"
    server = Server(sign=packets.HEADER.pack(b"\0RES", packets.STATUS_RES, len(body)) + body)
    assert not await server.is_left()
    assert server.heard.count(packets.PROBE) > 1


async def test_a_worker_that_holds_a_job_does_not_let_it_go_for_a_server_that_is_slow(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(keeper, "CARE_S", 0.01)
    body = b"H:1\0fanout\0\0x"
    assert not await Server(packets.HEADER.pack(b"\0RES", packets.JOB_ASSIGN_UNIQ, len(body)) + body).is_left()


def test_what_is_confirmed_in_between_renews_the_patience() -> None:
    run = FanoutRun(2, foreground=False)
    shipment = Shipment(run, CopyEncoder(18, b"news_", b"", b"payload"), b"news_", lambda: None)
    portion = run.add_portion(BOTH)
    assert shipment.lost_for_s(10.0) == 0.0
    assert shipment.lost_for_s(15.0) == 5.0
    shipment.confirm(portion, 0, 1)
    assert shipment.lost_for_s(20.0) == 0.0
