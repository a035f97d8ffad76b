"""Workers with a memcached, between any two steps of which a test may let something else happen."""

import itertools
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from gearhorn.store.base import Applied, Change, ChangeResult
from gearhorn.store.leases import LeaseKey, TopicVersion
from gearhorn.store.memcached_layout import Keys
from gearhorn.store.memcached_leases import MemcachedLeases
from gearhorn.store.memcached_lists import MemcachedLists
from gearhorn.store.memcached_peers import AnswerLost, Peers, ServerClock
from gearhorn.store.memcached_roots import Roots
from gearhorn.store.memcached_settling import MemcachedSettling
from tests.servers.stores import Memcached

LIMIT_S = 20.0
LEASE_S = 100.0

_numbers = itertools.count()


@contextmanager
def two_workers(server: Memcached) -> Iterator[tuple["Worker", "Worker"]]:
    """Of the same lists and leases, of which there are none yet."""
    prefix = f"workers-{next(_numbers)}"
    one, two = Worker(server.port, prefix), Worker(server.port, prefix)
    try:
        yield one, two
    finally:
        one.peers.close()
        two.peers.close()


@dataclass
class Interruption:
    """Of the next step that sends `command` about a key that begins like this. `is_after`: when it has been done.

    Without a command of any step. `skip_count`: so many of them are let pass.
    """

    command: str
    key: str
    happen: Callable[[], object]
    is_after: bool = False
    skip_count: int = 0

    def is_meant(self, command: str, keys: Iterable[str]) -> bool:
        if self.command not in ("", command) or not any(key.startswith(self.key) for key in keys):
            return False
        self.skip_count -= 1
        return self.skip_count < 0


class InterruptedPeers(Peers):
    """`now_s`: what memcached's clock shows, if it is to stand still; `ahead_s`: how much later it is than it shows.

    `process`: that of a clock which began anew.
    """

    process: str | None = None
    prefix = ""
    now_s: float | None = None
    ahead_s = 0.0
    interruption: Interruption | None = None

    def interrupt(self, command: str, key: str, happen: Callable[[], object]) -> None:
        self.interruption = Interruption(command, f"{self.prefix}:{key}", happen)

    def lose_answer(self, command: str, key: str, happen: Callable[[], object] = lambda: None) -> None:
        """`happen` is what happens meanwhile."""

        def lose() -> None:
            happen()
            raise AnswerLost("cut off")

        self.interruption = Interruption(command, f"{self.prefix}:{key}", lose, is_after=True)

    def get_many(self, keys: Iterable[str]) -> dict[str, bytes]:
        names = list(keys)
        with self._step("get", names):
            return super().get_many(names)

    def gets_many(self, keys: Iterable[str]) -> dict[str, tuple[bytes, bytes]]:
        names = list(keys)
        with self._step("gets", names):
            return super().gets_many(names)

    def set_many(self, values: Mapping[str, bytes]) -> None:
        with self._step("set", values):
            super().set_many(values)

    def delete_many(self, keys: Iterable[str]) -> None:
        names = list(keys)
        with self._step("delete", names):
            super().delete_many(names)

    def add(self, key: str, value: bytes) -> bool:
        with self._step("swap", [key]):
            return super().add(key, value)

    def append(self, key: str, value: bytes) -> bool:
        with self._step("append", [key]):
            return super().append(key, value)

    def cas(self, key: str, value: bytes, token: bytes) -> bool:
        with self._step("swap", [key]):
            return super().cas(key, value, token)

    def cas_delete(self, key: str, token: bytes) -> bool:
        with self._step("cas delete", [key]):
            return super().cas_delete(key, token)

    def read_clock(self, key: str) -> ServerClock:
        ahead_s, now_s = self.ahead_s, self.now_s
        with self._step("clock", [key]):
            clock = super().read_clock(key)
        shown_us = clock.now_us if now_s is None else int(now_s * 1e6)
        return ServerClock(shown_us + int(ahead_s * 1e6), self.process or clock.process)

    @contextmanager
    def _step(self, command: str, keys: Iterable[str]) -> Iterator[None]:
        meant = self.interruption
        if meant is None or not meant.is_meant(command, keys):
            yield
            return
        self.interruption = None
        if not meant.is_after:
            meant.happen()
        yield
        if meant.is_after:
            meant.happen()


class Worker:
    """One handle. `ahead_s` is how much later it is by its own clock. What it keeps begins with `prefix`."""

    def __init__(self, port: int, prefix: str) -> None:
        self.ahead_s = 0.0
        self.prefix = prefix
        self.peers = InterruptedPeers([("127.0.0.1", port)], LIMIT_S)
        self.peers.prefix = prefix
        self.lists = MemcachedLists(self.peers, prefix, LIMIT_S, self.clock)
        self.leases = MemcachedLeases(self.peers, prefix, LIMIT_S)
        self.settling = MemcachedSettling(self.peers, prefix, LIMIT_S, lambda t: self.lists.apply(t, []), self.clock)
        self.keys = Keys(prefix)
        self.roots = Roots(self.peers, self.keys)

    def clock(self) -> float:
        return time.time() + self.ahead_s

    def change(self, change: Change) -> ChangeResult:
        [result] = self.lists.apply(change.topic, [change]).results
        return result

    def make(self, change: Change) -> TopicVersion:
        """A change that nobody refuses, and the version since."""
        applied = self.change(change)
        assert isinstance(applied, Applied)
        return TopicVersion(change.topic, applied.version)

    def members(self, topic: str) -> list[bytes]:
        [(_, entries)] = self.lists.read([topic])
        return sorted(entries)

    def is_settled(self, topic: str) -> bool:
        return self.roots.look(topic)[0].claimed_at_us is None

    def take(self, worker_id: str = "a", token: str = "1", ttl_s: float = LEASE_S) -> LeaseKey:
        key = LeaseKey(worker_id, token)
        assert self.leases.take(key, ttl_s, "{}", []) is None
        return key

    def renew(self, key: LeaseKey, ttl_s: float = LEASE_S) -> list[LeaseKey] | None:
        return self.leases.renew(key, ttl_s, "{}")

    def holders(self) -> list[LeaseKey]:
        return [lease.key for lease in self.leases.look()[0]]
