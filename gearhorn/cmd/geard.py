"""gear's server, taught the packets that workers of other languages send and that it never answers.

As it comes, neither the `gearman` tool nor PHP nor Perl can receive from it: their workers grab with packets of other
types than gear's own worker, and wait for ever. Source of the packets: the protocol text of gearmand.
"""

import functools
from typing import Any

import gear
from gear import constants

# Not among gear's constants. Meant for reducers; without one gearmand answers it like GRAB_JOB_UNIQ.
GRAB_JOB_ALL = 39


class Geard(gear.Server):  # type: ignore[misc]  # gear has no types
    """Calls come in the server's poll thread. A packet of gear carries its connection."""

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


def _send_or_give_up(connection: Any) -> None:
    """gear takes a client that has hung up for trouble of the worker whose result it was, and hangs up on the worker.

    Of the client itself the poll loop hears in its turn.
    """
    try:
        gear.ServerConnection.sendQueuedData(connection)
    except ConnectionError:
        connection.send_queue.clear()


def _answer(packet: Any, ptype: int, *arguments: bytes) -> None:
    packet.connection.sendPacket(gear.Packet(constants.RES, ptype, b"\0".join(arguments)))
