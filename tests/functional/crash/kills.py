"""Fanouts whose workers are killed at random moments, one after the other, and what that cost."""

import signal
import time
from collections.abc import Sequence
from random import Random
from typing import NamedTuple

from tests.functional.contract.clients import Client
from tests.functional.crash.drain import drain
from tests.functional.crash.ledger import Ledger, Tally
from tests.servers.gearhorn_worker import GearhornWorker
from tests.servers.gearman import GearmanServer


class Loss(NamedTuple):
    """What came of one fanout. `done_count` are the copies that were on the queues when the first worker was killed."""

    kill_count: int
    done_count: int
    was_over: bool
    answer: bytes
    tally: Tally


class Executioner:
    """Kills whichever of two workers has the fanout: the other one sleeps until then. One kill, or two in a row."""

    def __init__(
        self, server: GearmanServer, workers: Sequence[GearhornWorker], ledger: Ledger, client: Client, chance: Random
    ) -> None:
        self._server = server
        self._workers = list(workers)
        self._ledger = ledger
        self._client = client
        self._chance = chance
        self._span_s = 0.0

    def measure(self, topic: str) -> None:
        """How long a fanout takes that nobody disturbs, with the list at hand. Every worker runs some."""
        for _ in range(4):
            self._workers.reverse()
            self._workers[0].signal(signal.SIGSTOP)
            begun_s = time.monotonic()
            handle = self._submit(topic)
            self._client.finish(handle)
            self._span_s = time.monotonic() - begun_s
            self._workers[0].signal(signal.SIGCONT)
            assert self._count_copies() == Tally()

    def kill_one(self, topic: str) -> Loss:
        return self._run(topic, kill_count=1)

    def kill_both(self, topic: str) -> Loss:
        """The second one when it has taken the job over."""
        return self._run(topic, kill_count=2)

    def _run(self, topic: str, kill_count: int) -> Loss:
        self._workers.reverse()
        victim, heir = self._workers
        heir.signal(signal.SIGSTOP)
        handle = self._submit(topic)
        self._wait()
        victim.kill()
        self._client.catch_up()
        was_over, done_count = self._client.has_ended(handle), self._backlog()
        heir.signal(signal.SIGCONT)
        if kill_count > 1:
            self._wait()
            heir.kill()
            heir.start()
        answer = self._client.finish(handle)
        victim.start()
        return Loss(kill_count, done_count, was_over, answer.data, self._count_copies())

    def _submit(self, topic: str) -> bytes:
        number = self._ledger.expect(topic)
        return self._client.start("fanout", {"topic": topic, "payload": str(number), "background": True})

    def _wait(self) -> None:
        time.sleep(self._chance.uniform(0, self._span_s))

    def _backlog(self) -> int:
        """The copies that wait on the server."""
        queues = set(self._ledger.queues())
        return sum(int(row[1]) for row in self._client.table(b"status") if row[0] in queues)

    def _count_copies(self) -> Tally:
        """Of the last message."""
        for queue, payload in drain(self._server, self._ledger.queues()):
            self._ledger.note(queue, payload)
        return self._ledger.tally([len(self._ledger.messages) - 1])
