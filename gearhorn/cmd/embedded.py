"""gear's Gearman server inside our process: the quick start's, for one host and modest loads."""

import errno
import os
import socket
from typing import Any, Self

from gearhorn.cmd.geard.server import PLAIN, Geard, Manner
from gearhorn.errors import Misconfigured
from gearhorn.net.address import Address

# gear asks for 1: of a few hundred listeners that connect at once, most would wait a second for the next try.
BACKLOG_COUNT = 128


class EmbeddedServer:
    """Serves from its making until `stop`, in threads of its own. Jobs are in memory only."""

    def __init__(self, listen: Address, manner: Manner = PLAIN) -> None:
        """Port 0 lets the kernel choose. Raises Misconfigured when nothing can listen there."""
        try:
            self._server: Any = Geard(listen.port, listen.host, manner)
        except Exception as error:  # gear raises nothing more special
            raise Misconfigured(f"cannot listen on {listen}: {_find_reason(listen, error)}") from error
        self._server.socket.listen(BACKLOG_COUNT)
        # Accepted sockets inherit it. Without it the second of two answers in a row waits up to 40 ms.
        self._server.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    @property
    def address(self) -> Address:
        """Where programs on this host reach it."""
        host, port = self._server.socket.getsockname()[:2]
        return Address(own_host(host), port)

    def stop(self) -> None:
        """Closes all connections. What was queued is lost."""
        self._server.shutdown()
        self._server.poll.close()  # gear forgets this one

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def own_host(listen_host: str) -> str:
    """How this host reaches what listens there: 0.0.0.0 and :: stand for all addresses, and are none."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(listen_host, listen_host)


def _find_reason(listen: Address, error: Exception) -> str:
    """gear keeps to itself why it could not listen: so the kernel is asked once more."""
    try:
        if isinstance(error, OSError):
            raise error
        family = socket.AF_INET6 if ":" in listen.host else socket.AF_INET
        socket.create_server((listen.host, listen.port), family=family).close()
    except OSError as told:
        if told.errno == errno.EADDRINUSE:
            return "the port is taken, perhaps by another Gearman server"
        # Python adds to the kernel's words; a resolver has words of its own.
        return str(told.strerror) if isinstance(told, socket.gaierror) else os.strerror(told.errno or 0)
    return str(error)
