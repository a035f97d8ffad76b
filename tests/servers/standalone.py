"""Runs `gearhorn standalone` as a new user does, on a port of its own."""

import os
import socket
import sys
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from tests.servers.gearhorn_worker import NO_PAGES
from tests.servers.ports import PortReservation
from tests.servers.process import ServerProcess

READY = " ready: "
ANSWER_LIMIT_S = 10.0


LEFT_OUT = ("FORCE_COLOR", "GEARMAN_SERVERS", "NO_COLOR", "PYTHONUNBUFFERED", "XDG_STATE_HOME")


def clean_environment(home: Path) -> dict[str, str]:
    """The environment of somebody without a configuration of gearhorn, and without habits that change its output."""
    kept = {name: value for name, value in os.environ.items() if name not in LEFT_OUT}
    return {**kept, "HOME": str(home)}


class Standalone(ServerProcess):
    """Keeps its data in `folder`/data, and its log, with what it prints, in `folder`/log."""

    def __init__(self, folder: Path, extra_args: Sequence[str] = ()) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._reservation = PortReservation()
        weakref.finalize(self, self._reservation.release)
        port = self._reservation.port
        home = folder / ".gearhorn"
        home.mkdir(exist_ok=True)
        (home / "gearhorn.conf").write_text(NO_PAGES)
        place = [f"--port={port}", f"--data-dir={folder / 'data'}"]
        command = [sys.executable, "-m", "gearhorn", "standalone", *place, *extra_args]
        self._old_log_characters = 0
        super().__init__(command, port, folder, clean_environment(folder))

    @property
    def store_url(self) -> str:
        return f"sqlite:///{self.folder / 'data' / 'gearhorn.db'}"

    def start(self) -> Self:
        self._old_log_characters = len(self.log)
        try:
            super().start()
        except BaseException:
            self.stop()
            raise
        return self

    def is_ready(self) -> bool:
        return READY in self.log[self._old_log_characters :]

    def ask(self, request: bytes, end: bytes) -> bytes:
        """What it answers to an admin command or a packet, up to and with `end`."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=ANSWER_LIMIT_S) as connection:
            connection.sendall(request)
            answer = b""
            while not answer.endswith(end):
                received = connection.recv(65536)
                assert received, f"it hung up after {answer!r}"
                answer += received
        return answer

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()
