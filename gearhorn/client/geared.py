"""gear's client and worker with the connections that gearhorn's helpers need.

Owns what is different from gear as it comes: how a connection is set up, reads and sends, what happens when it is lost,
and the `exceptions` option. Nothing about topics, bodies or subscriptions enters. Method names are gear's.
"""
# ruff: noqa: N802

import contextlib
import socket
import ssl
import threading
from typing import Any

import gear

from gearhorn.errors import Misconfigured
from gearhorn.logs.event import log_for
from gearhorn.logs.events.client import CLIENT_SERVER_COMPLAINED, CLIENT_TLS_AGREED, CLIENT_TLS_REFUSED
from gearhorn.net.tls import TlsSettings, client_context, explain

# gear reads 4 KiB at a time and copies all it has at each: 16 MiB took 3 s, and 64 MiB would take most of a minute, in
# which the connection does nothing else. With 1 MiB, 64 MiB took 1.5 s; small packets cost the same with either.
READ_LIMIT_BYTES = 1 << 20

HANDSHAKE_LIMIT_S = 10.0

EXCEPTIONS_OPTION = b"exceptions"

log = log_for(__name__)


class Connection(gear.Connection):  # type: ignore[misc]  # gear has no types
    """A connection without Nagle's algorithm, fast on large packets, whole when a signal comes in between.

    With `check_hostname` the server's certificate must be for the host that was named.
    """

    conn: Any
    use_ssl: bool

    def __init__(self, *arguments: Any, check_hostname: bool = True) -> None:
        super().__init__(*arguments)
        self._check_hostname = check_hostname
        self._told = ""

    def connect(self) -> None:
        """As gear's. A worker on a socket with Nagle's algorithm does about 25 jobs a second."""
        wants_tls, self.use_ssl = self.use_ssl, False  # gear would not look at the name, and wait for ever
        try:
            super().connect()
        finally:
            self.use_ssl = wants_tls
        self.conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if wants_tls:
            self._shake_hands()

    def _shake_hands(self) -> None:
        """Raises gear.ConnectionError, and logs why, once until it succeeds: gear tries again every two seconds."""
        try:
            self.conn.settimeout(HANDSHAKE_LIMIT_S)
            self.conn = self._tls_context().wrap_socket(self.conn, server_hostname=self.host)
            self.conn.settimeout(None)
        except (OSError, Misconfigured) as error:
            reason = explain(error) if isinstance(error, ssl.SSLError) else str(error)
            if reason != self._told:
                log.say(CLIENT_TLS_REFUSED, host=self.host, port=self.port, reason=reason)
            self._told = reason
            self.disconnect()
            raise gear.ConnectionError(reason) from error
        if self._told:
            log.say(CLIENT_TLS_AGREED, host=self.host, port=self.port)
        self._told = ""

    def _tls_context(self) -> ssl.SSLContext:
        context = client_context(TlsSettings(self.ssl_ca, self.ssl_cert, self.ssl_key, self._check_hostname))
        # What 1.3 sends between packets would make gear's poll loop wait in the middle of none.
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        return context

    def _readRawBytes(self, bytes_to_read: int) -> bytes:
        data: bytes = super()._readRawBytes(max(bytes_to_read, READ_LIMIT_BYTES))
        return data

    def sendRaw(self, data: bytes) -> None:
        """Sends all of `data`. gear, when a signal cuts a send short, begins again from the first byte."""
        with self.send_lock:
            self.conn.sendall(data)


class Servers(gear.BaseClient):  # type: ignore[misc]
    """What a client and a worker share: the list of their servers."""

    def addServer(
        self,
        host: str,
        port: int = 4730,
        ssl_key: str | None = None,
        ssl_cert: str | None = None,
        ssl_ca: str | None = None,
        keepalive: bool = False,
        tcp_keepidle: int = 7200,
        tcp_keepintvl: int = 75,
        tcp_keepcnt: int = 9,
        *,
        ssl_check_hostname: bool = True,
    ) -> None:
        """As gear's, and raises gear.ConfigurationError too when only some of the TLS files are named.

        gear takes such a connection for one without TLS, and would send in the clear what was meant to be secret. The
        server's certificate must be of that authority and, unlike with gear, for that host, unless told otherwise:
        everybody with a certificate could pass for the server.
        """
        files = (ssl_key, ssl_cert, ssl_ca)
        if any(files) and not all(files):
            raise gear.ConfigurationError("TLS needs ssl_key, ssl_cert and ssl_ca")
        keep = (keepalive, tcp_keepidle, tcp_keepintvl, tcp_keepcnt)
        self._add(Connection(host, port, *files, self.client_id, *keep, check_hostname=ssl_check_hostname))

    def _add(self, connection: Connection) -> None:
        address = (connection.host, connection.port)
        with self.connections_condition:
            known = self.active_connections + self.inactive_connections
            if address in [(other.host, other.port) for other in known]:
                raise gear.ConfigurationError("{}:{} has been added before".format(*address))
            self.inactive_connections.append(connection)
            self.connections_condition.notify_all()

    def _lostConnection(self, conn: Connection) -> None:
        """As gear's, and who waits for the server's answer goes on to the next server at once."""
        unanswered = list(conn.pending_tasks)
        super()._lostConnection(conn)
        for task in unanswered:
            task.setComplete()

    def _cleanup(self) -> None:
        """As gear's, and closes too the connections that were lost and not made again."""
        self.poll_thread.join()
        self.connect_thread.join()
        lost = list(self.inactive_connections)
        super()._cleanup()
        for connection in lost:
            connection.disconnect()


class Client(Servers, gear.Client):  # type: ignore[misc]
    """A gear.Client that is told why a job failed, and that several threads may use at a time.

    gearmand shows exceptions only to clients that asked for them, so this one asks on each connection. geard shows them
    always and never answers the question, so nobody waits for the answer.
    """

    def __init__(self, client_id: str = "unknown") -> None:
        super().__init__(client_id)
        self.options.add(EXCEPTIONS_OPTION)
        self._submitting = threading.Lock()

    def submitJob(self, *arguments: Any, **options: Any) -> None:
        """As gear's, one at a time.

        gear notes who waits for the next answer, and sends, in two steps: of two threads each would get the other's.
        """
        with self._submitting:
            super().submitJob(*arguments, **options)

    def _setOptionConnection(self, name: bytes, conn: Connection) -> Any:
        if name != EXCEPTIONS_OPTION:
            return super()._setOptionConnection(name, conn)
        # kept out of pending_tasks, where geard's silence would let the next answer be taken for this one's
        with contextlib.suppress(OSError):  # sendPacket has given up the connection, and the next one asks again
            self.sendPacket(gear.Packet(gear.constants.REQ, gear.constants.OPTION_REQ, name), conn)
        task = gear.OptionReqTask()
        task.setComplete()
        return task

    def handleOptionRes(self, packet: gear.Packet) -> None:
        """As gear's, for every option that is waited for."""
        if packet.data == EXCEPTIONS_OPTION:
            packet.connection.handleOptionRes(EXCEPTIONS_OPTION)
        else:
            super().handleOptionRes(packet)


class Worker(Servers, gear.Worker):  # type: ignore[misc]
    """A gear.Worker that outlives an ERROR."""

    def handleError(self, packet: gear.Packet) -> None:
        """Logs the error. gear gives up the connection, and with it every job that is being worked on.

        gearmand answers so a result for a job that is no longer this worker's, say after `unRegisterFunction`.
        """
        log.say(CLIENT_SERVER_COMPLAINED, complaint=packet.data)

    def _shutdown(self) -> None:
        # a grab that nobody hears the answer of would hold up the end for five seconds
        self.stopWaitingForJobs()
        super()._shutdown()
