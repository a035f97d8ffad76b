"""One TCP connection that drives one role: bytes to the role, its events to a handler, its output to the socket."""

import asyncio
import contextlib
import os
import re
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar, cast

from gearhorn.errors import ProtocolViolation, ServerUnavailable
from gearhorn.logs.event import log_for
from gearhorn.logs.events.servers import SERVER_PACKET_BUG
from gearhorn.net.address import Address
from gearhorn.net.tls import explain

log = log_for(__name__)

Event = TypeVar("Event")


CLOSE_LIMIT_S = 2.0
# A server that holds answers back sends them one by one. More than a few at once come from one that does not.
SMALL_READ_BYTES = 256

# Copying a piece that is smaller costs less than a write that gathers pieces.
LARGE_PIECE_BYTES = 4 << 10

_TLS_HINT = " (does it speak TLS on this port?)"

# How the reasons begin when an open connection ends, and not by our own doing.
LOST = (_LOST := "the connection was lost", _HUNG_UP := "the server closed the connection")

_ERRNO = re.compile(r"\[Errno (\d+)\]")


@dataclass(frozen=True, slots=True)
class LinkSettings:
    """How to connect, and how to notice that the other side is gone."""

    connect_timeout_s: float = 10.0
    # A server that owes an answer and sends nothing for this long is given up.
    answer_timeout_s: float = 30.0
    # A silent peer is probed after `keepalive_s`; one that acknowledges nothing for three times as long is gone.
    keepalive_s: int = 15
    first_retry_s: float = 0.1
    most_retry_s: float = 10.0
    tls: ssl.SSLContext | None = field(default=None, compare=False)
    # Of the files that the context was made of: see mark_of in tls.py.
    tls_mark: str = ""


class Role(Protocol[Event]):
    """What a connection needs from a role of `wire`."""

    @property
    def violation(self) -> ProtocolViolation | None: ...

    def receive(self, data: bytes) -> list[Event]: ...

    def take_pieces(self) -> list[bytes]: ...


class Connection(asyncio.Protocol, Generic[Event]):
    """Calls `handle` for each event inside the read callback and sends afterwards what the role has to say, at once.

    `after_read` is called between the two. `answered` is done when the first byte comes in: not everything that accepts
    is a server. `closed` is done when the connection is gone, with a line that says why.
    """

    def __init__(self, role: Role[Event], handle: Callable[[Event], None], after_read: Callable[[], None]) -> None:
        self.closed: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.answered: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._received_at_s = 0.0
        self._loop = asyncio.get_running_loop()
        self._role = role
        self._handle = handle
        self._after_read = after_read
        self._transport: asyncio.Transport | None = None
        self._socket: socket.socket | None = None
        self._flush_is_due = False
        self._is_paused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._socket = transport.get_extra_info("socket")
        self._received_at_s = self._loop.time()

    def data_received(self, data: bytes) -> None:
        self._received_at_s = self._loop.time()
        if not self.answered.done():
            self.answered.set_result(None)
        self._flush_is_due = True  # below; whoever asks for it meanwhile need not arrange it
        for event in self._role.receive(data):
            try:
                self._handle(event)
            except Exception as error:  # noqa: BLE001 - which the log shows
                log.say(SERVER_PACKET_BUG, because=error)
        if self._role.violation is not None:
            self.abort(str(self._role.violation))
            return
        self._after_read()
        if not self.flush() and len(data) < SMALL_READ_BYTES:
            self._acknowledge()

    def eof_received(self) -> None:
        """The server closed its side; no half-open connections are kept."""

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = self._socket = None
        if not self.closed.done():
            self.closed.set_result(_why_lost(error))

    def silent_s(self) -> float:
        """Seconds since the last byte came in."""
        return self._loop.time() - self._received_at_s

    @property
    def backlog_bytes(self) -> int:
        """What was sent and the peer's side has not taken yet."""
        return self._transport.get_write_buffer_size() if self._transport is not None else 0

    def pause_reading(self) -> None:
        """Leaves to the peer what it sends from now on. May be called again; so may `resume_reading`."""
        if self._transport is not None and not self._is_paused:
            self._is_paused = True
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        if self._transport is not None and self._is_paused:
            self._is_paused = False
            self._transport.resume_reading()

    def flush_soon(self) -> None:
        """Sends what the role has to say, together with whatever else it is told before the loop comes round."""
        if not self._flush_is_due:
            self._flush_is_due = True
            self._loop.call_soon(self.flush)

    def abort(self, reason: str) -> None:
        """Ends the connection at once. What was not sent is lost."""
        if not self.closed.done():
            self.closed.set_result(reason)
        if self._transport is not None:
            self._transport.abort()

    async def close(self) -> None:
        """Sends what is waiting, then ends the connection. A peer that does not let it go is not waited for long."""
        self.flush()
        if self._transport is not None:
            self._transport.close()
            await asyncio.wait([self.closed], timeout=CLOSE_LIMIT_S)

    def flush(self) -> bool:
        """Sends what the role has to say. Whether there was anything."""
        self._flush_is_due = False
        pieces = self._role.take_pieces()
        if pieces and self._transport is not None:
            if max(map(len, pieces)) < LARGE_PIECE_BYTES:
                self._transport.write(b"".join(pieces))
            else:
                self._transport.writelines(pieces)  # uvloop does not copy them
        return bool(pieces)

    def _acknowledge(self) -> None:
        """Tells the peer at once that its bytes came: nothing that we send does so.

        geard sets no TCP_NODELAY. Of several answers in a row it holds back all but the first until the kernel would
        acknowledge that one of itself, 40 ms later: on an idle server every single job would take that long.
        """
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)


async def connect(address: Address, settings: LinkSettings, make: Callable[[], Connection[Any]]) -> None:
    """Opens the connection made by `make`. Raises ServerUnavailable with a line that says what failed."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(settings.connect_timeout_s):
            transport, _ = await loop.create_connection(
                make,
                address.host,
                address.port,
                ssl=settings.tls,
                server_hostname=address.host if settings.tls and settings.tls.check_hostname else _no_name(settings),
            )
    except TimeoutError:
        hint = _TLS_HINT if settings.tls else ""  # geard takes the handshake for a command that goes on
        raise ServerUnavailable(f"no answer within {settings.connect_timeout_s:g} s{hint}") from None
    except ssl.SSLError as error:
        raise ServerUnavailable(explain(error)) from error
    except (OSError, UnicodeError) as error:  # the last for what can be no host's name
        hint = _TLS_HINT if settings.tls and isinstance(error, ConnectionResetError | ConnectionAbortedError) else ""
        raise ServerUnavailable(f"{_reason(error)}{hint}") from error
    _tune(transport.get_extra_info("socket"), settings)


def _why_lost(error: Exception | None) -> str:
    if isinstance(error, ssl.SSLError):  # in TLS 1.3 only now a client hears that its certificate was refused
        return explain(error)
    return f"{_LOST}: {error}" if error else _HUNG_UP


def _no_name(settings: LinkSettings) -> str | None:
    return "" if settings.tls else None


def error_numbers(error: BaseException | None) -> set[int]:
    """The system's, of each address of a host that was tried; none where it is not the system's word."""
    if isinstance(error, socket.gaierror):
        return set()
    return {int(number) for number in _ERRNO.findall(str(error))}


def _reason(error: Exception) -> str:
    """The system's words where there are any: asyncio puts its own, and every address that it tried, in their place."""
    numbers = error_numbers(error)
    if numbers:
        return ", ".join(map(os.strerror, sorted(numbers)))
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__


def _tune(sock: socket.socket, settings: LinkSettings) -> None:
    # Without TCP_NODELAY a worker that sends twice in a row does 23 jobs a second.
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, settings.keepalive_s)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, settings.keepalive_s)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)
        # Keepalive does not run while data is unacknowledged; this does.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, settings.keepalive_s * 3 * 1000)
