"""Starts real servers for tests: on a free port of 127.0.0.1, in a folder of their own, and stops them after."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

START_LIMIT_S = 20.0


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def find_program(name: str) -> str:
    """The path of an installed program. A missing one fails the test: a skipped test would hide it."""
    path = shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin:/usr/local/sbin")
    if path is None:
        raise RuntimeError(f"{name} is not installed: bindep.txt names the Debian packages that the tests need")
    return path


def accepts_connections(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def wait_until(true: Callable[[], object], what: str, limit_s: float = START_LIMIT_S) -> None:
    """Polls until `true()` is truthy; a limit passed is a failure that names `what`."""
    deadline = time.monotonic() + limit_s
    while not true():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {limit_s:g} s for {what}")
        time.sleep(0.01)


class ServerProcess:
    """One server process. `stop` and `start` may alternate; the port stays the same."""

    def __init__(self, argv: Sequence[str], port: int, folder: Path, env: dict[str, str] | None = None) -> None:
        self.argv = list(argv)
        self.port = port
        self.folder = folder
        self.env = env
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        path = self.folder / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    def start(self) -> "ServerProcess":
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                self.argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder, env=self.env
            )
        wait_until(self._is_up, f"{self.argv[0]} on port {self.port}")
        return self

    def _is_up(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            raise RuntimeError(f"{self.argv[0]} ended with {self.process.returncode}: {self.log[-2000:]}")
        return self.is_ready()

    def is_ready(self) -> bool:
        return accepts_connections(self.port)

    def signal(self, number: signal.Signals) -> None:
        """Sends the signal. SIGSTOP has had its effect when this returns: it may take a moment."""
        assert self.process is not None
        self.process.send_signal(number)
        if number == signal.SIGSTOP:
            threads = Path(f"/proc/{self.process.pid}/task")
            wait_until(lambda: all(_is_stopped(thread) for thread in threads.iterdir()), "the server to stand still")

    def kill(self) -> None:
        """SIGKILL: the server has no chance to say good-bye."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def stop(self) -> None:
        """SIGTERM, and SIGKILL if that does not do within five seconds. Works on a stopped (SIGSTOP) one too."""
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        self.process.send_signal(signal.SIGCONT)
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None


def _is_stopped(thread: Path) -> bool:
    """See proc(5): the state stands behind the program's name, which is in parentheses."""
    return (thread / "stat").read_text().rpartition(")")[2].split()[0] == "T"
