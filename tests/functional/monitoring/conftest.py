"""One worker with pages and statsd, on gearmand and Redis, for all tests that break nothing."""

import contextlib
import itertools
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.functional.contract.house import Queues, Service
from tests.functional.contract.stage import Stage
from tests.functional.monitoring.pages import PAGES
from tests.servers.gearhorn_worker import GearhornWorker
from tests.servers.gearman import Gearmand
from tests.servers.stores import Redis

_databases = itertools.count()

BODY_LIMIT_BYTES = 50_000
TOPICS_SHOWN = 3

SETTINGS = f"""
{PAGES}
topics = {TOPICS_SHOWN}
[worker]
body_limit = {BODY_LIMIT_BYTES}
[reaper]
interval = 0.3
"""


class Place:
    """`statsd` is where the worker sends its figures."""

    def __init__(self, server: Gearmand, store: Redis, worker: GearhornWorker, statsd: socket.socket) -> None:
        self.server = server
        self.store = store
        self.worker = worker
        self.statsd = statsd
        self._stages: list[Stage] = []

    def stage(self, topic: str = "") -> Stage:
        self._stages.append(stage := Stage(Service(self.server, self.worker, Queues())))
        stage.topic = topic or stage.topic
        return stage

    def close(self) -> None:
        for stage in self._stages:
            stage.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gearmand]:
    with Gearmand(tmp_path_factory.mktemp("gearmand")) as server:
        yield server


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    with Redis(tmp_path_factory.mktemp("redis")) as redis:
        yield redis


@pytest.fixture
def place(server: Gearmand, redis: Redis, tmp_path: Path) -> Iterator[Place]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as statsd:
        statsd.bind(("127.0.0.1", 0))
        statsd.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        statsd.setblocking(False)
        (tmp_path / "gearhorn.conf").write_text(SETTINGS)
        # Keys of its own: another test's lists are none of its business.
        worker = GearhornWorker([server.address], f"redis://{redis.address}/{next(_databases)}", tmp_path)
        worker.env = {
            **os.environ,
            "STATSD_HOST": "127.0.0.1",
            "STATSD_PORT": str(statsd.getsockname()[1]),
            "STATSD_PREFIX": "site",
        }
        with worker, contextlib.closing(Place(server, redis, worker, statsd)) as place:
            yield place
        print(worker.log[-5000:])  # pytest shows it when the test failed
