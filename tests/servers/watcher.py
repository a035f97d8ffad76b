"""Runs `gearhorn subscribers --watch` as people do."""

import sys
from pathlib import Path

from tests.servers.listener import Listener
from tests.servers.process import wait_until


class Watcher(Listener):
    """Up when it says that it watches."""

    said_when_up = "watching "

    def __init__(self, address: str, store_url: str, folder: Path, *arguments: str) -> None:
        super().__init__(address, folder)
        places = [f"--gearman={address}", f"--store={store_url}"]
        self._argv = [sys.executable, "-m", "gearhorn", "subscribers", "--watch", *places, *arguments]

    def wait_for_lines(self, *wanted: str) -> None:
        """For these, in this order, and for nothing else."""
        wait_until(lambda: self._has_at_least(len(wanted)), f"{wanted} in the output {self.output!r}")
        assert self.output.decode().splitlines() == list(wanted)

    def _has_at_least(self, count: int) -> bool:
        return self.output.count(b"\n") >= count
