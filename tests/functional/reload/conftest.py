"""One Gearman server and one worker for all tests of a module; each test finds it with the usual settings."""

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.functional.contract.house import Queues, Service
from tests.functional.contract.stage import Stage
from tests.servers.gearhorn_worker import GearhornWorker
from tests.servers.gearman import Gearmand
from tests.servers.process import wait_until

LIMIT_S = 60.0

# What the log says when the files have been read.
ANSWERS = ("settings.read", "settings.broken")


class ReloadingWorker(GearhornWorker):
    """Writes its settings anew, and waits until the worker has taken note."""

    def write(self, settings: str) -> None:
        (self.folder / "gearhorn.conf").write_text(settings)

    def change(self, settings: str) -> str:
        """What the log says to it. The level must be such that it says something."""
        self.write(settings)
        return self.reload()

    def reload(self) -> str:
        seen = len(self.log)
        self.signal(signal.SIGHUP)
        wait_until(lambda: any(each in self.log[seen:] for each in ANSWERS), "an answer to SIGHUP", LIMIT_S)
        wait_until(lambda: self.log.endswith("\n"), "the end of the line", LIMIT_S)
        return self.log[seen:]

    def wait_for(self, words: str, seen: int = 0) -> None:
        wait_until(lambda: words in self.log[seen:], f"{words!r} in {self.log[seen:]}", LIMIT_S)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("reload")
    with Gearmand(folder / "gearmand") as server:
        worker = ReloadingWorker([server.address], "memory://", folder / "worker")
        with worker:
            yield Service(server, worker, Queues())
            print(worker.log[-10000:])
            assert worker.process is not None
            worker.signal(signal.SIGTERM)
            assert worker.process.wait(LIMIT_S) == 0
        assert "Traceback" not in worker.log


@pytest.fixture
def stage(house: Service) -> Iterator[Stage]:
    stage = Stage(house)
    yield stage
    stage.close()
    worker: Any = house.worker
    worker.change("")


@pytest.fixture
def worker(house: Service) -> ReloadingWorker:
    assert isinstance(house.worker, ReloadingWorker)
    return house.worker


@pytest.fixture
def own_worker(house: Service, tmp_path: Path) -> ReloadingWorker:
    """One that a test starts and ends by itself. It serves the same server."""
    return ReloadingWorker([house.server.address], "memory://", tmp_path / "own")
