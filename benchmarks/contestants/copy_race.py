"""All who can send one payload to many queues: each on fresh servers, which have not heard of the queues."""

import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path

from harness import admin, programs, sites
from harness.bursts import Bursts

from contestants import copying_worker, gear_loop, redis_lists

BLAST_WINDOW = 4096  # unconfirmed copies: among the fastest of 256, 1,024, 4,096, 16,384 and no bound

BLAST_DIFFERENCE = (
    "the limit, `c/blast.c`: pipelined SUBMIT_JOB_BG packets, all built before the clock starts. Does less: knows the "
    "names beforehand, reads no JSON and no list, shares its connection with nobody, only counts confirmations"
)
LIBGEARMAN_DIFFERENCE = (
    "its batch client, `c/libgearman_batch.c`. Does less: knows the names beforehand, reads no JSON and no list. Does "
    "more: an object per copy, and a UUID as its unique key, also when told to have none"
)
AS_IT_COMES = "It walks over all tasks of a batch again and again: its time is quadratic in their number"
FREEING = "The same with GEARMAN_CLIENT_FREE_TASKS, as who has read that far would do: finished tasks go at once"


class Race:
    """Copies per second of each contestant: the median of all fanouts of `bursts`, one after the other."""

    def __init__(self, setup: sites.Setup, bursts: Bursts) -> None:
        self._setup = setup
        self._bursts = bursts
        self.nobody_s: list[float] = []  # what a fanout without subscribers took the worker

    def worker(self, is_warm: bool) -> float:
        with sites.open_site(self._setup) as site:
            self._bursts.prepare(site, is_warm)
            self.nobody_s.append(self._bursts.publish_to_nobody(site).p50_ms / 1e3)
            published = self._bursts.publish(site.folder, site.port)
            admin.check_copies(site.port, self._bursts.queues, 1)
            return self._bursts.copies_per_s(published)

    def worker_in_c(self) -> float:
        with sites.open_gearmand(self._setup) as (folder, port):
            names = self._bursts.write_queues(folder)
            with copying_worker.open_worker(port, names, folder / "worker", 1, self._bursts.count):
                published = self._bursts.publish(folder, port)
            admin.check_copies(port, self._bursts.queues, 1)
            return self._bursts.copies_per_s(published)

    def blast(self) -> float:
        bursts = self._bursts
        return self._on_gearmand(
            lambda port, names: programs.blast(port, names, bursts.payload_bytes, BLAST_WINDOW, bursts.count)
        )

    def gear_loop(self) -> float:
        bursts = self._bursts
        return self._on_gearmand(
            lambda port, names: gear_loop.copies_per_s(port, names, bursts.payload_bytes, bursts.count)
        )

    def libgearman(self, frees_tasks: bool) -> float:
        """Its program knows no sets: a run for each."""
        with sites.open_gearmand(self._setup) as (folder, port):
            files = [topic.write_queues(folder) for topic in self._bursts.topics]
            rates = [programs.libgearman_batch(port, file, self._bursts.payload_bytes, frees_tasks) for file in files]
            admin.check_copies(port, self._bursts.queues, 1)
            return statistics.median(rates)

    def redis(self, push: redis_lists.Push) -> float:
        with tempfile.TemporaryDirectory(prefix="gearhorn-benchmark-") as folder:
            names = self._bursts.write_queues(Path(folder))
            with redis_lists.open_redis(Path(folder) / "redis") as port:
                return push(port, names, self._bursts.payload_bytes, self._bursts.count)

    def _on_gearmand(self, send: Callable[[int, Path], float]) -> float:
        with sites.open_gearmand(self._setup) as (folder, port):
            rate = send(port, self._bursts.write_queues(folder))
            admin.check_copies(port, self._bursts.queues, 1)
            return rate
