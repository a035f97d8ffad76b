"""20,000 fuzzed jobs through a real server: the worker lives, answers all of them, and does not grow.

geard, which is slower, gets a quarter of them. FUZZ_JOBS=20000 gives so many to each.
"""

import os
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from random import Random

import psutil
import pytest

from tests.functional.contract.clients import Client
from tests.functional.facts.raw import Kind
from tests.fuzz.bodies import Bodies
from tests.fuzz.corpus import inputs
from tests.servers.gearhorn_worker import GearhornWorker
from tests.servers.gearman import GearmanServer

COUNTS = {"gearmand": 20_000, "geard": 5_000}
AT_ONCE = 500
GROWTH_LIMIT_BYTES = 16 << 20
QUEUES = ("fanout",) * 4 + ("subscribe_fanout", "register_fanout_subscriber", "unsubscribe_fanout")

SETTINGS = """
[DEFAULT]
log_level = warning
[worker]
foreground_timeout = 0.05
foreground_timeout_limit = 0.05
"""


@pytest.fixture
def worker(gearman_server: GearmanServer, tmp_path: Path) -> Iterator[GearhornWorker]:
    folder = tmp_path / "worker"
    folder.mkdir()
    (folder / "gearhorn.conf").write_text(SETTINGS)
    with Worker([gearman_server.address], "memory://", folder) as worker:
        yield worker
        print(worker.log[-5000:])


class Worker(GearhornWorker):
    """Says too little to tell in its log that it is ready. A job that waits does no harm."""

    def is_ready(self) -> bool:
        return self.process is not None


class Row:
    """Fuzzed jobs, one batch after the other, each waited for."""

    def __init__(self, server: GearmanServer, seed: int) -> None:
        self._client = Client(server)
        self._random = Random(seed)
        self._bodies = iter(Bodies(seed, list(inputs("bodies").values())))

    def send(self, count: int) -> Counter[int]:
        """The kinds of endings, one for each job: `finish` fails where none comes."""
        kinds: Counter[int] = Counter()
        for done in range(0, count, AT_ONCE):
            some = islice(self._bodies, min(AT_ONCE, count - done))
            jobs = [(self._random.choice(QUEUES), body) for body in some]
            handles = self._client.start_many(jobs)
            kinds.update(self._client.finish(handle).kind for handle in handles)
            assert not any(self._client.endings_of(handle) for handle in handles)
        return kinds

    def close(self) -> None:
        self._client.close()


@pytest.fixture
def row(gearman_server: GearmanServer) -> Iterator[Row]:
    row = Row(gearman_server, seed=20261122)
    yield row
    row.close()


def test_every_job_is_answered_and_the_worker_does_not_grow(
    gearman_server: GearmanServer, worker: GearhornWorker, row: Row
) -> None:
    assert worker.process is not None
    process = psutil.Process(worker.process.pid)
    count = int(os.environ.get("FUZZ_JOBS", COUNTS[gearman_server.kind]))
    kinds = row.send(count // 4)
    before, files_before = process.memory_info().rss, process.num_fds()
    kinds += row.send(count - count // 4)
    assert kinds.total() == count
    assert set(kinds) == {Kind.WORK_COMPLETE, Kind.WORK_EXCEPTION}
    assert process.memory_info().rss - before < GROWTH_LIMIT_BYTES
    assert process.num_fds() <= files_before + 2
    assert worker.process.poll() is None
    assert "Traceback" not in worker.log
    assert "a bug" not in worker.log
    assert "complained" not in worker.log  # gearmand would, over a second ending
