"""Looks at what must not grow while a worker works: its process, the store, the queues."""

import statistics
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import psutil
import redis

from tests.functional.facts.raw import Peer
from tests.servers.gearhorn_worker import GearhornWorker
from tests.servers.gearman import GearmanServer
from tests.servers.stores import Redis

EVERY_S = 2.0

# Kept for some minutes after each large fanout, so that they grow for so long and no longer.
KEPT_FOR_A_WHILE = "gearhorn:record:fanout:*"


@dataclass(frozen=True)
class Sample:
    """`key_count` is without the records of large fanouts, `record_count` those. `server_*` is the Gearman server's."""

    rss_bytes: int
    fd_count: int
    thread_count: int
    connection_count: int
    key_count: int
    record_count: int
    server_rss_bytes: int
    server_fd_count: int
    queue_count: int


class Watch(threading.Thread):
    """Takes a sample every EVERY_S seconds until stopped."""

    def __init__(self, worker: GearhornWorker, server: GearmanServer, store: Redis) -> None:
        super().__init__(name="watch", daemon=True)
        assert worker.process is not None
        assert server.process is not None
        self.samples: list[Sample] = []
        self._worker = psutil.Process(worker.process.pid)
        self._gearman_process = psutil.Process(server.process.pid)
        self._server = server
        self._store = store
        self._is_over = threading.Event()

    def run(self) -> None:
        with self._store.client() as client:
            while not self._is_over.wait(EVERY_S):
                self.samples.append(self._sample(client))

    def stop(self) -> list[Sample]:
        self._is_over.set()
        self.join()
        return self.samples

    def _sample(self, client: "redis.Redis") -> Sample:
        record_count = sum(1 for _ in client.scan_iter(KEPT_FOR_A_WHILE, count=1000))
        peer = Peer(self._server)
        try:
            queue_count = len(peer.table(b"status"))
        finally:
            peer.close()
        return Sample(
            self._worker.memory_info().rss,
            self._worker.num_fds(),
            self._worker.num_threads(),
            len(self._worker.net_connections()),
            int(client.dbsize()) - record_count,  # type: ignore[arg-type]
            record_count,
            self._gearman_process.memory_info().rss,
            self._gearman_process.num_fds(),
            queue_count,
        )


def medians(samples: Sequence[Sample]) -> dict[str, float]:
    return {name: statistics.median(asdict(sample)[name] for sample in samples) for name in asdict(samples[0])}
