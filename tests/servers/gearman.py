"""Starts the three Gearman servers that there are, each as users run it.

Start to first answer, measured alone on the machine that this was written on: gearmand 12 ms, geard 0.1 s, Perl's
0.12 s. So every test has a server of its own. Rules of a server that tests rely on do not belong here but in
tests/functional/facts.
"""

import os
import pwd
import socket
import ssl
import sys
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Self

from tests.servers.certificates import Certificates
from tests.servers.perl_server import library_path, unpacked_server
from tests.servers.ports import PortReservation, holds_any, listeners
from tests.servers.process import ServerProcess, find_program

PORT_TRIES = 5
ANSWER_LIMIT_S = 10.0

GEARD_LOGGING = """\
[loggers]
keys=root
[handlers]
keys=stderr
[formatters]
keys=
[logger_root]
level=ERROR
handlers=stderr
[handler_stderr]
class=StreamHandler
args=(sys.stderr,)
"""


class PortTakenError(RuntimeError):
    """Another process listens on the port that was meant for this server."""


class GearmanServer(ServerProcess):
    """A Gearman server on a port of its own. A restart keeps the port; a context manager starts and stops it."""

    kind: ClassVar[str]

    def __init__(self, folder: Path, env: dict[str, str] | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._has_answered = False
        self._reserve_port()
        super().__init__(self._command(self._reservation.port, folder), self._reservation.port, folder, env)

    def _command(self, port: int, folder: Path) -> list[str]:
        raise NotImplementedError

    def start(self) -> Self:
        """Starts it and waits for its first answer. On a port that got taken, the first start tries another one."""
        for _ in range(PORT_TRIES):
            try:
                super().start()
            except BaseException as error:
                self.kill()  # gearmand without a port takes its time over SIGTERM
                if not self._may_try_elsewhere(error):
                    raise
                self._move()
            else:
                self._has_answered = True
                return self
        raise RuntimeError(f"{PORT_TRIES} ports, one after the other, were all taken")

    def is_ready(self) -> bool:
        """Whether it answers. It must be the one that listens: gearmand on a taken port lives on in silence."""
        sockets = listeners(self.port)
        if not sockets:
            return False
        if self.process is None or not holds_any(self.process.pid, sockets):
            raise PortTakenError(f"somebody else listens on port {self.port}")
        return self._answers()

    def _answers(self) -> bool:
        try:
            with self._connect() as connection:
                connection.sendall(b"status\n")
                return bool(connection.recv(1))
        except OSError:
            return False

    def _connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=ANSWER_LIMIT_S)

    def _may_try_elsewhere(self, error: BaseException) -> bool:
        # geard and Perl's end on a taken port, and may do so before we have looked who listens there
        return isinstance(error, RuntimeError) and not self._has_answered and bool(listeners(self.port))

    def _move(self) -> None:
        self._reserve_port()
        self.port = self._reservation.port
        self.argv = self._command(self.port, self.folder)

    def _reserve_port(self) -> None:
        self._reservation = PortReservation()
        weakref.finalize(self, self._reservation.release)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


class Gearmand(GearmanServer):
    """gearmand, the server in C++. `threads` are its I/O threads; `extra` are further options."""

    kind = "gearmand"

    def __init__(self, folder: Path, threads: int = 4, extra: Sequence[str] = ()) -> None:
        self._options = [f"--threads={threads}", *extra]
        super().__init__(folder)

    def _command(self, port: int, folder: Path) -> list[str]:
        # started by root it insists on being told whom to become
        user = [f"--user={pwd.getpwuid(0).pw_name}"] if os.geteuid() == 0 else []
        files = ["--log-file=stderr", f"--pid-file={folder / 'pid'}"]
        return [find_program("gearmand"), "--listen=127.0.0.1", f"--port={port}", *files, *user, *self._options]


class Geard(GearmanServer):
    """geard, the server in Python that comes with gear. With `tls` it speaks TLS 1.2 and wants a client certificate.

    It logs errors only: at DEBUG, where it is when nobody tells it, it is several times slower.
    """

    kind = "geard"

    def __init__(self, folder: Path, extra: Sequence[str] = (), tls: Certificates | None = None) -> None:
        self._options = list(extra)
        self._tls = tls
        super().__init__(folder)

    def _command(self, port: int, folder: Path) -> list[str]:
        logging = folder / "logging.ini"
        logging.write_text(GEARD_LOGGING)
        command = [sys.executable, str(Path(sys.executable).with_name("geard")), "-d", "-p", str(port)]
        place = ["--listen-address", "127.0.0.1", "--log-config", str(logging)]
        return [*command, *place, *self._tls_options(), *self._options]

    def _tls_options(self) -> list[str]:
        if self._tls is None:
            return []
        files = {
            "--ssl-ca": self._tls.ca_file,
            "--ssl-cert": self._tls.server_certificate,
            "--ssl-key": self._tls.server_key,
        }
        return [str(word) for pair in files.items() for word in pair]

    def _connect(self) -> socket.socket | ssl.SSLSocket:
        # an unencrypted question would hold up the next connection for a second
        connection = super()._connect()
        if self._tls is None:
            return connection
        return self._tls.client_context().wrap_socket(connection, server_hostname="127.0.0.1")


class PerlGearmand(GearmanServer):
    """Perl's Gearman::Server, unpacked from its Debian package."""

    kind = "perl"

    def __init__(self, folder: Path) -> None:
        self._root = unpacked_server()
        super().__init__(folder, {**os.environ, "PERL5LIB": library_path(self._root)})

    def _command(self, port: int, folder: Path) -> list[str]:
        return [find_program("perl"), str(self._root / "usr/bin/gearmand"), "--listen=127.0.0.1", f"--port={port}"]
