"""SIGHUP: the wish to read the settings again, or the end of the terminal that the service was started in."""

import asyncio
import os
import signal
from collections.abc import Callable


class Hangups:
    """Heeds the signal from its making on, in the main thread: unheeded it would end the process. What comes before
    `attend` is called is passed on then.
    """

    def __init__(self) -> None:
        was_ignored = signal.getsignal(signal.SIGHUP) == signal.SIG_IGN  # nohup(1): not to end with the terminal
        self._ends_with_terminal = not was_ignored and _has_terminal()
        self._came = False
        signal.signal(signal.SIGHUP, self._note)

    def attend(self, read_again: Callable[[], None], stop: Callable[[], None]) -> None:
        """To be called in the event loop."""

        def pass_on() -> None:
            if self._ends_with_terminal and not _has_terminal():
                stop()
            else:
                read_again()

        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, pass_on)
        if self._came:
            pass_on()

    def _note(self, *_: object) -> None:
        self._came = True


def _has_terminal() -> bool:
    """The kernel takes it from all processes of a session before it tells them that it is gone."""
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK))
    except OSError:
        return False
    return True
