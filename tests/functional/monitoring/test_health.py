"""What is down is listed, and who asks hears the truth, from the first moment to the last: see doc/monitoring.md."""

import contextlib
import json
import os
import re
import signal
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.functional.contract.clients import Client, Receiver
from tests.functional.contract.house import Queues
from tests.functional.monitoring.pages import PAGES, down, get, metrics, readiness
from tests.servers.commands import run_gearhorn
from tests.servers.gearhorn_worker import GearhornWorker
from tests.servers.gearman import Gearmand
from tests.servers.process import wait_until
from tests.servers.stores import Redis

LIMIT_S = 30.0
READY, NOT_READY = (200, "ready"), (503, "not ready")


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[list[Gearmand]]:
    with Gearmand(tmp_path / "one") as one, Gearmand(tmp_path / "other") as other:
        yield [one, other]


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Redis]:
    with Redis(tmp_path / "redis") as redis:
        yield redis


def worker_of(folder: Path, store_url: str, *servers: Gearmand, settings: str = "") -> GearhornWorker:
    folder.mkdir()
    (folder / "gearhorn.conf").write_text(PAGES + settings)
    return GearhornWorker([server.address for server in servers], store_url, folder)


def test_what_is_down_is_listed_and_only_what_stops_the_work_makes_it_not_ready(
    tmp_path: Path, servers: list[Gearmand], redis: Redis
) -> None:
    with worker_of(tmp_path / "worker", f"redis://{redis.address}", *servers) as worker:
        parts = [f"server {server.address}" for server in servers]
        assert get(worker, "/readyz").text == '{"status":"ready","down":[]}\n'
        assert get(worker, "/readyz", "text/plain").text == "ready\n"
        assert get(worker, "/").text.count("\n") == 3

        servers[0].kill()
        wait_until(lambda: down(worker).keys() == {parts[0]}, "the first server to be missed", LIMIT_S)
        assert readiness(worker) == READY
        assert metrics(worker)["gearhorn_link_up"]["copies", servers[0].address] == 0.0

        servers[1].kill()
        wait_until(lambda: down(worker).keys() == set(parts), "both servers to be missed", LIMIT_S)
        assert readiness(worker) == NOT_READY
        assert get(worker, "/livez").status == 200
        assert metrics(worker)["gearhorn_ready"] == {(): 0.0}
        assert metrics(worker)["gearhorn_down"] == {(part,): 1.0 for part in parts}

        for server in servers:
            server.start()
        wait_until(lambda: down(worker) == {}, "the servers to be found again", LIMIT_S)
        assert readiness(worker) == READY

        redis.stop()
        wait_until(lambda: "store" in down(worker), "the store to be missed", LIMIT_S)
        assert readiness(worker) == NOT_READY
        wait_until(lambda: "lease" in down(worker), "the lease to run out", LIMIT_S)
        assert metrics(worker)["gearhorn_lease_left_seconds"] == {(): 0.0}
        assert sum(metrics(worker)["gearhorn_store_errors_total"].values()) > 0
        status, reason, *_ = get(worker, "/readyz", "text/plain").text.splitlines()
        assert status == "not ready"
        assert re.fullmatch(rf"store: .*{redis.address}.*refused.* \(since \S+Z\)", reason)
        one = json.loads(get(worker, "/livez").text)["down"][0]
        assert one.keys() == {"part", "reason", "since", "stops_work"}

        redis.start()
        wait_until(lambda: readiness(worker) == READY and down(worker).keys() == {"lists"}, "an empty store", LIMIT_S)
        assert run_gearhorn(tmp_path, "topics", "forget-loss", f"--store=redis://{redis.address}").returncode == 0
        wait_until(lambda: not down(worker), "all to be well", LIMIT_S)
        found = metrics(worker)
        assert found["gearhorn_lease_left_seconds"][()] > 0.0
        assert found["gearhorn_ready"] == {(): 1.0}
        assert "gearhorn_down" not in found


def test_while_it_finishes_its_jobs_it_lives_and_is_not_ready(tmp_path: Path, servers: list[Gearmand]) -> None:
    queues = Queues()
    with worker_of(tmp_path / "worker", f"sqlite:///{tmp_path}/lists.db", servers[0]) as worker:
        with contextlib.closing(Client(servers[0])) as client, contextlib.closing(Receiver(servers[0])) as receiver:
            client.request(queues.subscribe, {"topic": "news", "client_id": "ann"})
            receiver.can_do(b"news_ann")
            handle = client.start(queues.fanout, {"topic": "news", "payload": "hello"})
            job = receiver.take()
            worker.signal(signal.SIGTERM)
            wait_until(lambda: readiness(worker) == NOT_READY, "the worker to stop", LIMIT_S)
            assert down(worker) == {"service": "it stops, and finishes the jobs that it holds"}
            assert get(worker, "/livez").status == 200
            assert metrics(worker)["gearhorn_jobs_in_flight"] == {(servers[0].address,): 1.0}
            receiver.complete(job.handle)
            assert client.finish(handle).count == 1
        assert worker.process is not None
        assert worker.process.wait(LIMIT_S) == 0
        assert "WARNING" not in worker.log


def test_a_worker_that_waits_for_its_store_and_whose_port_is_taken_says_so_and_mends_itself(
    tmp_path: Path, servers: list[Gearmand], redis: Redis
) -> None:
    worker = worker_of(tmp_path / "worker", f"redis://{redis.address}", servers[0])
    redis.stop()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        (worker.folder / "gearhorn.conf").write_text(f"[metrics]\nlisten = 127.0.0.1:{port}\n")
        with contextlib.ExitStack() as stack:
            stack.callback(worker.stop)
            start_without_waiting(worker)
            wait_until(lambda: "pages.closed" in worker.log, "the warning", LIMIT_S)
            taken.close()
            wait_until(lambda: "pages.open" in worker.log, "the pages to be open", LIMIT_S)
            assert get(worker, "/livez").status == 200
            assert readiness(worker) == NOT_READY
            assert down(worker).keys() == {"service", "store", f"server {servers[0].address}", "lease"}
            redis.start()
            wait_until(lambda: readiness(worker) == READY, "the worker to be ready", LIMIT_S)
    assert worker.log.count("pages.closed") == 1


def start_without_waiting(worker: GearhornWorker) -> None:
    worker.is_ready = lambda: True  # type: ignore[method-assign]
    worker.start()


def test_systemds_watchdog_is_fed_while_the_loop_turns_and_not_while_it_is_stuck(
    tmp_path: Path, servers: list[Gearmand]
) -> None:
    worker = worker_of(tmp_path / "worker", f"sqlite:///{tmp_path}/lists.db", servers[0])
    program = Path(__file__).with_name("stuck_worker.py")
    worker.argv[:3] = [sys.executable, str(program)]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.bind(str(tmp_path / "notify"))
        told.setblocking(False)
        worker.env = {**os.environ, "NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "300000"}
        with worker:
            wait_until(lambda: fed_count(told) > 0, "the watchdog to be fed", LIMIT_S)
            (worker.folder / "stuck").touch()
            worker.signal(signal.SIGUSR1)
            wait_until((worker.folder / "stands").exists, "the loop to stand still", LIMIT_S)
            fed_count(told)  # what was told before
            time.sleep(1.0)
            assert fed_count(told) == 0
            (worker.folder / "stuck").unlink()
            wait_until(lambda: fed_count(told) > 0, "the watchdog to be fed again", LIMIT_S)
            (worker.folder / "stuck").touch()
            worker.signal(signal.SIGUSR1)
            wait_until((worker.folder / "stands").exists, "the loop to stand still", LIMIT_S)
            assert worker.process is not None
            worker.signal(signal.SIGABRT)  # as systemd does then
            worker.process.wait(LIMIT_S)
            assert "in stand_still" in worker.log


def fed_count(told: socket.socket) -> int:
    count = 0
    with contextlib.suppress(BlockingIOError):
        while True:
            count += told.recv(1000) == b"WATCHDOG=1"
    return count
