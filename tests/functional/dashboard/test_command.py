"""`gearhorn dashboard`, and the dashboard of a worker, as processes."""

import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.functional.dashboard.conftest import System, url_in
from tests.servers.gearhorn_worker import GearhornWorker
from tests.servers.process import free_port, wait_until

END_LIMIT_S = 20.0
MISCONFIGURED = 78


def command(*options: str) -> Sequence[str]:
    return [sys.executable, "-m", "gearhorn", "dashboard", "--config-file=/dev/null", *options]


@contextmanager
def running(folder: Path, *options: str) -> Iterator[str]:
    """Its address. It ends in peace."""
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command("--listen=127.0.0.1:0", *options), stderr=log)
    try:
        wait_until(lambda: "http://" in (folder / "log").read_text() or process.poll() is not None, "the address")
        yield url_in((folder / "log").read_text())
        process.send_signal(signal.SIGTERM)
        assert process.wait(END_LIMIT_S) == 0
    finally:
        process.kill()
        process.wait()


def text_at(url: str) -> str:
    with urllib.request.urlopen(url, timeout=20) as answer:
        return str(answer.read().decode())


def test_the_command_shows_the_service_without_being_part_of_it(system: System, tmp_path: Path) -> None:
    options = (f"--store=redis://{system.redis.address}", f"--gearman={system.gearman}")
    with running(tmp_path, *options) as url:
        assert "All is well" in text_at(url)
        assert "web17" in text_at(f"{url}/hosts?q=web17&format=json")


def test_what_is_down_is_shown_and_found_again_when_it_is_back(system: System, tmp_path: Path) -> None:
    options = (f"--store=redis://127.0.0.1:{free_port()}", f"--gearman={system.gearman}")
    with running(tmp_path, *options) as url:
        page = text_at(url)
        assert "the store cannot be reached" in page
        assert system.gearman in page
        assert "not complete" in text_at(f"{url}/hosts?q=web17")


def test_an_address_that_is_taken_is_said(system: System) -> None:
    taken = system.url.removeprefix("http://")
    found = subprocess.run(command(f"--listen={taken}"), stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    assert found.returncode == MISCONFIGURED
    assert taken in found.stderr
    assert found.stderr.count("\n") == 1


def test_an_address_that_is_none_is_wrong_usage() -> None:
    found = subprocess.run(command("--listen=a:b:c"), stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    assert found.returncode == 2


def test_a_worker_whose_dashboard_finds_no_room_serves_without_one(system: System, tmp_path: Path) -> None:
    taken = system.url.removeprefix("http://")
    (tmp_path / "gearhorn.conf").write_text(f"[dashboard]\nlisten = {taken}\n")
    with GearhornWorker([system.gearman], f"redis://{system.redis.address}", tmp_path) as worker:
        assert worker.log.count("dashboard.not_open") == 1
        assert taken in worker.log


def test_a_worker_has_no_dashboard_unless_it_is_told_to(system: System, tmp_path: Path) -> None:
    with GearhornWorker([system.gearman], f"redis://{system.redis.address}", tmp_path) as worker:
        assert "dashboard" not in worker.log


def test_a_stream_holds_up_no_end_of_the_worker(system: System, tmp_path: Path) -> None:
    (tmp_path / "gearhorn.conf").write_text("[dashboard]\nlisten = 127.0.0.1:0\n")
    with (
        GearhornWorker([system.gearman], f"redis://{system.redis.address}", tmp_path) as worker,
        urllib.request.urlopen(f"{url_in(worker.log)}/?format=events", timeout=20) as stream,
    ):
        assert stream.readline().startswith(b"retry: ")
        worker.signal(signal.SIGTERM)
        assert worker.process is not None
        assert worker.process.wait(END_LIMIT_S) == 0
