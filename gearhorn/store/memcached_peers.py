"""Asks the memcached servers: which of them holds a key, connections, and errors in our words. For threads."""

import hashlib
import select
import socket
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from operator import methodcaller
from typing import Any, NamedTuple, TypeVar

from pymemcache import (
    Client,
    MemcacheClientError,
    MemcacheError,
    MemcacheIllegalInputError,
    MemcacheUnknownError,
)
from pymemcache.client.rendezvous import RendezvousHash

from gearhorn.errors import GearhornError, Misconfigured, StoreUnavailable
from gearhorn.store.urls import Address
from gearhorn.store.versions import MICROSECONDS_PER_S

Result = TypeVar("Result")

# Bounds the bytes under way in one request: so many chunks of long lists are some megabytes.
KEYS_PER_REQUEST = 100


class ServerClock(NamedTuple):
    """The time of one memcached, and which process it is that says so: the clock of the next one begins anew.

    Nobody sets it while the process lives: it follows the time that the machine has been up. See `TICK_US` for how far
    it is behind.
    """

    now_us: int
    process: str


# memcached looks at the time once a second, and then forgets what is behind the point: clock_handler in memcached.c.
TICK_US = MICROSECONDS_PER_S


class AnswerLost(StoreUnavailable):
    """A value was sent to be stored if nobody else was faster, and whether it was is not known."""


class Peers:
    """The servers of one store. Each thread has a connection of its own to each.

    A key is always on the same server. One that is away is not stood in for by another: it would hold other lists under
    the same keys when it comes back.
    """

    def __init__(self, addresses: Iterable[Address], timeout_s: float) -> None:
        self._addresses = {f"{host}:{port}": (host, port) for host, port in addresses}
        self._timeout_s = timeout_s
        self._ring = RendezvousHash(list(self._addresses), hash_function=_score)
        self._own = threading.local()
        self._clients: set[Client] = set()  # of all threads
        self._lock = threading.Lock()

    def check(self) -> None:
        """Raises unless every server answers as memcached does."""
        for name in self._addresses:
            self._ask(name, methodcaller("version"))

    def close(self) -> None:
        with self._lock:
            clients, self._clients = self._clients, set()
        for client in clients:
            client.close()

    def get_many(self, keys: Iterable[str]) -> dict[str, bytes]:
        return self._collect(keys, "get_many")

    def gets_many(self, keys: Iterable[str]) -> dict[str, tuple[bytes, bytes]]:
        """Values with the tokens that `cas` takes."""
        return self._collect(keys, "gets_many")

    @property
    def names(self) -> Collection[str]:
        """HOST:PORT of each server."""
        return self._addresses.keys()

    def homes(self, keys: Iterable[str]) -> set[str]:
        """The servers that hold these keys."""
        return {self._home(key) for key in keys}

    def get_at(self, name: str, key: str) -> bytes | None:
        """The value on this server, whoever's it is."""
        value: bytes | None = self._ask(name, methodcaller("get", key))
        return value

    def add_at(self, name: str, key: str, value: bytes) -> None:
        """Makes it on this server, unless there is one."""
        self._ask(name, methodcaller("add", key, value))

    def set_many(self, values: Mapping[str, bytes]) -> None:
        for home, some in self._requests(values):
            if self._ask(home, methodcaller("set_many", {key: values[key] for key in some})):
                raise StoreUnavailable(f"memcached at {home} did not store a value")

    def set(self, key: str, value: bytes, expiry_s: int) -> None:
        """`expiry_s`: as memcached understands it."""
        if not self._ask(self._home(key), methodcaller("set", key, value, expiry_s)):
            raise StoreUnavailable(f"memcached at {self._home(key)} did not store a value")

    def delete_many(self, keys: Iterable[str]) -> None:
        for home, some in self._requests(keys):
            self._ask(home, methodcaller("delete_many", some))

    def add(self, key: str, value: bytes, expiry_s: int = 0) -> bool:
        """Whether it was stored: False if there is a value already. Raises AnswerLost, as do `cas` and `cas_delete`."""
        return bool(self._ask_once(self._home(key), methodcaller("add", key, value, expiry_s)))

    def append(self, key: str, value: bytes) -> bool:
        """False if there is no value to append to. May append twice when a connection is lost."""
        return bool(self._ask(self._home(key), methodcaller("append", key, value)))

    def cas(self, key: str, value: bytes, token: bytes) -> bool:
        """Whether it was stored: False if the value is another than that of the token, or gone."""
        return bool(self._ask_once(self._home(key), methodcaller("cas", key, value, token)))

    def cas_delete(self, key: str, token: bytes) -> bool:
        """`cas` that leaves no value: one with a negative time to live is gone at once."""
        return bool(self._ask_once(self._home(key), methodcaller("cas", key, b"", token, expire=-1)))

    def read_clock(self, key: str) -> ServerClock:
        """That of the server which holds `key`, up to two ticks behind, and never ahead."""
        home = self._home(key)
        stats = self._ask(home, methodcaller("stats"))
        try:
            now_s, uptime_s, pid = (int(stats[name]) for name in (b"time", b"uptime", b"pid"))
        except (KeyError, ValueError) as error:  # a proxy, for example
            raise Misconfigured(f"memcached at {home} does not say what time it is: {error!r}") from error
        return ServerClock(now_s * MICROSECONDS_PER_S, f"{pid}-{now_s - uptime_s}")

    def _home(self, key: str) -> str:
        return str(self._ring.get_node(key)) if len(self._addresses) > 1 else next(iter(self._addresses))

    def _collect(self, keys: Iterable[str], command: str) -> dict[str, Any]:
        answers: dict[str, Any] = {}
        for home, some in self._requests(keys):
            answers |= self._ask(home, methodcaller(command, some))
        return answers

    def _requests(self, keys: Iterable[str]) -> Iterator[tuple[str, list[str]]]:
        """Servers, and which of the keys to ask them for at a time."""
        by_home: dict[str, list[str]] = {}
        for key in keys:
            by_home.setdefault(self._home(key), []).append(key)
        for home, homed in by_home.items():
            for start in range(0, len(homed), KEYS_PER_REQUEST):
                yield home, homed[start : start + KEYS_PER_REQUEST]

    def _ask_once(self, name: str, question: Callable[[Any], Result]) -> Result:
        try:
            return self._ask(name, question, try_count=1)
        except StoreUnavailable as error:
            raise AnswerLost(str(error)) from error

    def _ask(self, name: str, question: Callable[[Any], Result], try_count: int = 2) -> Result:
        """The second try is for a connection that is lost on the way."""
        while True:
            try_count -= 1
            try:
                return question(self._client(name))
            except MemcacheIllegalInputError:  # ours: no key or value that is made here is illegal
                raise
            except (OSError, MemcacheError) as error:
                self._drop(name)
                trouble = _translate(name, error)
                if try_count == 0 or isinstance(error, TimeoutError) or isinstance(trouble, Misconfigured):
                    raise trouble from error

    def _client(self, name: str) -> Client:
        clients: dict[str, Client] = self._own.__dict__
        if name in clients and _has_ended(clients[name]):
            self._drop(name)
        if name not in clients:
            clients[name] = self._connect(*self._addresses[name])
        return clients[name]

    def _connect(self, host: str, port: int) -> Client:
        # pymemcache tries only the first address of a name, which for localhost is often not the one that is served.
        with socket.create_connection((host, port), self._timeout_s) as probe:
            address = probe.getpeername()[0]
        client = Client(
            (address, port),
            connect_timeout=self._timeout_s,
            timeout=self._timeout_s,
            no_delay=True,
            default_noreply=False,
        )
        with self._lock:
            self._clients.add(client)
        return client

    def _drop(self, name: str) -> None:
        client = self._own.__dict__.pop(name, None)
        if client is not None:
            with self._lock:
                self._clients.discard(client)
            client.close()


def _has_ended(client: Client) -> bool:
    """Whether something comes from the server although nothing was asked: the end of the connection, as a rule."""
    if client.sock is None:  # not used yet
        return False
    poll = select.poll()
    poll.register(client.sock, select.POLLIN)
    return bool(poll.poll(0))


def _score(text: str, seed: int) -> int:
    """For the ring; in C, unlike the function that comes with it."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest())


def _translate(name: str, error: Exception) -> GearhornError:
    if isinstance(error, MemcacheUnknownError):
        return Misconfigured(f"memcached at {name}: what answers there is no memcached: {error}")
    if isinstance(error, MemcacheClientError):
        return Misconfigured(f"memcached at {name} refuses what gearhorn needs: {error}")
    return StoreUnavailable(f"memcached at {name}: {error or type(error).__name__}")
