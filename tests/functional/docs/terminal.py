"""A person's terminal: bash on a pseudo-terminal, to which lines are typed, and which shows what comes."""

import codecs
import contextlib
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Mapping
from fcntl import ioctl
from pathlib import Path

from tests.functional.docs.screen import render

LIMIT_S = 45.0
COLUMNS, ROWS = 1000, 200  # so wide that bash and the terminal break no line; programs go by COLUMNS

_PROMPT = re.compile("\x01(\\d+)\x02")
# The first terminal that the leader of a session opens is the one whose Ctrl-C reaches it.
_OWN_TERMINAL = 'exec bash --norc --noprofile --noediting -i <"$0" >"$0" 2>&1'


class Terminal:
    """What is typed goes to the shell, or to the program that runs there."""

    def __init__(self, folder: Path, environ: Mapping[str, str], own: Callable[[str], str] = str) -> None:
        """`own` is how what it shows is to be read: with the usual ports and folders."""
        self._own = own
        self._raw = ""
        self.seen_count = 0  # how many of `lines` the page has shown
        self.unexplained = ""  # what runs, if nothing is said yet of how it ends
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._near, far = pty.openpty()
        ioctl(far, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        settings = termios.tcgetattr(far)
        settings[3] &= ~termios.ECHO
        termios.tcsetattr(far, termios.TCSANOW, settings)
        self._shell = subprocess.Popen(
            ["sh", "-c", _OWN_TERMINAL, os.ttyname(far)],
            cwd=folder,
            env={**environ, "PS1": "\x01$?\x02", "PS2": "", "HISTFILE": ""},
            start_new_session=True,
        )
        os.close(far)
        self.wait_for(lambda: self.status is not None, "the shell")

    @property
    def status(self) -> int | None:
        """Of the command that was typed last, if it has ended."""
        found = _PROMPT.search(self._raw)
        return int(found[1]) if found else None

    @property
    def lines(self) -> list[str]:
        """What has come since the last command was typed."""
        raw = _PROMPT.sub("", self._raw)
        # a line that is being written is none yet
        whole = raw if self.status is not None else raw[: raw.rfind("\n") + 1]
        return render(self._own(whole))

    def type(self, command: str) -> None:
        self._raw, self.seen_count = "", 0
        os.write(self._near, f"{command}\n".encode())

    def press(self, key: bytes) -> None:
        """For the program that runs there. The terminal forgets what nobody has read yet when Ctrl-C comes."""
        self.wait_for(self._has_program, "a program to run")
        os.write(self._near, key)

    def _has_program(self) -> bool:
        """And no shell that is about to become it, which takes no notice of Ctrl-C."""
        group = os.tcgetpgrp(self._near)
        with contextlib.suppress(OSError):
            return group != self._shell.pid and Path(f"/proc/{group}/comm").read_text() != "bash\n"
        return False

    def wait_for(self, is_there: Callable[[], object], what: str, limit_s: float = LIMIT_S) -> None:
        """Reads meanwhile. Raises TimeoutError that names `what`."""
        deadline = time.monotonic() + limit_s
        while not is_there():
            if time.monotonic() > deadline:
                raise TimeoutError(f"waited {limit_s:g} s for {what}; there was:\n{self._own(self._raw)}")
            self._read(0.05)

    def look(self, wait_s: float) -> None:
        """Whether something more comes, such as the end of what has just been started."""
        with contextlib.suppress(TimeoutError):
            self.wait_for(lambda: self.status is not None, "an end", wait_s)

    def _read(self, wait_s: float) -> None:
        if select.select([self._near], [], [], wait_s)[0]:
            with contextlib.suppress(OSError):  # Linux's way of saying that the other end was closed
                self._raw += self._decoder.decode(os.read(self._near, 65536))

    def close(self) -> None:
        """What ran in it is for the sandbox to end."""
        self._shell.kill()
        self._shell.wait()
        os.close(self._near)
