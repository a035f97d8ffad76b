"""gear's server, taught the packets that workers of other languages send and that it never answers.

As it comes, neither the `gearman` tool nor PHP nor Perl can receive from it: their workers grab with packets of other
types than gear's own worker, and wait for ever. Source of the packets: the protocol text of gearmand.

It also lets anybody answer any job, falls over names that are not UTF-8, and stands still when one connection fails in
a way that it does not expect.
"""

import functools
import ssl
from dataclasses import dataclass
from typing import Any

import gear
from gear import constants

from gearhorn.cmd.geard.door import Door
from gearhorn.cmd.geard.rights import OWN, Rights, answer

# Not among gear's constants. Meant for reducers; without one gearmand answers it like GRAB_JOB_UNIQ.
GRAB_JOB_ALL = 39


@dataclass(frozen=True, slots=True)
class Manner:
    """Whom the server lets in, and what they may do.

    With `tls` everybody needs a certificate; with `rights` its common name says what they may do. `own_certificate`, as
    DER, is that of the service in this process, which may do everything but administer rights.
    """

    tls: ssl.SSLContext | None = None
    rights: Rights | None = None
    own_certificate: bytes = b""


PLAIN = Manner()


class Geard(gear.Server):  # type: ignore[misc]  # gear has no types
    """Calls come in the server's poll thread. A packet of gear carries its connection."""

    def __init__(self, port: int, host: str, manner: Manner = PLAIN) -> None:
        self._manner = manner
        super().__init__(port, host=host, acl=manner.rights)

    def connectLoop(self) -> None:  # noqa: N802
        Door(self.socket, self._manner.tls, self._let_in).run(self.connect_wake_read)

    def _let_in(self, address: Any, conn: Any) -> None:
        manner = self._manner
        connection = gear.ServerConnection(address, conn, manner.tls is not None, self.client_id)
        if manner.own_certificate and conn.getpeercert(binary_form=True) == manner.own_certificate:
            connection.ssl_subject = OWN
        with self.connections_condition:
            self.active_connections.append(connection)
            self._registerConnection(connection)
            self.connections_condition.notify_all()

    def _processPollEvent(self, conn: Any, event: int) -> None:  # noqa: N802
        """As gear's, and trouble of a connection is the end of that one only: gear begins its loop again with it."""
        try:
            super()._processPollEvent(conn, event)
        except OSError:
            self._lostConnection(conn)

    def handleAdminRequest(self, request: Any) -> None:  # noqa: N802
        if request.command.startswith(b"acl "):
            request.connection.sendRaw(answer(self.acl, request.connection.ssl_subject, request.command))
        else:
            super().handleAdminRequest(request)

    def handleStatus(self, request: Any) -> None:  # noqa: N802
        """As gear's, and names that are not UTF-8 do not keep it from everybody."""
        rows = [b"%s\t%d\t%d\t%d\n" % (_shown(name), *counts) for name, counts in self._getFunctionStats().items()]
        request.connection.sendRaw(b"".join([*rows, b".\n"]))

    def handleWorkers(self, request: Any) -> None:  # noqa: N802
        """The same."""
        rows = [
            b"%d %s %s : %s\n"
            % (
                connection.conn.fileno(),
                connection.host.encode(),
                _shown(connection.client_id or b"-"),
                _shown(b" ".join(connection.functions)),
            )
            for connection in self.active_connections
        ]
        request.connection.sendRaw(b"".join([*rows, b".\n"]))

    def handlePassthrough(self, packet: Any, finished: bool = False) -> None:  # noqa: N802
        """Only who holds a job may say something of it; the handles of others' jobs are easily guessed."""
        if self._holds_job(packet):
            super().handlePassthrough(packet, finished)

    def handleWorkStatus(self, packet: Any) -> None:  # noqa: N802
        if self._holds_job(packet):
            super().handleWorkStatus(packet)

    def _holds_job(self, packet: Any) -> bool:
        job = self.jobs.get(packet.getArgument(0))
        return job is not None and job.worker_connection is packet.connection

    def _registerConnection(self, conn: Any) -> None:  # noqa: N802
        conn.sendQueuedData = functools.partial(_send_or_give_up, conn)
        super()._registerConnection(conn)

    def handlePacket(self, packet: Any) -> None:  # noqa: N802
        if packet.ptype == GRAB_JOB_ALL:
            self.handleGrabJobUniq(packet)
        else:
            super().handlePacket(packet)

    def handleGrabJob(self, packet: Any) -> None:  # noqa: N802
        job = self.getJobForConnection(packet.connection)
        if job:
            _answer(packet, constants.JOB_ASSIGN, job.handle, job.name, job.arguments)
        else:
            self.sendNoJob(packet.connection)

    def handleCanDoTimeout(self, packet: Any) -> None:  # noqa: N802
        """The queue is served; that a job should fail after some time is not heeded."""
        self.handleCanDo(packet)

    def handleEchoReq(self, packet: Any) -> None:  # noqa: N802
        _answer(packet, constants.ECHO_RES, packet.data)

    def handleOptionReq(self, packet: Any) -> None:  # noqa: N802
        """`exceptions` is the only option there is. They are sent in any case."""
        option = packet.getArgument(0, True)
        if option == b"exceptions":
            _answer(packet, constants.OPTION_RES, option)
        else:
            self.sendError(packet.connection, "UNKNOWN_OPTION", "Server does not recognize given option")

    def handleAllYours(self, packet: Any) -> None:  # noqa: N802
        """A worker says that it works for nobody else. That changes nothing."""


def _shown(name: bytes) -> bytes:
    return name.decode("utf-8", "replace").encode()


def _send_or_give_up(connection: Any) -> None:
    """gear takes a client that has hung up for trouble of the worker whose result it was, and hangs up on the worker.

    Of the client itself the poll loop hears in its turn.
    """
    try:
        gear.ServerConnection.sendQueuedData(connection)
    except (ConnectionError, ssl.SSLError):
        connection.send_queue.clear()


def _answer(packet: Any, ptype: int, *arguments: bytes) -> None:
    packet.connection.sendPacket(gear.Packet(constants.RES, ptype, b"\0".join(arguments)))
