"""Servers, workers and clients of one test, put up as the test asks for them."""

from collections import Counter
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeVar

from tests.functional.contract.clients import Client, Receiver
from tests.functional.facts.raw import Kind
from tests.servers.certificates import Certificates
from tests.servers.gearhorn_worker import GearhornWorker
from tests.servers.gearman import Geard, Gearmand, GearmanServer
from tests.servers.proxy import Proxy

Thing = TypeVar("Thing", Gearmand, Geard, Proxy, GearhornWorker)


class Scene:
    """Everything ends with `stack`, in the reverse order."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder = folder
        self.workers: list[GearhornWorker] = []
        self.stack = stack
        self._count = 0

    def gearmand(self) -> Gearmand:
        return self._put_up(Gearmand(self._new_folder("gearmand")))

    def geard(self, tls: Certificates | None = None) -> Geard:
        return self._put_up(Geard(self._new_folder("geard"), tls=tls))

    def proxy(self, server: GearmanServer) -> Proxy:
        return self._put_up(Proxy(server.port))

    def worker(self, *addresses: str, store: str = "", settings: str = "") -> GearhornWorker:
        """On servers at `addresses`. The store is a SQLite file of the scene unless `store` names another."""
        folder = self._new_folder("worker")
        (folder / "gearhorn.conf").write_text(settings)
        url = store or f"sqlite:///{self.folder}/lists.db"
        self.workers.append(worker := self._put_up(GearhornWorker(addresses, url, folder)))
        return worker

    def client(self, server: GearmanServer, **options: Any) -> Client:
        client = Client(server, **options)
        self.stack.callback(client.close)
        return client

    def receiver(self, server: GearmanServer, topic: str, client_ids: Iterable[str]) -> Receiver:
        """Serves the queues of these subscribers."""
        receiver = Receiver(server)
        self.stack.callback(receiver.close)
        receiver.can_do(*(f"{topic}_{client_id}".encode() for client_id in client_ids))
        return receiver

    def copies(self, server: GearmanServer, topic: str, client_ids: Iterable[str]) -> Counter[str]:
        """How many copies wait on the server for each subscriber; takes them."""
        receiver = self.receiver(server, topic, client_ids)
        found: Counter[str] = Counter()
        for job in receiver.take_all():
            found[job.function.decode().removeprefix(f"{topic}_")] += 1
            receiver.report(job, Kind.WORK_COMPLETE, b"")
        return found

    def _put_up(self, thing: Thing) -> Thing:
        self.stack.enter_context(thing)
        return thing

    def _new_folder(self, name: str) -> Path:
        self._count += 1
        folder = self.folder / f"{name}{self._count}"
        folder.mkdir()
        return folder


def names(count: int) -> list[str]:
    return [f"host{number:05}" for number in range(count)]


def subscribe(client: Client, topic: str, client_ids: Iterable[str]) -> None:
    bodies = [("subscribe_fanout", {"topic": topic, "client_id": client_id}) for client_id in client_ids]
    for handle in client.start_many(bodies):
        assert client.finish(handle).kind == Kind.WORK_COMPLETE


def fanout(topic: str, **keys: Any) -> dict[str, Any]:
    return {"topic": topic, "payload": "x" * 100, **keys}
