"""What has to be so when all troubles are over."""

import asyncio
import itertools
import time
from collections.abc import Sequence

from gearhorn.store.base import Store, Unsubscribe
from gearhorn.store.opening import StoreSettings, open_store
from tests.functional.contract.clients import Client
from tests.functional.facts.raw import Kind
from tests.functional.matchmaking.people import TOPICS
from tests.servers.gearhorn_worker import LEASE_TTL_S, GearhornWorker
from tests.servers.gearman import GearmanServer
from tests.servers.process import wait_until

MATCHMAKING = "__matchmaking"
CALM_LIMIT_S = 30.0
NOBODY = "nobody"


def see_calm(servers: Sequence[GearmanServer], workers: Sequence[GearhornWorker], url: str) -> None:
    """Raises AssertionError or TimeoutError for what is not as before the troubles."""
    clients = [Client(server) for server in servers]
    try:
        for worker in workers:
            see_that_it_answers(clients[0], worker)
        wait_until(lambda: all(map(_is_quick, clients)), "changes that wait for nobody", CALM_LIMIT_S)
        wait_until(lambda: asyncio.run(_unsettled(url)) == [], "all topics to be settled", CALM_LIMIT_S)
        wait_until(lambda: not any(map(left_messages, clients)), "queues of workers to be empty", CALM_LIMIT_S)
        ids = sorted(worker.worker_id for worker in workers)
        wait_until(lambda: asyncio.run(_matchmakers(url)) == ids, "all workers on the list, and nobody else")
    finally:
        for client in clients:
            client.close()


def see_that_it_answers(client: Client, worker: GearhornWorker) -> None:
    """On the one queue that is its own; which others may just be emptying, because its lease had run out."""
    assert worker.process is not None
    assert worker.process.poll() is None, worker.log[-5000:]
    queue, message = f"{MATCHMAKING}_{worker.worker_id}", {"topic": TOPICS[0]}
    answers = (client.request(queue, message) for _ in itertools.count())
    wait_until(lambda: next(answers).kind == Kind.WORK_COMPLETE, "the worker to answer", CALM_LIMIT_S)


def left_messages(client: Client) -> dict[bytes, int]:
    """Queues of workers that hold jobs."""
    rows = client.table(b"status")
    return {row[0]: int(row[1]) for row in rows if row[0].startswith(MATCHMAKING.encode()) and int(row[1])}


def _is_quick(client: Client) -> bool:
    """A change that waits for the end of a lease takes longer than the time for acknowledgements."""
    started_s = time.monotonic()
    for queue in ("subscribe_fanout", "unsubscribe_fanout"):
        answer = client.request(queue, {"topic": TOPICS[0], "client_id": "latecomer"})
        assert answer.kind == Kind.WORK_COMPLETE, answer
    return time.monotonic() - started_s < LEASE_TTL_S / 6


async def _unsettled(url: str) -> list[str]:
    """Asked by a change that changes nothing: a renewal would take what it is told upon itself."""
    store = await _open(url)
    try:
        topics = [*TOPICS, MATCHMAKING]
        states = (await store.apply([Unsubscribe(topic, NOBODY) for topic in topics])).topics
        return [topic for topic in topics if not states[topic].is_settled]
    finally:
        await store.close()


async def _matchmakers(url: str) -> list[str]:
    store = await _open(url)
    try:
        return [each.client_id for each in await store.subscriptions(MATCHMAKING)]
    finally:
        await store.close()


async def _open(url: str) -> Store:
    store = open_store(StoreSettings(url))
    await store.open()
    return store
