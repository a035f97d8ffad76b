"""Keys as they are pressed, without Enter and without an echo; the terminal is as it was afterwards."""

import asyncio
import os
import sys
import termios
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

# More than anybody presses between two reads; what was pasted by mistake is read and mostly means nothing.
_READ_BYTES = 1024
_ESCAPE = "\x1b"


@contextmanager
def keys_pressed(hear: Callable[[str], None]) -> Iterator[None]:
    """Calls `hear` with each character, inside the event loop. Nothing is read where the input is no terminal, nor of
    one that the command runs in the background of.
    """
    descriptor = sys.stdin.fileno() if sys.stdin is not None and sys.stdin.isatty() else -1
    if descriptor < 0 or os.tcgetpgrp(descriptor) != os.getpgrp():
        yield
        return
    loop = asyncio.get_running_loop()

    def read() -> None:
        try:
            pressed = os.read(descriptor, _READ_BYTES)
        except OSError:  # the terminal has gone
            pressed = b""
        if not pressed:
            loop.remove_reader(descriptor)
        for character in _plain(pressed.decode(errors="replace")):
            hear(character)

    before = termios.tcgetattr(descriptor)
    tty.setcbreak(descriptor, termios.TCSANOW)  # Ctrl-C still is a signal
    loop.add_reader(descriptor, read)
    try:
        yield
    finally:
        loop.remove_reader(descriptor)
        with suppress(termios.error):
            termios.tcsetattr(descriptor, termios.TCSANOW, before)


def _plain(pressed: str) -> str:
    """Arrows and the like come as an escape and letters, which must not be taken for keys."""
    return "" if pressed.startswith(_ESCAPE) and len(pressed) > 1 else pressed
