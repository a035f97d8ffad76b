"""Publishes numbered messages to long lists, and looks after them: whether they are done, and what is on the queues."""

import itertools
from typing import Any

from tests.functional.contract.clients import Answer, Client, encode
from tests.functional.crash.drain import drain
from tests.functional.crash.ledger import Ledger, Tally
from tests.functional.facts.raw import Kind, Peer, submit
from tests.servers.gearman import GearmanServer
from tests.servers.process import wait_until

# Longer than anything takes, on a busy machine as well.
LIMIT_S = 60.0

_uniques = itertools.count()


class Fanouts:
    """On one server, which may be started again meanwhile. The copies are background jobs."""

    def __init__(self, server: GearmanServer, ledger: Ledger) -> None:
        self._server = server
        self._ledger = ledger
        self._numbers: list[int] = []  # of messages that are not counted yet
        self._client: Client | None = None

    def publish(self, topic: str) -> bytes:
        """Waits until the server has the job, and returns its handle."""
        return self._connected().start("fanout", self._body(topic))

    def publish_and_leave(self, topic: str) -> None:
        """A background job, with a unique key of its own, which a persistent queue keeps."""
        unique = f"message-{next(_uniques)}".encode()
        client = self._connected()
        client.send(submit(b"fanout", unique, encode(self._body(topic)), Kind.SUBMIT_JOB_BG))
        assert client.read().kind == Kind.JOB_CREATED

    def has_ended(self, handle: bytes) -> bool:
        client = self._connected()
        client.catch_up()
        return client.has_ended(handle)

    def finish(self, handle: bytes) -> Answer:
        return self._connected().finish(handle)

    def wait_until_all_done(self, limit_s: float = LIMIT_S) -> None:
        """Until the server has no fanout job any more."""
        wait_until(lambda: self._counts().get(b"fanout") == 0, "all fanouts to be done", limit_s)

    def backlog(self) -> int:
        """The copies that wait on the server."""
        counts = self._counts()
        return sum(counts.get(queue, 0) for queue in self._ledger.queues())

    def count_copies(self) -> Tally:
        """Takes them all, and tells about the messages since the last time."""
        for queue, payload in drain(self._server, self._ledger.queues()):
            self._ledger.note(queue, payload)
        numbers, self._numbers = self._numbers, []
        return self._ledger.tally(numbers)

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
        self._client = None

    def _body(self, topic: str) -> dict[str, Any]:
        number = self._ledger.expect(topic)
        self._numbers.append(number)
        return {"topic": topic, "payload": str(number), "background": True}

    def _connected(self) -> Client:
        if self._client is None:
            self._client = Client(self._server)
        return self._client

    def _counts(self) -> dict[bytes, int]:
        """How many jobs each queue has. Asked on another connection: on the client's, answers could come in between."""
        peer = Peer(self._server)
        try:
            return {row[0]: int(row[1]) for row in peer.table(b"status")}
        finally:
            peer.close()
