"""FOLDER ARGUMENTS: the command `gearhorn` with these; its worker is watched over in turns, beginning without.

Each SIGUSR1 is a turn: a file `turn` in FOLDER then says `watched` or `alone`. Watched means that everything is counted
and timed, that systemd's watchdog is fed, a hundred times as often as it would be, and that the log is JSON. Alone it
counts nothing, feeds nobody and writes text; its pages stay, but nobody is to ask for them. So nothing else tells the
two apart: one process, one server, one list.
"""

import asyncio
import os
import signal
import socket
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gearhorn import fanouts, systemd
from gearhorn.cmd import worker
from gearhorn.cmd.main import main
from gearhorn.logs.setting_up import LogSettings, adjust_logging
from gearhorn.monitoring import watchdog

WATCHDOG_S = 0.6

serve = worker.serve
made: list[Any] = []  # what does the fanouts
make = fanouts.Fanouts.__init__


def remember(self: Any, *arguments: Any, **options: Any) -> None:
    make(self, *arguments, **options)
    made.append(self)


class Turns:
    """What the worker is like now."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._is_watched = True
        self._meters: Mapping[str, Any] = made[0]._meters
        self._meter_of = made[0]._meter_of
        self.turn()

    def turn(self) -> None:
        self._is_watched = is_watched = not self._is_watched
        made[0]._meters = self._meters if is_watched else {}
        made[0]._meter_of = self._meter_of if is_watched else lambda request, members: None
        setattr(watchdog, "notify", systemd.notify if is_watched else lambda state: None)  # noqa: B010
        adjust_logging(LogSettings(format="json" if is_watched else "text"))
        (self._folder / "turn").write_text("watched" if is_watched else "alone")


async def serve_in_turns(settings: Any, store: Any, *arguments: Any, **options: Any) -> None:
    loop = asyncio.get_running_loop()

    def begin() -> None:
        if not made:
            loop.call_later(0.05, begin)
            return
        loop.add_signal_handler(signal.SIGUSR1, Turns(folder).turn)

    begin()
    await serve(settings, store, *arguments, **options)


def stand_in_for_systemd() -> None:
    """Listens, and does not mind what it hears."""
    told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    told.bind(str(folder / "notify"))
    os.environ |= {"NOTIFY_SOCKET": str(folder / "notify"), "WATCHDOG_USEC": f"{WATCHDOG_S * 1e6:.0f}"}

    def hear() -> None:
        while told.recv(1000):
            pass

    threading.Thread(target=hear, daemon=True).start()


if __name__ == "__main__":
    folder = Path(sys.argv.pop(1))
    stand_in_for_systemd()
    setattr(fanouts.Fanouts, "__init__", remember)  # noqa: B010 - no part of what the module promises
    setattr(worker, "serve", serve_in_turns)  # noqa: B010
    sys.exit(main())
