"""Workers that share a store, each of which can be spoken to alone."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import Any

from gearhorn.store.base import Store
from gearhorn.store.leases import Lease
from gearhorn.store.opening import StoreSettings, open_store
from tests.functional.contract.clients import Client
from tests.functional.facts.raw import Kind
from tests.functional.trouble.scene import Scene
from tests.servers.gearhorn_worker import LEASE_TTL_S, GearhornWorker
from tests.servers.gearman import GearmanServer
from tests.servers.process import wait_until

MATCHMAKING = "__matchmaking"
ACK_TIMEOUT_S = 1.0  # what the service takes when nobody tells it
# The promise: so long may a worker that is gone hold up a change. A busy machine gets some more.
HELD_UP_LIMIT_S = LEASE_TTL_S + ACK_TIMEOUT_S + 5.0

# For tests that count what the store is asked: neither renewals nor the search for dead subscribers come in between.
LONG_LEASE = "[matchmaking]\nlease_ttl = 600\n\n[reaper]\npolicy = off\n"

# What a worker says when it had to wait for the end of another one's lease.
NO_ANSWER = "does not acknowledge"


class Member:
    """A worker, and a client that speaks to this one alone: its queues bear a number."""

    def __init__(self, worker: GearhornWorker, client: Client, number: int) -> None:
        self.worker = worker
        self.client = client
        self._number = number

    def subscribe(self, topic: str, client_id: str, **keys: Any) -> None:
        self._change("subscribe", {"topic": topic, "client_id": client_id, **keys})

    def unsubscribe(self, topic: str, client_id: str) -> None:
        self._change("unsubscribe", {"topic": topic, "client_id": client_id})

    def start_fanouts(self, topic: str, count: int = 1, **keys: Any) -> list[bytes]:
        """In the background unless told otherwise. Returns the handles."""
        body = {"topic": topic, "payload": "x", "background": True, **keys}
        return self.client.start_many([(f"fanout{self._number}", body)] * count)

    def count(self, topic: str, **keys: Any) -> int:
        """How many get a copy of what is published to the topic now."""
        (handle,) = self.start_fanouts(topic, **keys)
        return self.client.finish(handle).count

    def start_subscribing(self, topic: str, client_id: str) -> bytes:
        """Returns the handle."""
        return self.client.start(f"subscribe{self._number}", {"topic": topic, "client_id": client_id})

    def _change(self, verb: str, body: dict[str, Any]) -> None:
        answer = self.client.request(f"{verb}{self._number}", body)
        assert answer.kind == Kind.WORK_COMPLETE, answer


def _queues(number: int) -> str:
    return (
        f"[worker]\nsubscribe_queues = subscribe{number}\nunsubscribe_queue = unsubscribe{number}\n"
        f"fanout_queue = fanout{number}\n"
    )


class Crew:
    """Members share the store at `url`, and one server unless they are hired for others."""

    def __init__(self, scene: Scene, url: str) -> None:
        self._scene = scene
        self._count = 0
        self.url = url
        self.server = scene.gearmand()

    def hire(self, settings: str = "", servers: Sequence[GearmanServer] = ()) -> Member:
        """`settings` are lines of any section but [worker]. The client is on the first server."""
        servers = servers or [self.server]
        self._count += 1
        addresses = [server.address for server in servers]
        worker = self._scene.worker(*addresses, store=self.url, settings=_queues(self._count) + settings)
        return Member(worker, self._scene.client(servers[0]), self._count)

    # What the store has.

    def leases(self) -> list[Lease]:
        async def ask() -> list[Lease]:
            async with _opened(self.url) as store:
                return await store.leases()

        return asyncio.run(ask())

    def holders(self) -> set[str]:
        """The ids of workers that hold a lease."""
        return {lease.key.worker_id for lease in self.leases() if lease.left_s > 0}

    def subscribers(self, topic: str) -> set[str]:
        async def ask() -> set[str]:
            async with _opened(self.url) as store:
                return {each.client_id for each in await store.subscriptions(topic)}

        return asyncio.run(ask())

    def forgets(self, worker: GearhornWorker) -> bool:
        """Whether nothing is left of a worker: no lease, no name on the list, no message."""
        has_lease = worker.worker_id in {lease.key.worker_id for lease in self.leases()}
        return (
            not has_lease and worker.worker_id not in self.subscribers(MATCHMAKING) and not self.message_count(worker)
        )

    def message_count(self, worker: GearhornWorker) -> int:
        """How many messages wait for a worker."""
        with contextlib.closing(Client(self.server)) as client:
            counts = client.counts_of(f"{MATCHMAKING}_{worker.worker_id}".encode())
        return counts[0] if counts else 0


@contextlib.asynccontextmanager
async def _opened(url: str) -> AsyncIterator[Store]:
    store = open_store(StoreSettings(url))
    await store.open()
    try:
        yield store
    finally:
        await store.close()


def wait_for_words(worker: GearhornWorker, words: str) -> None:
    wait_until(lambda: words in worker.log, f"{words!r} in the worker's log")
