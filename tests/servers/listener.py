"""Runs `gearhorn listen` as people do, from the line that says it listens to its end."""

import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from tests.servers.process import wait_until
from tests.servers.standalone import clean_environment

END_LIMIT_S = 60.0


class Listener:
    """`output` is what it has printed so far, `log` what it has said. With `with`, it is up inside and gone after."""

    said_when_up = "listening to "

    def __init__(self, address: str, folder: Path, *arguments: str, environ: dict[str, str] | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._environ = {**clean_environment(folder), **(environ or {})}
        self._argv = [sys.executable, "-m", "gearhorn", "listen", f"--gearman={address}", *arguments]
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def output(self) -> bytes:
        return (self._folder / "output").read_bytes()

    @property
    def log(self) -> str:
        return (self._folder / "log").read_text(errors="replace")

    def launch(self) -> Self:
        """Starts it, and does not wait until it listens."""
        with (self._folder / "output").open("wb") as output, (self._folder / "log").open("wb") as log:
            self.process = subprocess.Popen(
                self._argv,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=log,
                cwd=self._folder,
                env=self._environ,
            )
        return self

    def start(self) -> Self:
        self.launch()
        wait_until(self._is_listening, "the listener", END_LIMIT_S)
        return self

    def wait_for_output(self, wanted: bytes) -> None:
        wait_until(lambda: wanted in self.output, f"{wanted!r} in the output", END_LIMIT_S)

    def wait_for_log(self, wanted: str, times: int = 1) -> None:
        wait_until(lambda: self.log.count(wanted) >= times, f"{wanted!r} in the log", END_LIMIT_S)

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Sends the signal and returns the exit status."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        assert self.process is not None
        return self.process.wait(END_LIMIT_S)

    def _is_listening(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            raise RuntimeError(f"the listener ended with {self.process.returncode}: {self.log}")
        return self.said_when_up in self.log

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def run_publish(
    address: str, home: Path, *arguments: str | bytes, stdin: bytes = b"", environ: Sequence[tuple[str, str]] = ()
) -> subprocess.CompletedProcess[bytes]:
    """`gearhorn publish` to its end; no stream of it is a terminal."""
    return subprocess.run(
        [sys.executable, "-m", "gearhorn", "publish", f"--gearman={address}", *arguments],
        env={**clean_environment(home), **dict(environ)},
        input=stdin,
        capture_output=True,
        timeout=END_LIMIT_S,
        check=False,
    )
