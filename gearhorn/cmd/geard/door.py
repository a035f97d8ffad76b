"""Lets connections in: at once, or when they have shown a certificate.

gear's own server shakes hands with one after the other, in the thread that accepts: who connects and says nothing keeps
everybody else out, and each handshake that fails costs all others a second.
"""

import os
import select
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gearhorn.logs.event import log_for
from gearhorn.logs.events.embedded import DOOR_OPEN, DOOR_STUCK, GUEST_LOST, GUEST_REFUSED
from gearhorn.logs.trouble import Trouble

log = log_for(__name__)

LetIn = Callable[[Any, socket.socket], None]

HANDSHAKE_LIMIT_S = 10.0
# More at a time are not waited for: the one that has taken longest has to go.
HANDSHAKES_COUNT = 500
# The process may have no file descriptors left. The next try comes after so long.
ACCEPT_PAUSE_S = 1.0


@dataclass(slots=True)
class _Guest:
    conn: ssl.SSLSocket
    address: Any
    deadline_s: float


class Door:
    """`let_in` is called with each address and socket. With `tls` these have done their handshake."""

    def __init__(self, listener: socket.socket, tls: ssl.SSLContext | None, let_in: LetIn) -> None:
        listener.setblocking(False)
        self._listener = listener
        self._tls = tls
        self._let_in = let_in
        self._trouble = Trouble()
        self._guests: dict[int, _Guest] = {}  # in the order in which they came
        self._poll = select.poll()
        self._poll.register(listener, select.POLLIN)

    def run(self, wake_fd: int) -> None:
        """Until a line can be read from `wake_fd`."""
        self._poll.register(wake_fd, select.POLLIN)
        try:
            while True:
                for fd, _ in self._poll.poll(self._pause_ms()):
                    if fd == wake_fd:
                        _read_line(wake_fd)
                        return
                    self._attend(fd)
                self._send_late_ones_away()
        finally:
            for guest in self._guests.values():
                guest.conn.close()

    def _attend(self, fd: int) -> None:
        if fd == self._listener.fileno():
            self._accept()
        elif fd in self._guests:
            self._shake_hands(fd)

    def _accept(self) -> None:
        try:
            conn, address = self._listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        except OSError as error:
            if self._trouble.begins():
                log.say(DOOR_STUCK, reason=error.strerror)
            time.sleep(ACCEPT_PAUSE_S)
            return
        if self._trouble.ends():
            log.say(DOOR_OPEN)
        if self._tls is None:
            self._open(address, conn)
            return
        conn.setblocking(False)
        guest = self._tls.wrap_socket(conn, server_side=True, do_handshake_on_connect=False)
        self._guests[guest.fileno()] = _Guest(guest, address, time.monotonic() + HANDSHAKE_LIMIT_S)
        self._poll.register(guest, select.POLLIN)
        if len(self._guests) > HANDSHAKES_COUNT:
            self._send_away(next(iter(self._guests)), "too many wait for theirs")

    def _shake_hands(self, fd: int) -> None:
        guest = self._guests[fd]
        try:
            guest.conn.do_handshake()
        except ssl.SSLWantReadError:
            self._poll.modify(fd, select.POLLIN)
        except ssl.SSLWantWriteError:
            self._poll.modify(fd, select.POLLOUT)
        except OSError as error:
            self._send_away(fd, _reason(error))
        else:
            self._forget(fd)
            self._open(guest.address, guest.conn)

    def _open(self, address: Any, conn: socket.socket) -> None:
        try:
            self._let_in(address, conn)
        except OSError as error:  # it has hung up
            log.say(GUEST_LOST, guest=address[0], error=error)
            conn.close()

    def _send_away(self, fd: int, reason: str) -> None:
        guest = self._forget(fd)
        log.say(GUEST_REFUSED, guest=guest.address[0], reason=reason)
        guest.conn.close()

    def _forget(self, fd: int) -> _Guest:
        self._poll.unregister(fd)
        return self._guests.pop(fd)

    def _send_late_ones_away(self) -> None:
        now_s = time.monotonic()
        for fd in [fd for fd, guest in self._guests.items() if guest.deadline_s <= now_s]:
            self._send_away(fd, f"not done within {HANDSHAKE_LIMIT_S:g} s")

    def _pause_ms(self) -> float | None:
        first = next(iter(self._guests.values()), None)
        return None if first is None else max(0.0, first.deadline_s - time.monotonic()) * 1000 + 1


def _read_line(fd: int) -> None:
    while os.read(fd, 1) != b"\n":
        pass


def _reason(error: OSError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate was refused: {error.verify_message}"
    if isinstance(error, ssl.SSLError) and error.reason:
        return error.reason.replace("_", " ").lower()
    return error.strerror or "it hung up"
