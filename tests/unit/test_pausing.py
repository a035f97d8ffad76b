"""A fanout to a topic with paused subscribers: these get no copy, and whoever waits for each receiver is told."""

import asyncio
import json

from gearhorn.handlers import Handlers, HandlerSettings
from gearhorn.metrics import Counters
from gearhorn.net.connection import LinkSettings
from gearhorn.net.dispatch import Dispatch
from gearhorn.patience import PatienceSettings
from gearhorn.resuming.ledger import Ledger, ResumingSettings
from gearhorn.store.base import Subscribe
from gearhorn.store.memory import MemoryStore
from gearhorn.subscribers.pauses import Pauses
from tests.unit.directories import directory_of
from tests.unit.test_handlers import NOW_S, Job

PAUSED = "not sent: paused: nobody serves its queue"


async def publish(keys: str, *members: str) -> tuple[tuple[str, bytes], Counters]:
    """To these subscribers of topic `news`, of whom bob is paused; no Gearman server takes copies."""
    store, pauses, counters = MemoryStore(), Pauses(), Counters()
    await store.open()
    await store.apply([Subscribe("news", client_id) for client_id in members])
    pauses.set([("news", "bob"), ("news", "nobody")])
    directory = directory_of(store, PatienceSettings(retry_timeout_s=0.0))
    dispatch = Dispatch([], LinkSettings(), "test", retry_timeout_s=0.0)
    ledger = Ledger(ResumingSettings(), store, LinkSettings(), dispatch.go_on)
    handlers = Handlers(HandlerSettings(), directory, dispatch, ledger, lambda: NOW_S, pauses, counters)
    job = Job(b"fanout", f'{{"topic":"news","payload":"x"{keys}}}'.encode())
    handlers.take(job)  # type: ignore[arg-type]
    async with asyncio.timeout(10.0):
        await job.ended.wait()
    await handlers.close()
    await directory.close()
    (ending,) = job.endings
    return ending, counters


async def test_a_background_fanout_leaves_them_out_of_its_count() -> None:
    ending, counters = await publish(',"background":true', "bob")
    assert ending == ("complete", b"0")
    assert counters["paused_copies"] == 1


async def test_a_foreground_fanout_names_them_as_failed() -> None:
    (how, text), counters = await publish("", "bob")
    assert (how, json.loads(text)) == ("refused", [["bob", PAUSED]])
    assert counters["paused_copies"] == 1


async def test_those_that_are_not_paused_are_sent_to() -> None:
    (how, text), _ = await publish("", "ann", "bob")
    reasons = dict(json.loads(text))
    assert (how, reasons.pop("bob")) == ("refused", PAUSED)
    assert reasons["ann"].startswith("not sent: no Gearman server")


async def test_one_that_is_excluded_is_not_named() -> None:
    ending, counters = await publish(',"exclude":["bob"]', "bob")
    assert ending == ("complete", b"0")
    assert counters["paused_copies"] == 0


async def test_one_that_is_not_on_the_list_is_not_named() -> None:
    ending, _ = await publish(',"exclude":["ann"]', "ann")
    assert ending == ("complete", b"0")
