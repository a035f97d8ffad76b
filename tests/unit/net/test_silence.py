"""A server that takes copies and never confirms them."""

import asyncio

import pytest

from gearhorn.core.fanout import Failure, FanoutRun
from gearhorn.core.members import Members
from gearhorn.net import keeper
from gearhorn.net.address import Address
from gearhorn.net.connection import LinkSettings
from gearhorn.net.dispatch import Dispatch
from gearhorn.net.shipment import Shipment
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


def test_what_is_confirmed_in_between_renews_the_patience() -> None:
    run = FanoutRun(2, foreground=False)
    shipment = Shipment(run, CopyEncoder(18, b"news_", b"", b"payload"), b"news_", lambda: None)
    portion = run.add_portion(BOTH)
    assert shipment.lost_for_s(10.0) == 0.0
    assert shipment.lost_for_s(15.0) == 5.0
    shipment.confirm(portion, 0, 1)
    assert shipment.lost_for_s(20.0) == 0.0
