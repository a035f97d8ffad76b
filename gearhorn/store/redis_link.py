"""Asks a Redis server: connections, the time limit, the one repetition, and errors in our words."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import redis.exceptions as theirs
from redis.asyncio import Connection, ConnectionPool, Redis, SSLConnection, UnixDomainSocketConnection
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import MasterNotFoundError, Sentinel
from redis.backoff import NoBackoff

from gearhorn.errors import Misconfigured, StoreUnavailable
from gearhorn.store.redis_errors import translate
from gearhorn.store.redis_urls import RedisTarget, check_tls_files

Result = TypeVar("Result")

# More questions at a time wait here: each takes a connection, and a server has 10,000 for everybody.
CONNECTION_LIMIT = 16

_CLOSED = "the handler is closed"


class RedisLink:
    """The connections of one store to one server, or to the one that is the master now."""

    def __init__(self, target: RedisTarget, timeout_s: float) -> None:
        self._target = target
        self._timeout_s = timeout_s
        self._slots = asyncio.Semaphore(CONNECTION_LIMIT)
        self._clients: list[Redis] = []  # of the server, and then of sentinels

    @property
    def name(self) -> str:
        """For messages."""
        return self._target.name

    @property
    def timeout_s(self) -> float:
        """After so long nobody waits for an answer any more."""
        return self._timeout_s

    def open(self) -> None:
        """Makes the clients; connections are made when something is asked. Raises Misconfigured for TLS files."""
        if not self._clients:
            check_tls_files(self._target)
            self._clients = self._make_clients()
            # redis-py would make a set, of which a list would have to be made again.
            self._client().set_response_callback("SMEMBERS", list)

    async def close(self) -> None:
        """Lets the questions under way come to their end: a connection that is being made could not be closed."""
        clients, self._clients = self._clients, []
        if clients:
            await self._wait_for_slots()
        for client in clients:
            with contextlib.suppress(theirs.RedisError, OSError):
                await client.aclose()

    async def _wait_for_slots(self) -> None:
        """Until all of them are free, for up to the limit, after which every question has ended as unavailable."""
        async with contextlib.AsyncExitStack() as stack:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._timeout_s):
                    for _ in range(CONNECTION_LIMIT):
                        await stack.enter_async_context(self._slots)

    async def ask(self, question: Callable[[Any], Awaitable[Result]]) -> tuple[Result, bool]:
        """The answer of redis-py's client, and whether it was asked twice, so that the first may have had its effect.

        Raises StoreUnavailable, within the limit, and Misconfigured.
        """
        cancelled_count = _cancelled_count()
        try:
            async with asyncio.timeout(self._timeout_s), self._slots:
                answer = await self._ask_twice(question)
        except TimeoutError:
            raise StoreUnavailable(f"{self._target.name} did not answer within {self._timeout_s:g} s") from None
        except (theirs.RedisError, OSError) as error:
            raise translate(error, self._target.name) from error
        _raise_forgotten_cancellation(cancelled_count)
        return answer

    async def _ask_twice(self, question: Callable[[Any], Awaitable[Result]]) -> tuple[Result, bool]:
        try:
            return await self._ask_once(question), False
        except theirs.ConnectionError as error:
            # Often a connection from before the server was started again, or before another became master.
            if isinstance(translate(error, self._target.name), Misconfigured):
                raise
        return await self._ask_once(question), True

    async def _ask_once(self, question: Callable[[Any], Awaitable[Result]]) -> Result:
        try:
            return await question(self._client())
        except MasterNotFoundError:
            await self._judge_tls()
            raise
        except RuntimeError as error:
            # uvloop's word for a connection that ended unnoticed by redis-py, which lets it pass
            if _CLOSED not in str(error):
                raise
            raise theirs.ConnectionError("the connection was lost") from error

    async def _judge_tls(self) -> None:
        """Raises Misconfigured for trouble of TLS with a sentinel, which redis-py keeps to itself."""
        for sentinel in self._clients[1:] if self._target.tls else ():
            try:
                await sentinel.sentinel_masters()
            except theirs.RedisError as error:
                if isinstance(found := translate(error, self.name), Misconfigured):
                    raise found from error

    def _client(self) -> Any:
        if not self._clients:
            raise StoreUnavailable(f"{self._target.name}: the store is not open")
        return self._clients[0]

    def _make_clients(self) -> list[Redis]:
        target = self._target
        if target.sentinels:
            # Each sentinel has its share of the time, so that one that hangs does not use up that of the others.
            share_s = self._timeout_s / (len(target.sentinels) + 1)
            tls = {"ssl": True, **target.tls} if target.tls else {}
            ways = target.sentinel_login | self._ways(share_s) | tls
            sentinel: Any = Sentinel(target.sentinels, sentinel_kwargs=ways)  # type: ignore[no-untyped-call]
            return [sentinel.master_for(target.master, **target.login, **self._ways(), **tls), *sentinel.sentinels]
        return [Redis.from_pool(ConnectionPool(**self._place(), **target.login, **self._ways()))]

    def _place(self) -> dict[str, Any]:
        target = self._target
        if target.address is None:
            return {"connection_class": UnixDomainSocketConnection, "path": target.socket_path}
        place: dict[str, Any] = {"host": target.address[0], "port": target.address[1]}
        if target.tls is None:
            return place | {"connection_class": Connection}
        return place | target.tls | {"connection_class": SSLConnection}

    def _ways(self, limit_s: float | None = None) -> dict[str, Any]:
        return {
            # `ask` bounds and repeats whole questions; redis-py would do so with each step, and ten times.
            "socket_timeout": limit_s,
            "socket_connect_timeout": limit_s or self._timeout_s,
            "retry": Retry(NoBackoff(), 0),
            # What every server since Redis 5 speaks; nothing here needs the newer one.
            "protocol": 2,
        }


def _cancelled_count() -> int:
    task = asyncio.current_task()
    return task.cancelling() if task is not None else 0


def _raise_forgotten_cancellation(cancelled_before_count: int) -> None:
    """redis-py uses asyncio.wait_for, which before Python 3.12 may return a result instead of being cancelled."""
    if _cancelled_count() > cancelled_before_count:
        raise asyncio.CancelledError
