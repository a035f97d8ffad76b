"""Runs the service as operators do: `gearhorn worker` as a process of its own."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from tests.servers.process import ServerProcess

READY = " ready: "


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
        command = [sys.executable, "-m", "gearhorn", "worker", f"--config-file={settings}", f"--store={store_url}"]
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

    def is_ready(self) -> bool:
        return READY in self.log[self._old_log_characters :]

    def restart(self) -> None:
        self.stop()
        self.start()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()
