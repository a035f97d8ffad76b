"""Fanouts whose workers are killed at random moments, one after the other, and what that cost."""

import signal
import time
from collections.abc import Sequence
from random import Random
from typing import NamedTuple

from tests.functional.crash.fanouts import Fanouts
from tests.functional.crash.ledger import Tally
from tests.servers.gearhorn_worker import GearhornWorker


class Loss(NamedTuple):
    """What came of one fanout. `done_count` are the copies that were on the queues when the first worker was killed."""

    kill_count: int
    done_count: int
    was_over: bool
    answer: bytes
    tally: Tally


class Executioner:
    """Kills whichever of two workers has the fanout: the other one sleeps until then. One kill, or two in a row."""

    def __init__(self, fanouts: Fanouts, workers: Sequence[GearhornWorker], chance: Random) -> None:
        self._fanouts = fanouts
        self._workers = list(workers)
        self._chance = chance
        self._span_s = 0.0

    def measure(self, topic: str) -> None:
        """How long a fanout takes that nobody disturbs, with the list at hand. Every worker runs some."""
        for _ in range(4):
            self._workers.reverse()
            self._workers[0].signal(signal.SIGSTOP)
            begun_s = time.monotonic()
            self._fanouts.finish(self._fanouts.publish(topic))
            self._span_s = time.monotonic() - begun_s
            self._workers[0].signal(signal.SIGCONT)
            assert self._fanouts.count_copies() == Tally()

    def kill_one(self, topic: str) -> Loss:
        return self._run(topic, kill_count=1)

    def kill_both(self, topic: str) -> Loss:
        """The second one when it has taken the job over."""
        return self._run(topic, kill_count=2)

    def _run(self, topic: str, kill_count: int) -> Loss:
        self._workers.reverse()
        victim, heir = self._workers
        heir.signal(signal.SIGSTOP)
        handle = self._fanouts.publish(topic)
        self._wait()
        victim.kill()
        was_over, done_count = self._fanouts.has_ended(handle), self._fanouts.backlog()
        heir.signal(signal.SIGCONT)
        if kill_count > 1:
            self._wait()
            heir.kill()
            heir.start()
        answer = self._fanouts.finish(handle)
        victim.start()
        return Loss(kill_count, done_count, was_over, answer.data, self._fanouts.count_copies())

    def _wait(self) -> None:
        time.sleep(self._chance.uniform(0, self._span_s))
