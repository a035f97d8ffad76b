"""Starts the servers that subscriber lists are kept in: Redis, its sentinels, and memcached."""

import os
import pwd
import socket
import weakref
from pathlib import Path
from typing import Self
from urllib.parse import unquote

import redis

from tests.servers.certificates import Certificates
from tests.servers.ports import PortReservation, holds_any, listeners
from tests.servers.process import ServerProcess, find_program, wait_until

ANSWER_LIMIT_S = 5.0


class StoreServer(ServerProcess):
    """A server on a port of its own that nobody else gets while this object lives. Starts and stops with `with`."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._reservation = PortReservation()
        weakref.finalize(self, self._reservation.release)
        super().__init__(self._command(self._reservation.port, folder), self._reservation.port, folder)

    def _command(self, port: int, folder: Path) -> list[str]:
        raise NotImplementedError

    def is_ready(self) -> bool:
        assert self.process is not None
        return holds_any(self.process.pid, listeners(self.port)) and self._answers()

    def _answers(self) -> bool:
        return True

    def restart(self) -> None:
        self.stop()
        self.start()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()  # quicker than to stop it, and nobody needs what it would bring in safety


class Redis(StoreServer):
    """redis-server. Keeps nothing on disk unless `options`, written as on its command line, say so.

    With `tls` its port speaks nothing else, and wants a client certificate. It listens on `socket_path`, too.
    """

    def __init__(self, folder: Path, *options: str, tls: Certificates | None = None) -> None:
        self._options = options
        self._tls = tls
        self.socket_path = folder / "socket"
        super().__init__(folder)

    def _command(self, port: int, folder: Path) -> list[str]:
        place = ["--bind", "127.0.0.1", "--dir", str(folder), "--unixsocket", str(self.socket_path)]
        # It would wait five seconds for more replicas before it begins to send its data to the first.
        ways = ["--save", "", "--repl-diskless-sync-delay", "0"]
        return [find_program("redis-server"), *place, *self._port_options(port), *ways, *self._options]

    def _port_options(self, port: int) -> list[str]:
        if self._tls is None:
            return ["--port", str(port)]
        files = {
            "--tls-ca-cert-file": self._tls.ca_file,
            "--tls-cert-file": self._tls.server_certificate,
            "--tls-key-file": self._tls.server_key,
        }
        return ["--port", "0", "--tls-port", str(port), *(str(word) for pair in files.items() for word in pair)]

    def _answers(self) -> bool:
        """Not while it loads its data. On the socket, where no TLS is in the way."""
        return self.ask("PING").startswith((b"+PONG", b"-NOAUTH"))

    def client(self) -> redis.Redis:
        return redis.Redis(unix_socket_path=str(self.socket_path), decode_responses=True)

    def ask(self, command: str) -> bytes:
        """The first bytes of the answer to an inline command; none if there is no answer."""
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(ANSWER_LIMIT_S)
                connection.connect(str(self.socket_path))
                connection.sendall(command.encode() + b"\r\n")
                return connection.recv(65536)
        except OSError:
            return b""


class Replica(Redis):
    """A Redis that copies `master`, and has done so when it is started."""

    def __init__(self, folder: Path, master: Redis) -> None:
        super().__init__(folder, "--replicaof", "127.0.0.1", str(master.port))

    def _answers(self) -> bool:
        return super()._answers() and b"master_link_status:up" in self.ask("INFO replication")


class Sentinel(StoreServer):
    """redis-sentinel, which alone decides within a second that `master` is down, and knows it as `mymaster`."""

    master_name = "mymaster"

    def __init__(self, folder: Path, master: Redis, *lines: str, tls: Certificates | None = None) -> None:
        """`lines` are further ones of its configuration. With `tls` it speaks nothing else, to the master neither."""
        self._master = master
        self._lines = lines
        self._tls = tls
        super().__init__(folder)

    def _command(self, port: int, folder: Path) -> list[str]:
        settings = folder / "sentinel.conf"
        settings.write_text(
            f"bind 127.0.0.1\ndir {folder}\n{self._port_lines(port)}\n"
            f"sentinel monitor {self.master_name} 127.0.0.1 {self._master.port} 1\n"
            f"sentinel down-after-milliseconds {self.master_name} 500\n"
            f"sentinel failover-timeout {self.master_name} 2000\n" + "\n".join(self._lines)
        )
        return [find_program("redis-sentinel"), str(settings)]

    def _port_lines(self, port: int) -> str:
        if self._tls is None:
            return f"port {port}"
        return (
            f"port 0\ntls-port {port}\ntls-replication yes\ntls-ca-cert-file {self._tls.ca_file}\n"
            f"tls-cert-file {self._tls.server_certificate}\ntls-key-file {self._tls.server_key}"
        )

    def wait_for_replica(self, replica: Redis) -> None:
        """A master that is lost before its replica is known has nobody to take its place."""
        question = f"SENTINEL replicas {self.master_name}"
        wait_until(lambda: str(replica.port).encode() in self._ask(question), "the sentinel to know the replica")

    def _ask(self, command: str) -> bytes:
        with socket.create_connection(("127.0.0.1", self.port), ANSWER_LIMIT_S) as connection:
            connection.sendall(command.encode() + b"\r\n")
            return connection.recv(65536)


class Memcached(StoreServer):
    """memcached as it comes, or with `options` as on its command line."""

    def __init__(self, folder: Path, *options: str) -> None:
        self._options = options
        super().__init__(folder)

    def _command(self, port: int, folder: Path) -> list[str]:
        # started by root it insists on being told whom to become
        user = ["-u", pwd.getpwuid(0).pw_name] if os.geteuid() == 0 else []
        return [find_program("memcached"), "-l", "127.0.0.1", "-p", str(port), *user, *self._options]

    def stop(self) -> None:
        """Has nothing to bring in safety, and takes a second for it when asked nicely."""
        self.kill()

    def list_keys(self) -> list[str]:
        """All keys that it holds now."""
        with socket.create_connection(("127.0.0.1", self.port), ANSWER_LIMIT_S) as connection:
            connection.sendall(b"lru_crawler metadump all\r\n")
            with connection.makefile(encoding="ascii") as lines:
                fields = [line.split()[0] for line in iter(lines.readline, "END\n")]
        return [unquote(field.removeprefix("key=")) for field in fields]
