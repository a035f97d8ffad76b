"""Runs the service as operators do: `gearhorn worker` as a process of its own."""

import itertools
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from tests.servers.process import ServerProcess

READY = " ready: "

# Short, so that tests need not wait long for workers that they kill.
LEASE_TTL_S = 3.0

# Workers of one machine would want the same port for their pages.
NO_PAGES = "[metrics]\nlisten =\n"

# Each worker needs an id of its own among those that share a store; a restarted one comes back with the same.
_numbers = itertools.count()


class GearhornWorker(ServerProcess):
    """The service on `gearman_addresses` (HOST:PORT each), up when its log says so. It has no port.

    A restart finds the lists again if `store_url` outlasts the process: memory:// does not. Options of this machine's
    configuration files do not reach it.
    """

    def __init__(
        self, gearman_addresses: Sequence[str], store_url: str, folder: Path, extra_args: Sequence[str] = ()
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        settings = folder / "gearhorn.conf"
        settings.touch()
        servers = [f"--gearman={address}" for address in gearman_addresses]
        self.worker_id = f"test-{os.getpid()}-{next(_numbers)}"
        own = folder / "own.conf"
        own.write_text(f"[matchmaking]\nworker_id = {self.worker_id}\nlease_ttl = {LEASE_TTL_S:g}\n{NO_PAGES}")
        files = [f"--config-file={own}", f"--config-file={settings}"]  # what a test wishes comes last, and counts
        command = [sys.executable, "-m", "gearhorn", "worker", *files, f"--store={store_url}"]
        self._old_log_characters = 0
        super().__init__([*command, *servers, *extra_args], 0, folder)

    def start(self) -> Self:
        self._old_log_characters = len(self.log)
        try:
            super().start()
        except BaseException:
            self.stop()
            raise
        return self

    @property
    def new_log(self) -> str:
        """Since its last start."""
        return self.log[self._old_log_characters :]

    def is_ready(self) -> bool:
        return READY in self.new_log

    def restart(self) -> None:
        self.stop()
        self.start()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()
