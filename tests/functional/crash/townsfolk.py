"""Who uses the service while everything around it fails: publishers, hosts that come and go, receivers. All threads."""

import itertools
import json
import threading
import time
from collections.abc import Callable
from random import Random
from typing import Any

from tests.functional.contract.clients import Answer, Client, EagerPeer
from tests.functional.crash.drain import drain
from tests.functional.crash.ledger import Ledger
from tests.functional.facts.raw import Kind, Packet, job_of, packet, submit
from tests.functional.matchmaking.receivers import Receivers, Roster
from tests.servers.gearman import GearmanServer

# More than any job takes that is not lost: a worker waits half a minute for a store that is away.
PATIENCE_S = 90.0
RETRY_S = 0.05

# Of all publishers; with more of them the workers would only fall behind.
JOBS_AT_ONCE = 4

_uniques = itertools.count()


class Town:
    """What the threads share. `surprises` are what should not have happened, a line each."""

    def __init__(self, server: GearmanServer, ledger: Ledger, seed: int) -> None:
        self.server = server
        self.ledger = ledger
        self.seed = seed
        self.surprises: list[str] = []
        self.answer_count = 0
        self.lock = threading.RLock()  # of the ledger
        self.quiet = threading.Lock()  # held by whoever must not lose the server in the middle of something

    def expect(self, topic: str, absent_ids: list[str]) -> int:
        with self.lock:
            return self.ledger.expect(topic, absent_ids=absent_ids)

    def open(self, number: int, topic: str, client_ids: list[str] | None = None) -> None:
        """Nobody can say whether these should have a copy, or anybody."""
        with self.lock:
            positions = None if client_ids is None else self.ledger.positions(topic, client_ids)
            self.ledger.messages[number].open(positions)

    def note(self, queue: bytes, payload: bytes) -> None:
        with self.lock:
            self.ledger.note(queue, payload)


class Folk(threading.Thread):
    """Acts again and again until stopped, with a pause of `pause_s` on average."""

    def __init__(self, town: Town, name: str, pause_s: float) -> None:
        super().__init__(name=name, daemon=True)
        self.town = town
        self.chance = Random(f"{town.seed} {name}")
        self._pause_s = pause_s
        self._client: Client | None = None
        self._finished: list[bytes] = []  # handles of jobs on this connection
        self._is_over = threading.Event()

    def run(self) -> None:
        try:
            while not self._is_over.wait(self.chance.uniform(0, 2 * self._pause_s)):
                self.act()
            self._look_for_second_answers()
        except Exception as error:  # noqa: BLE001 - who dies in silence proves nothing
            self.town.surprises.append(f"{self.name} ended: {error!r}")
        finally:
            self._leave()

    def stop(self) -> None:
        self._is_over.set()

    def act(self) -> None:
        raise NotImplementedError

    def request(self, queue: str, body: dict[str, Any]) -> Answer | None:
        """None: the connection was lost. Nobody knows what became of the job."""
        client = self._connected()
        try:
            handle = client.start(queue, body)
            answer = client.finish(handle)
        except TimeoutError:
            self.town.surprises.append(f"{self.name}: no answer within {PATIENCE_S:g} s to {queue} {body}")
            self._leave()
            return None
        except (OSError, EOFError):
            self._leave()
            return None
        self._finished.append(handle)
        self.town.answer_count += 1
        return answer

    def leave_job(self, queue: str, body: dict[str, Any]) -> bool:
        """Submits a background job. False: nobody knows whether the server has it."""
        client = self._connected()
        unique = f"{self.name}-{next(_uniques)}".encode()
        try:
            client.send(submit(queue.encode(), unique, json.dumps(body).encode(), Kind.SUBMIT_JOB_BG))
            return client.read().kind == Kind.JOB_CREATED
        except (OSError, EOFError):
            self._leave()
            return False

    def _connected(self) -> Client:
        while self._client is None:
            try:
                self._client = Client(self.town.server)
                self._client.socket.settimeout(PATIENCE_S)
            except (OSError, EOFError):
                time.sleep(RETRY_S)
        return self._client

    def _leave(self) -> None:
        if self._client is not None:
            self._client.close()
        self._client, self._finished = None, []

    def _look_for_second_answers(self) -> None:
        if self._client is None:
            return
        try:
            self._client.catch_up()
        except (OSError, EOFError):
            return
        for handle in self._finished:
            if endings := self._client.endings_of(handle):
                self.town.surprises.append(f"{self.name}: {handle!r} was answered again: {endings}")


class LargePublisher(Folk):
    """Background jobs, of which nobody hears again: once the server has one it must be done. As many as get done."""

    topic = "large"

    def act(self) -> None:
        if self._count_jobs() > JOBS_AT_ONCE:
            return
        number = self.town.expect(self.topic, [])
        if not self.leave_job("fanout", {"topic": self.topic, "payload": str(number), "background": True}):
            self.town.open(number, self.topic)

    def _count_jobs(self) -> int:
        """That wait for a worker, or are in work. Many where the server cannot be asked."""
        try:
            peer = EagerPeer(self.town.server)
        except OSError:
            return JOBS_AT_ONCE + 1
        try:
            counts = peer.counts_of(b"fanout")
            return counts[0] if counts else 0
        except (OSError, EOFError):
            return JOBS_AT_ONCE + 1
        finally:
            peer.close()


class Guests:
    """Hosts of a topic that come and go, each once. Whether one is on the list; None: that is changing."""

    def __init__(self, topic: str, client_ids: list[str]) -> None:
        self.topic = topic
        self.states: dict[str, bool | None] = dict.fromkeys(client_ids, False)
        self.change_counts = dict.fromkeys(client_ids, 0)  # begun and completed ones

    def set(self, client_id: str, state: bool | None) -> None:
        self.change_counts[client_id] += 1
        self.states[client_id] = state

    def changed_since(self, counts: dict[str, int]) -> list[str]:
        """Also whoever has come and left again."""
        return [client_id for client_id, count in counts.items() if self.change_counts[client_id] != count]

    def gone(self) -> list[str]:
        """Who was there and left: no copy may come any more."""
        return [
            client_id for client_id, state in [*self.states.items()] if state is False and self._has_come(client_id)
        ]

    def unsure(self) -> list[str]:
        """Who comes or leaves now; and who may yet come, before a worker that lost its job, and waits for the store,
        sends the copies a second time.
        """
        states = [*self.states.items()]
        return [client_id for client_id, state in states if state is None or not self._has_come(client_id)]

    def _has_come(self, client_id: str) -> bool:
        return self.change_counts[client_id] > 0


class GuestBook(Folk):
    """Lets guests come and go."""

    def __init__(self, town: Town, name: str, pause_s: float, guests: Guests) -> None:
        super().__init__(town, name, pause_s)
        self._guests = guests
        self._coming = [*guests.states]
        self._staying: list[str] = []

    def act(self) -> None:
        if self._coming and (len(self._staying) < 3 or self.chance.random() < 0.5):
            client_id = self._coming.pop()
            if self._change(client_id, "subscribe_fanout", is_in=True):
                self._staying.append(client_id)
        elif self._staying:
            self._change(self._staying.pop(0), "unsubscribe_fanout", is_in=False)

    def _change(self, client_id: str, queue: str, *, is_in: bool) -> bool:
        self._guests.set(client_id, None)
        answer = self.request(queue, {"topic": self._guests.topic, "client_id": client_id})
        if answer is None or answer.kind != Kind.WORK_COMPLETE:
            return False  # it stays in between for ever
        self._guests.set(client_id, is_in)
        return True


class SmallPublisher(Folk):
    """Waits for the answer to each job. Who is a guest from before to after it must have a copy."""

    def __init__(self, town: Town, name: str, pause_s: float, guests: Guests) -> None:
        super().__init__(town, name, pause_s)
        self._guests = guests

    def act(self) -> None:
        topic, guests = self._guests.topic, self._guests
        counts = {**guests.change_counts}
        number = self.town.expect(topic, guests.gone())
        self.town.open(number, topic, guests.unsure())
        answer = self.request("fanout", {"topic": topic, "payload": str(number), "background": True})
        if answer is None or answer.kind != Kind.WORK_COMPLETE:
            self.town.open(number, topic, None if answer is None else self._everybody())
            if answer is not None:
                self.town.surprises.append(f"{self.name}: {answer}")
            return
        self.town.open(number, topic, guests.changed_since(counts))

    def _everybody(self) -> list[str]:
        return [*self._guests.states]


class Caller(Folk):
    """Foreground fanouts: every receiver is to complete its copy."""

    def __init__(self, town: Town, name: str, pause_s: float, topic: str, receiver_count: int) -> None:
        super().__init__(town, name, pause_s)
        self._topic = topic
        self._receiver_count = receiver_count
        self.failed_count = 0

    def act(self) -> None:
        number = self.town.expect(self._topic, [])
        answer = self.request("fanout", {"topic": self._topic, "payload": str(number), "timeout": 5})
        if answer is None or answer.kind != Kind.WORK_COMPLETE:
            self.failed_count += answer is not None  # a receiver's server was away
            self.town.open(number, self._topic)
        elif answer.count != self._receiver_count:
            self.town.surprises.append(f"{self.name}: {answer.count} of {self._receiver_count} receivers")


class Answerers(Receivers):
    """Complete every foreground copy."""

    def __init__(self, town: Town, roster: Roster) -> None:
        super().__init__(town.server, roster)
        self._town = town

    def _answer(self, peer: EagerPeer, told: Packet) -> None:
        if told.kind == Kind.JOB_ASSIGN_UNIQ:
            job = job_of(told)
            self._town.note(job.function, job.payload)
            peer.send(packet(Kind.WORK_COMPLETE, job.handle, b""), packet(Kind.GRAB_JOB_UNIQ))
        else:
            super()._answer(peer, told)


class Drainer(Folk):
    """Empties the queues of subscribers now and then. A server that is lost meanwhile would deliver copies twice."""

    def __init__(self, town: Town, name: str, pause_s: float, queues: Callable[[], list[bytes]]) -> None:
        super().__init__(town, name, pause_s)
        self._queues = queues

    def act(self) -> None:
        with self.town.quiet:
            for queue, payload in drain(self.town.server, self._queues()):
                self.town.note(queue, payload)
