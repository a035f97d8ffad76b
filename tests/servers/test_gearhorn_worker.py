from pathlib import Path

import pytest

from tests.servers.gearhorn_worker import GearhornWorker
from tests.servers.gearman import Gearmand


def test_the_worker_is_up_when_its_queues_are_served_and_again_after_a_restart(tmp_path: Path) -> None:
    with Gearmand(tmp_path / "gearmand") as gearmand, _worker(gearmand, tmp_path) as worker:
        assert worker.log.count("service.ready") == 1
        worker.restart()
        assert worker.log.count("service.ready") == 2


def test_a_worker_that_ends_at_once_is_a_failure_that_shows_its_last_words(tmp_path: Path) -> None:
    worker = GearhornWorker(["127.0.0.1:1"], "nonsense://", tmp_path / "worker")
    with pytest.raises(RuntimeError, match="nonsense"):
        worker.start()


def _worker(gearmand: Gearmand, tmp_path: Path) -> GearhornWorker:
    return GearhornWorker([gearmand.address], "memory://", tmp_path / "worker")
