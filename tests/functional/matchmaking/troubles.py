"""What is done to workers, Gearman servers, stores and connections while a run goes on, by a schedule from its seed."""

import signal
import threading
import time
from collections.abc import Callable
from random import Random

from tests.functional.matchmaking.history import History, Loss, Trouble
from tests.servers.gearhorn_worker import LEASE_TTL_S, GearhornWorker
from tests.servers.gearman import GearmanServer
from tests.servers.proxy import Proxy
from tests.servers.stores import Redis, StoreServer

# Beyond a lease, the clocks' margin and what a busy machine takes.
LOST_LEASES_S = LEASE_TTL_S * 1.05 + 1.0

END_LIMIT_S = 60.0

# Makes a trouble of so many seconds, and returns when it is over.
Making = Callable[[float], None]


class Victim(threading.Thread):
    """One thing that gets into trouble again and again, each time for a while, until stopped; then it is well again."""

    calm_s = 6.0  # between two troubles, on average
    longest_s = 3.0

    def __init__(self, name: str, seed: int, history: History) -> None:
        super().__init__(name=name, daemon=True)
        self.chance = Random(f"{seed} {name}")
        self.history = history
        self._is_over = threading.Event()

    def troubles(self) -> list[Making]:
        raise NotImplementedError

    def run(self) -> None:
        try:
            while not self._is_over.wait(self.chance.uniform(0.3, 1.7) * self.calm_s):
                making = self.chance.choice(self.troubles())
                lasts_s = self.chance.random() ** 2 * self.longest_s  # mostly short ones
                self.say(f"{making.__name__} for {lasts_s:.2f} s")
                making(lasts_s)
                self.say("is well again")
        except Exception as error:  # noqa: BLE001 - it would stay as it is, and nobody would know
            self.history.surprises.append(f"{self.name} did not get well: {error!r}")

    def stop(self) -> None:
        """Returns at once; the trouble under way ends in its time."""
        self._is_over.set()

    def say(self, what: str) -> None:
        self.history.troubles.append(Trouble(time.monotonic(), f"{self.name}: {what}"))


class WorkerVictim(Victim):
    """It is killed with its machine: what it has sent to the store, and the network holds back, is lost.

    Otherwise a change on its way might be made behind another worker's back, within the time limit of the store's
    calls. Later ones are refused: see the Lua that changes lists.
    """

    longest_s = 3 * LEASE_TTL_S

    def __init__(self, worker: GearhornWorker, to_store: Proxy | None, seed: int, history: History, name: str) -> None:
        super().__init__(name, seed, history)
        self._worker = worker
        self._to_store = to_store

    def troubles(self) -> list[Making]:
        return [self.killed, self.killed, self.paused, self.paused, self.stopped]

    def killed(self, lasts_s: float) -> None:
        self._see_that_it_lives()
        self._worker.kill()
        if self._to_store is not None:
            self._to_store.cut()
        time.sleep(lasts_s if self.chance.random() < 0.5 else 0)  # what restarts a service does so at once
        self._worker.start()

    def paused(self, lasts_s: float) -> None:
        self._see_that_it_lives()
        self._worker.signal(signal.SIGSTOP)
        time.sleep(lasts_s)
        self._worker.signal(signal.SIGCONT)

    def stopped(self, lasts_s: float) -> None:
        self._see_that_it_lives()
        assert self._worker.process is not None
        self._worker.signal(signal.SIGTERM)
        if status := self._worker.process.wait(END_LIMIT_S):
            self.history.surprises.append(f"{self.name} ended with {status} on SIGTERM")
        self._worker.process = None
        time.sleep(lasts_s / 3)
        self._worker.start()

    def _see_that_it_lives(self) -> None:
        assert self._worker.process is not None
        status = self._worker.process.poll()
        if status is not None:
            self.history.surprises.append(f"{self.name} had ended by itself with {status}")
            self._worker.process = None
            self._worker.start()


class GearmanVictim(Victim):
    calm_s = 12.0
    longest_s = 2.0

    def __init__(self, server: GearmanServer, seed: int, history: History, number: int) -> None:
        super().__init__(f"server {number}", seed, history)
        self._server = server

    def troubles(self) -> list[Making]:
        return [self.down]

    def down(self, lasts_s: float) -> None:
        self._server.kill()
        time.sleep(lasts_s)
        self._server.start()


class StoreVictim(Victim):
    calm_s = 9.0
    longest_s = 4.0

    def __init__(self, store: StoreServer, seed: int, history: History, *, keeps_data: bool) -> None:
        super().__init__("the store", seed, history)
        self._store = store
        self._keeps_data = keeps_data

    def troubles(self) -> list[Making]:
        may_be_emptied = isinstance(self._store, Redis) and not self._keeps_data
        return [self.down, self.paused, *[self.emptied] * may_be_emptied]

    def down(self, lasts_s: float) -> None:
        began_s = time.monotonic()
        self._store.stop()
        time.sleep(lasts_s)
        self._store.start()
        if not self._keeps_data:
            self._note_loss(began_s)

    def emptied(self, lasts_s: float) -> None:
        assert isinstance(self._store, Redis)
        began_s = time.monotonic()
        if not self._store.ask("FLUSHALL").startswith(b"+OK"):
            self.history.surprises.append("Redis was not emptied")
        self._note_loss(began_s)

    def paused(self, lasts_s: float) -> None:
        self._store.signal(signal.SIGSTOP)
        time.sleep(lasts_s)
        self._store.signal(signal.SIGCONT)

    def _note_loss(self, began_s: float) -> None:
        ended_s = time.monotonic()
        self.history.losses.append(Loss(began_s, ended_s, ended_s + LOST_LEASES_S))


class ProxyVictim(Victim):
    """`name` says whose connection it is, and where to."""

    calm_s = 8.0
    longest_s = 4 * LEASE_TTL_S

    def __init__(self, name: str, proxy: Proxy, seed: int, history: History) -> None:
        super().__init__(name, seed, history)
        self._proxy = proxy

    def troubles(self) -> list[Making]:
        return [self.cut, self.cut_off, self.stalled]

    def cut(self, lasts_s: float) -> None:
        self._proxy.cut(reset=self.chance.random() < 0.5)

    def cut_off(self, lasts_s: float) -> None:
        self._proxy.refuse()
        self._proxy.cut()
        time.sleep(lasts_s)
        self._proxy.listen()

    def stalled(self, lasts_s: float) -> None:
        self._proxy.stall()
        time.sleep(lasts_s)
        self._proxy.resume()
