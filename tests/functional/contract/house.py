"""Servers, stores and workers for all tests of the contract: each is started when it is first asked for, and kept."""

import itertools
import signal
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple, Self, TypeVar

from tests.servers.gearhorn_worker import GearhornWorker
from tests.servers.gearman import Geard, Gearmand, GearmanServer, PerlGearmand
from tests.servers.stores import Memcached, Redis

GEARMAN = {kind.kind: kind for kind in (Gearmand, Geard, PerlGearmand)}
STORES = ("redis", "memcached", "sqlite")

COMBINATIONS = list(itertools.product(("gearmand", "geard"), STORES))


class Queues(NamedTuple):
    """The names of the service's queues."""

    subscribe: str = "subscribe_fanout"
    unsubscribe: str = "unsubscribe_fanout"
    fanout: str = "fanout"


class Manner(NamedTuple):
    """How a worker is set up: the names of its queues, and its configuration."""

    queues: Queues
    settings: str


class Service(NamedTuple):
    """A worker, and the server that it works for."""

    server: GearmanServer
    worker: GearhornWorker
    queues: Queues


USUAL = Manner(Queues(), "")

# Shares servers and stores with the usual worker, and therefore has queues of its own.
HASTY = Manner(
    Queues("hasty_subscribe", "hasty_unsubscribe", "hasty_fanout"),
    """
[worker]
subscribe_queues = hasty_subscribe, hasty_register
unsubscribe_queue = hasty_unsubscribe
fanout_queue = hasty_fanout
foreground_timeout = 0.2
foreground_timeout_limit = 1.0
""",
)

Process = TypeVar("Process", GearmanServer, GearhornWorker, Redis, Memcached)
# No test leaves a fanout waiting, so that the workers have nothing to finish.
END_LIMIT_S = 10.0

Key = TypeVar("Key")
Thing = TypeVar("Thing")


class House:
    """Hands out services. To be used in a `with` statement, which ends them all."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stack = ExitStack()
        self._servers: dict[tuple[str, str], GearmanServer] = {}
        self._urls: dict[tuple[str, str], str] = {}
        self._services: dict[tuple[str, str, Manner], Service] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def service(self, server: str, store: str, manner: Manner = USUAL) -> Service:
        return _keep(self._services, (server, store, manner), lambda: self._serve(server, store, manner))

    def _serve(self, server: str, store: str, manner: Manner) -> Service:
        """Server and store are this combination's own: workers with different lists must not share a queue."""
        folder = self._folder / f"{server}-{store}"
        gearman = _keep(self._servers, (server, store), lambda: self._open(GEARMAN[server](folder / server)))
        url = _keep(self._urls, (server, store), lambda: self._open_store(store, folder))
        worker = self._open(_worker(gearman, url, manner, folder))
        self._stack.callback(_see_end, worker)
        return Service(gearman, worker, manner.queues)

    def _open(self, process: Process) -> Process:
        self._stack.enter_context(process)
        return process

    def _open_store(self, store: str, folder: Path) -> str:
        if store == "sqlite":
            return f"sqlite:///{folder}/lists.db"
        if store == "redis":
            return f"redis://{self._open(Redis(folder / store)).address}"
        return f"memcached://{self._open(Memcached(folder / store)).address}"


def _worker(server: GearmanServer, store_url: str, manner: Manner, folder: Path) -> GearhornWorker:
    folder = folder / manner.queues.fanout
    folder.mkdir()
    (folder / "gearhorn.conf").write_text(manner.settings)
    return GearhornWorker([server.address], store_url, folder)


def _see_end(worker: GearhornWorker) -> None:
    """Whatever the tests did to it, it ends in peace when it is told to."""
    assert worker.process is not None
    worker.signal(signal.SIGTERM)
    assert worker.process.wait(END_LIMIT_S) == 0, worker.log[-5000:]


def _keep(kept: dict[Key, Thing], key: Key, make: Callable[[], Thing]) -> Thing:
    if key not in kept:
        kept[key] = make()
    return kept[key]
