"""Who makes the history: hosts that come and go, and publishers."""

import json
import threading
import time
from collections.abc import Sequence
from random import Random
from typing import Any

from tests.functional.contract.clients import Answer
from tests.functional.facts.raw import Kind
from tests.functional.matchmaking.history import NEVER_S, History, Operation, Publication
from tests.functional.matchmaking.line import Line
from tests.functional.matchmaking.receivers import Roster
from tests.servers.gearman import GearmanServer

TOPICS = ("news", "sports", "weather")
IDS_PER_TOPIC = 2
PAUSE_S = 0.03
# Receivers are at hand, except those of a server that has just gone down.
RECEIVER_LIMIT_S = 2.0


class Person(threading.Thread):
    """Acts again and again until stopped. Each has its own lines, and chance from the run's seed."""

    def __init__(self, name: str, seed: int, servers: Sequence[GearmanServer], history: History) -> None:
        super().__init__(name=name, daemon=True)
        self.chance = Random(f"{seed} {name}")
        self.history = history
        self.publication_count = 0
        self._lines = [Line(server) for server in servers]
        self._is_over = threading.Event()

    def run(self) -> None:
        try:
            while not self._is_over.is_set():
                self.act()
                time.sleep(self.chance.uniform(0, PAUSE_S))
        except Exception as error:  # noqa: BLE001 - who dies in silence makes a history that proves nothing
            self.history.surprises.append(f"{self.name} ended: {error!r}")
        finally:
            for line in self._lines:
                line.close()

    def stop(self) -> None:
        """Returns at once; what is under way is finished."""
        self._is_over.set()

    def act(self) -> None:
        raise NotImplementedError

    def find_line(self) -> Line:
        """To any server that is up. Waits for one."""
        while True:
            line = self.chance.choice(self._lines)
            if line.connect():
                return line
            time.sleep(PAUSE_S)

    def publish(self, topic: str) -> None:
        self.publication_count += 1
        name, line = f"{self.name}-{self.publication_count}", self.find_line()
        body = {"topic": topic, "payload": name, "results": True, "timeout": RECEIVER_LIMIT_S}
        submitted_s = time.monotonic()
        answer = line.request("fanout", body)
        ended_s = time.monotonic()
        if answer is not None and (found := read_list(answer)) is not None:
            self.history.publications.append(Publication(name, topic, submitted_s, ended_s, *found))


def read_list(answer: Answer) -> tuple[frozenset[str], int] | None:
    """Who was on the list of a fanout, and how long it was; None for one that was given up before it had a list."""
    seen = {result["client_id"] for result in answer.results}
    if answer.kind == Kind.WORK_COMPLETE:
        return frozenset(seen), answer.count
    if answer.kind == Kind.WORK_EXCEPTION and answer.data.startswith(b"["):
        failures: list[tuple[str, Any]] = json.loads(answer.data)
        return frozenset(seen | {client_id for client_id, _ in failures}), answer.progress[-1][1]
    return None


class Publisher(Person):
    def act(self) -> None:
        self.publish(self.chance.choice(TOPICS))


class Writer(Person):
    """Some hosts on each topic, one change after the other; and mostly a fanout right behind it, which must show it."""

    def __init__(
        self, name: str, seed: int, servers: Sequence[GearmanServer], history: History, roster: Roster
    ) -> None:
        super().__init__(name, seed, servers, history)
        self._roster = roster
        self._id_count = 0
        self._wanted: dict[tuple[str, str], bool] = {}
        for topic in TOPICS * IDS_PER_TOPIC:
            self._begin_host(topic)

    def act(self) -> None:
        topic, client_id = self.chance.choice(list(self._wanted))
        is_wanted = self._wanted[topic, client_id] ^ (self.chance.random() < 0.8)
        if self._change(topic, client_id, is_wanted):
            self._wanted[topic, client_id] = is_wanted
        else:
            self._replace_host(topic, client_id)
        if self.chance.random() < 0.7:
            self.publish(topic)

    def _begin_host(self, topic: str) -> None:
        self._id_count += 1
        client_id = f"{self.name}x{self._id_count}"
        self._wanted[topic, client_id] = False
        self._roster.add(topic, client_id)

    def _replace_host(self, topic: str, client_id: str) -> None:
        """Nothing definite can be said any more of one with an unknown outcome. Best it stays off the list."""
        del self._wanted[topic, client_id]
        self._change(topic, client_id, is_wanted=False)
        self._begin_host(topic)

    def _change(self, topic: str, client_id: str, is_wanted: bool) -> bool:
        """Whether it has completed."""
        line, queue = self.find_line(), "subscribe_fanout" if is_wanted else "unsubscribe_fanout"
        invoked_s = time.monotonic()
        answer = line.request(queue, {"topic": topic, "client_id": client_id})
        is_complete = answer is not None and answer.kind == Kind.WORK_COMPLETE
        completed_s = time.monotonic() if is_complete else NEVER_S
        self.history.operations.append(Operation(topic, client_id, is_wanted, invoked_s, completed_s))
        return is_complete
