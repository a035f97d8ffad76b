"""A double of the service, made with gear alone: it keeps what it is asked, and answers as the test tells it.

Also what the servers' tables say, asked over a connection of its own.
"""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import gear

from tests.servers.gearman import GearmanServer

QUEUES = ("subscribe_fanout", "unsubscribe_fanout", "fanout")

Answer = Callable[[gear.WorkerJob], None]


def complete(job: gear.WorkerJob) -> None:
    job.sendWorkComplete(b"2" if job.name == "fanout" else b"")


def refuse(text: str) -> Answer:
    """As the service does: a warning for clients that get no exceptions, then the exception."""

    def answer(job: gear.WorkerJob) -> None:
        job.sendWorkWarning(text.encode())
        job.sendWorkException(text.encode())

    return answer


class StandIn:
    """`asked` has the queue and the body of each request, in order. `answer` may be replaced at any time."""

    def __init__(self, *servers: GearmanServer, answer: Answer = complete) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.answer = answer
        self._is_stopping = False
        self._worker = gear.Worker("stand-in")
        for server in servers:
            self._worker.addServer("127.0.0.1", server.port)
        for queue in QUEUES:
            self._worker.registerFunction(queue)
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                job = self._worker.getJob()
            except gear.InterruptedError:
                return
            self.asked.append((job.name, json.loads(job.arguments)))
            try:
                self.answer(job)
            except (OSError, AttributeError):  # gear's, where the connection has been closed meanwhile
                if not self._is_stopping:
                    raise

    def shutdown(self) -> None:
        self._is_stopping = True
        self._worker.stopWaitingForJobs()  # otherwise gear may wait five seconds for the answer to a grab
        lost = list(self._worker.inactive_connections)  # which gear forgets to close
        self._worker.shutdown()
        self._thread.join()
        for connection in lost:
            connection.disconnect()

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [body for _, body in self.asked]


@contextmanager
def stand_in(*servers: GearmanServer, answer: Answer = complete) -> Iterator[StandIn]:
    service = StandIn(*servers, answer=answer)
    try:
        yield service
    finally:
        service.shutdown()


def worker_count(server: GearmanServer, queue: str) -> int:
    """How many workers serve `queue`, as the server's status table has it."""
    for line in _table(server, "status"):
        name, *counts = line.split("\t")
        if name == queue:
            return int(counts[2])
    return 0


def _table(server: GearmanServer, command: str) -> list[str]:
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(f"{command}\n".encode())
        text = ""
        while not f"\n{text}".endswith("\n.\n"):
            text += connection.recv(65536).decode()
    return text.splitlines()[:-1]


def put(server: GearmanServer, queue: str, payload: bytes) -> None:
    """A background job, as the service sends a copy."""
    client = gear.Client()
    client.addServer("127.0.0.1", server.port)
    client.waitForServer()
    client.submitJob(gear.Job(queue, payload), background=True)
    client.shutdown()
