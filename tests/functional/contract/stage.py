"""What most tests of the contract need: a topic of its own, who publishes to it, and who receives from it."""

import itertools
from functools import cached_property
from typing import Any

from tests.functional.contract.clients import Answer, Body, Client, Receiver
from tests.functional.contract.house import Queues, Service
from tests.functional.facts.raw import Job, Kind
from tests.servers.gearman import GearmanServer

_numbers = itertools.count()


class Stage:
    """A fresh topic on a service that other tests use too. One connection publishes, another is all its receivers."""

    def __init__(self, service: Service) -> None:
        self.service = service
        # Without an underscore: names with one are the business of test_names.
        self.topic = f"topic{next(_numbers)}"
        self._peers: list[Client | Receiver] = []
        self.client = self.connect()
        self.receiver = self.connect_receiver()

    @property
    def server(self) -> GearmanServer:
        return self.service.server

    @property
    def queues(self) -> Queues:
        return self.service.queues

    @cached_property
    def plain_client(self) -> Client:
        """One that asked for no exceptions."""
        return self.connect(wants_exceptions=False)

    @property
    def coalesces(self) -> bool:
        """geard does not: it only carries unique keys to the worker."""
        return self.server.kind != "geard"

    def connect(self, **options: Any) -> Client:
        self._peers.append(client := Client(self.server, **options))
        return client

    def connect_receiver(self) -> Receiver:
        self._peers.append(receiver := Receiver(self.server))
        return receiver

    def close(self) -> None:
        for peer in self._peers:
            peer.close()

    # Requests to the service. Keys that are given beat the usual ones; others are added.

    def subscribe(self, *client_ids: str, **keys: Any) -> None:
        """Subscribes, with the answer that the contract promises, and makes the receiver serve these queues."""
        bodies = [{"topic": self.topic, "client_id": client_id, **keys} for client_id in client_ids]
        for handle in self.client.start_many((self.queues.subscribe, body) for body in bodies):
            assert self.client.finish(handle) == (Kind.WORK_COMPLETE, b"", [])
        self.receiver.can_do(*map(self.queue, client_ids))

    def unsubscribe(self, client_id: str) -> None:
        body = {"topic": self.topic, "client_id": client_id}
        assert self.client.request(self.queues.unsubscribe, body) == (Kind.WORK_COMPLETE, b"", [])

    def fanout(self, **keys: Any) -> Body:
        return {"topic": self.topic, "payload": "hello", **keys}

    def start(self, **keys: Any) -> bytes:
        """Publishes, in the foreground unless told otherwise, and returns the fanout's handle."""
        return self.client.start(self.queues.fanout, self.fanout(**keys))

    def publish(self, **keys: Any) -> Answer:
        """Publishes and waits for the answer."""
        return self.client.finish(self.start(**keys))

    def broadcast(self, **keys: Any) -> int:
        """Publishes in the background; the number of copies that were confirmed."""
        return self.publish(background=True, **keys).count

    # What receivers find.

    def queue(self, client_id: str) -> bytes:
        return f"{self.topic}_{client_id}".encode()

    def client_id_of(self, job: Job) -> str:
        return job.function.decode().removeprefix(f"{self.topic}_")

    def take(self, count: int) -> dict[str, Job]:
        """Waits for one copy for each of `count` receivers: client ids and jobs."""
        jobs = {self.client_id_of(job): job for job in (self.receiver.take() for _ in range(count))}
        assert len(jobs) == count
        return jobs

    def delivered(self) -> dict[str, list[bytes]]:
        """The payloads that are queued now, by client id, and takes them. Of background copies: it ends them all."""
        found: dict[str, list[bytes]] = {}
        for job in self.receiver.take_all():
            found.setdefault(self.client_id_of(job), []).append(job.payload)
            assert self.receiver.complete(job.handle) == []
        return found

    def payload(self, **keys: Any) -> bytes:
        """What a lone subscriber gets when this is published."""
        self.subscribe("bob")
        assert self.broadcast(**keys) == 1
        (payload,) = self.delivered()["bob"]
        return payload
