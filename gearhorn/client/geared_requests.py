"""Asks the service something over gear, and waits until it is done or refused.

Owns waiting, asking again when a server is lost, and which error a refusal becomes. What is asked does not matter here.
"""
# ruff: noqa: N802

import contextlib
import socket
import threading
import time

import gear

from gearhorn.client.geared import Client
from gearhorn.client.signatures import Body
from gearhorn.errors import BadRequest, GearhornError, ServerUnavailable, Unavailable

# A refusal begins with the key that is wrong; anything else is trouble of the service's own.
KEYS_OF_REQUESTS = ("topic", "client_id", "ttl", "signed", "key", "hmac", "job", "time", "nonce")

# gear's thread notices the end of a connection at once, unless it is busy in a handler.
NOTICE_LIMIT_S = 1.0


class RequestClient(Client):
    """A gear.Client that can also `ask`."""

    def ask(self, queue: str, body: Body, timeout_s: float) -> None:
        """Returns when the service has done what `body`, once called, asks for. It may be done more than once.

        Raises BadRequest when the service refuses it, with its words; ServerUnavailable when no Gearman server took it,
        and Unavailable when the service did not answer in time or could not do it.
        """
        deadline_s = time.monotonic() + timeout_s
        request = self._run(queue, body, deadline_s)
        while not request.complete and _left_s(deadline_s) > 0:  # its server was lost
            request = self._run(queue, body, deadline_s)
        if not request.complete:
            raise Unavailable(f"{queue}: no answer within {timeout_s:g} s")
        if request.failure:
            raise _refusal(request)

    def _run(self, queue: str, body: Body, deadline_s: float) -> "_Request":
        request = self._submit(queue, body, deadline_s)
        if not request.ended.wait(_left_s(deadline_s)):
            _take_back(request)
        return request

    def _submit(self, queue: str, body: Body, deadline_s: float) -> "_Request":
        while True:
            self._wait_for_server(deadline_s)
            request = _Request(queue, body())
            try:
                self.submitJob(request, timeout=_left_s(deadline_s) / max(1, len(self.active_connections)))
            except (gear.GearmanError, gear.NoConnectedServersError):
                if self.active_connections:
                    raise ServerUnavailable(f"{queue}: the Gearman servers do not take the job") from None
            else:
                return request

    def _wait_for_server(self, deadline_s: float) -> None:
        try:
            self.waitForServer(_left_s(deadline_s))
        except gear.TimeoutError:
            raise ServerUnavailable("no Gearman server is connected") from None
        if not self.running:
            raise ServerUnavailable("the client has been shut down")

    def handleWorkComplete(self, packet: gear.Packet) -> gear.Job:
        """As gear's, and wakes who waits in `ask`. So do the other three."""
        return _end(super().handleWorkComplete(packet))

    def handleWorkFail(self, packet: gear.Packet) -> gear.Job:
        return _end(super().handleWorkFail(packet))

    def handleWorkException(self, packet: gear.Packet) -> gear.Job:
        return _end(super().handleWorkException(packet))

    def handleDisconnect(self, job: gear.Job) -> gear.Job:
        return _end(super().handleDisconnect(job))

    def _cleanup(self) -> None:
        for connection in list(self.active_connections):  # lets go of who waits for an answer
            self._lostConnection(connection)
        super()._cleanup()


class _Request(gear.Job):  # type: ignore[misc]  # gear has no types
    """`ended` is set when the job has ended or its server is lost; `complete` tells which."""

    def __init__(self, queue: str, body: bytes) -> None:
        super().__init__(queue, body)
        self.ended = threading.Event()


def _end(job: gear.Job) -> gear.Job:
    if isinstance(job, _Request):
        job.ended.set()
    return job


def _take_back(request: _Request) -> None:
    """Ends the connection: a server forgets a waiting job whose client has gone, and does not do it at some later time.

    Not closed, but shut down: while gear's thread polls a socket, closing it tells the server nothing.
    """
    with contextlib.suppress(OSError, AttributeError):  # it is gone by itself
        request.connection.conn.shutdown(socket.SHUT_RDWR)
    request.ended.wait(NOTICE_LIMIT_S)


def _refusal(request: _Request) -> GearhornError:
    # the service says why in a warning too, for clients that get no exceptions
    said = request.exception or b"".join(request.data)
    text = said.decode(errors="replace")
    key, colon, reason = text.partition(": ")
    if colon and key in KEYS_OF_REQUESTS:
        return BadRequest(key, reason)
    return Unavailable(text or "the service failed and did not say why")


def _left_s(deadline_s: float) -> float:
    return max(0.0, deadline_s - time.monotonic())
