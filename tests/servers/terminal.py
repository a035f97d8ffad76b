"""Runs the command `gearhorn` at a terminal of which one can see the screen and press the keys."""

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path
from typing import Self

import pyte

from tests.servers.standalone import clean_environment

LIMIT_S = 60.0
READ_S = 0.05


class Terminal:
    """To be used in a `with` statement, which ends the command."""

    def __init__(self, home: Path, *arguments: str, columns: int = 80, rows: int = 24, **environ: str) -> None:
        self.screen = pyte.Screen(columns, rows)
        self.shown = b""
        self._stream = pyte.ByteStream(self.screen)
        self._command = [sys.executable, "-m", "gearhorn", *arguments]
        self._env = {**clean_environment(home), "TERM": "xterm-256color", **environ}
        for name in ("COLUMNS", "LINES"):
            self._env.pop(name, None)

    def __enter__(self) -> Self:
        self._near, far = pty.openpty()
        self._set_size()
        self.process = subprocess.Popen(
            self._command,
            env=self._env,
            stdin=far,
            stdout=far,
            stderr=far,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # its own terminal, to which Ctrl-C belongs
        )
        os.close(far)
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.close()

    def close(self) -> None:
        """As when its window is closed. May be called twice."""
        if self._near >= 0:
            os.close(self._near)
        self._near = -1

    @property
    def text(self) -> str:
        """What is on the screen, lines without the blanks at their ends."""
        return "\n".join(line.rstrip() for line in self.screen.display)

    def press(self, keys: str) -> None:
        os.write(self._near, keys.encode())

    def resize(self, columns: int, rows: int) -> None:
        self.screen.resize(rows, columns)
        self._set_size()
        self.process.send_signal(signal.SIGWINCH)

    def wait_for(self, *texts: str) -> str:
        """The screen that has all of them."""
        end_s = time.monotonic() + LIMIT_S
        while not all(text in self.text for text in texts):
            assert time.monotonic() < end_s, f"waiting for {texts}, the screen is\n{self.text}"
            self.read()
        return self.text

    def wait_for_end(self) -> int:
        """Its exit status, when all that it wrote was read."""
        end_s = time.monotonic() + LIMIT_S
        while self.process.poll() is None:
            assert time.monotonic() < end_s, f"it does not end; the screen is\n{self.text}"
            self.read()
        while self.read():
            pass
        return self.process.returncode

    def is_echoing(self) -> bool:
        """Whether the terminal is as a shell wants it: with an echo, and with lines."""
        flags = termios.tcgetattr(self._near)[3]
        return bool(flags & termios.ECHO and flags & termios.ICANON)

    def read(self) -> bool:
        """Takes in what comes within a moment. False: nothing came."""
        if not select.select([self._near], [], [], READ_S)[0]:
            return False
        try:
            data = os.read(self._near, 65536)
        except OSError:  # Linux's way of saying that the other end was closed
            return False
        self.shown += data
        self._stream.feed(data)
        return bool(data)

    def _set_size(self) -> None:
        size = struct.pack("HHHH", self.screen.lines, self.screen.columns, 0, 0)
        fcntl.ioctl(self._near, termios.TIOCSWINSZ, size)
