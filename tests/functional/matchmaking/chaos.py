"""One run: servers, workers, people and troubles, for a while; then calm, a look at what is left, and the verdict."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tests.functional.matchmaking.aftermath import see_calm
from tests.functional.matchmaking.history import History
from tests.functional.matchmaking.oracle import find_contradictions
from tests.functional.matchmaking.people import Person, Publisher, Writer
from tests.functional.matchmaking.receivers import Receivers, Roster
from tests.functional.matchmaking.report import describe_run
from tests.functional.matchmaking.sabotage import take_away
from tests.functional.matchmaking.troubles import GearmanVictim, ProxyVictim, StoreVictim, Victim, WorkerVictim
from tests.functional.trouble.scene import Scene
from tests.servers.gearhorn_worker import GearhornWorker
from tests.servers.gearman import GearmanServer
from tests.servers.proxy import Proxy
from tests.servers.stores import StoreServer

WRITER_COUNT = 4
PUBLISHER_COUNT = 2
WORKERS = ("worker 0", "worker 1", "worker 2")

# Short, like the lease, so that there is time for many troubles. Calls of the store are given up sooner than usual.
SETTINGS = """
[matchmaking]
ack_timeout = 0.5
[store]
timeout = 1.5
"""

# What is under way when the last trouble is over: jobs that were retried, leases that were revoked.
END_LIMIT_S = 120.0


class StoreOfRun(NamedTuple):
    """Where the lists are. SQLite has no server and gets into no trouble."""

    scheme: str
    server: StoreServer | None = None
    keeps_data: bool = True


class Chaos:
    """Workers on two servers with one store. Worker 1 reaches one server, and the others the store, by a proxy."""

    def __init__(self, scene: Scene, store: StoreOfRun, seed: int, without: str = "") -> None:
        """`without` names a safeguard of sabotage.py that the workers shall lack."""
        self.history = History()
        self._without = without
        self.seed = seed
        self._scene = scene
        self._store = store
        self._servers: list[GearmanServer] = [scene.gearmand(), scene.gearmand()]
        self._proxies: dict[str, Proxy] = {}
        self.workers = [self._put_up_worker(name) for name in WORKERS]

    def run(self, lasts_s: float) -> None:
        """Makes the history. Raises AssertionError for one that breaks the promise or leaves something behind."""
        started_s = time.monotonic()
        roster = Roster()
        receivers = [Receivers(server, roster) for server in self._servers]
        people = self._people(roster)
        victims = self._victims()
        _start([*receivers, *people, *victims])
        time.sleep(lasts_s)
        _end(victims)
        _end(people)
        self._judge(started_s)
        see_calm(self._servers, self.workers, self._url())
        for each in receivers:
            each.stop()

    def _judge(self, started_s: float) -> None:
        contradictions = find_contradictions(self.history)
        counts = f"{len(self.history.operations)} changes, {len(self.history.publications)} fanouts"
        print(f"seed {self.seed}: {counts}, {len(self.history.troubles) // 2} troubles")
        if contradictions or self.history.surprises:
            raise AssertionError(describe_run(self.seed, started_s, self.history, contradictions, self.workers))

    def _people(self, roster: Roster) -> list[Person]:
        writers = [
            Writer(f"w{number}", self.seed, self._servers, self.history, roster) for number in range(WRITER_COUNT)
        ]
        publishers = [
            Publisher(f"p{number}", self.seed, self._servers, self.history) for number in range(PUBLISHER_COUNT)
        ]
        return [*writers, *publishers]

    def _victims(self) -> list[Victim]:
        victims: list[Victim] = [
            WorkerVictim(worker, self._proxies.get(_to_store(name)), self.seed, self.history, name)
            for name, worker in zip(WORKERS, self.workers, strict=True)
        ]
        victims += [
            GearmanVictim(server, self.seed, self.history, number) for number, server in enumerate(self._servers)
        ]
        victims += [ProxyVictim(name, proxy, self.seed, self.history) for name, proxy in self._proxies.items()]
        if self._store.server is not None:
            victims.append(StoreVictim(self._store.server, self.seed, self.history, keeps_data=self._store.keeps_data))
        return victims

    def _put_up_worker(self, name: str) -> GearhornWorker:
        addresses, url = [server.address for server in self._servers], self._url()
        if name == "worker 1":
            addresses[1] = self._proxy(f"{name} to server 1", self._servers[1]).address
        elif self._store.server is not None:
            url = f"{self._store.scheme}://{self._proxy(_to_store(name), self._store.server).address}"
        return self._start_worker(addresses, url, self._scene.folder / name.replace(" ", ""))

    def _start_worker(self, addresses: Sequence[str], url: str, folder: Path) -> GearhornWorker:
        folder.mkdir()
        (folder / "gearhorn.conf").write_text(SETTINGS)
        worker = GearhornWorker(addresses, url, folder)
        if self._without:
            take_away(self._without, worker)
        self._scene.workers.append(worker)
        return self._scene.stack.enter_context(worker)

    def _proxy(self, name: str, server: GearmanServer | StoreServer) -> Proxy:
        self._proxies[name] = proxy = self._scene.stack.enter_context(Proxy(server.port))
        return proxy

    def _url(self) -> str:
        place = f"/{self._scene.folder}/lists.db" if self._store.server is None else self._store.server.address
        return f"{self._store.scheme}://{place}"


def _to_store(name: str) -> str:
    return f"{name} to the store"


def _start(threads: Sequence[Receivers | Person | Victim]) -> None:
    for thread in threads:
        thread.start()


def _end(threads: Sequence[Person] | Sequence[Victim]) -> None:
    for thread in threads:
        thread.stop()
    for thread in threads:
        thread.join(END_LIMIT_S)
        assert not thread.is_alive(), f"{thread.name} does not end"
