"""Subscriber lists in one SQLite file, which several worker processes of a host may share.

All statements run in one thread, where the connection lives; the file's own lock orders the processes. Everything that
is SQL is in the modules beside this one. Nothing is lost with a process or the machine, so `held_s` is always 0.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import TypeVar, TypeVarTuple
from urllib.parse import unquote

from gearhorn.errors import Misconfigured, StoreUnavailable
from gearhorn.store import sqlite_leases, sqlite_lists, sqlite_records
from gearhorn.store.base import (
    Change,
    Evidence,
    Outcome,
    RecordKey,
    Store,
    Subscription,
    TopicCount,
    TopicList,
    join_states,
)
from gearhorn.store.leases import Lease, LeaseKey, Renewal, TopicVersion
from gearhorn.store.sqlite_file import SqliteFile
from gearhorn.store.threads import BlockingCalls

Result = TypeVar("Result")
Arguments = TypeVarTuple("Arguments")

# The write lock is let go after so many changes, for other processes to have their turn: some 50 ms.
CHANGES_PER_TRANSACTION = 5000


def from_url(url: str, *, prefix: str, timeout_s: float) -> Store:
    """`sqlite:///PATH`, relative to the working directory; so an absolute path makes it four slashes.

    The path is percent-decoded (%3F for a question mark, %23 for a number sign). The folder is created.
    """
    hosts, _, path = url.removeprefix("sqlite://").partition("/")
    if hosts or not path:
        raise Misconfigured("a sqlite store URL is sqlite:///relative/path or sqlite:////absolute/path")
    if "?" in path or "#" in path:
        raise Misconfigured("the sqlite:// store URL knows no options; in a path ? is written %3F and # %23")
    return SqliteStore(Path(unquote(path)), timeout_s)


class SqliteStore:
    def __init__(self, path: Path, timeout_s: float) -> None:
        self._path = path
        # Less than the limit, so that who waits for another process's lock hears of the lock and not of the limit.
        self._busy_timeout_s = timeout_s * 0.8
        self._calls = BlockingCalls(f"SQLite store {path}", 1, timeout_s)
        self._file: SqliteFile | None = None

    async def open(self) -> None:
        self._calls.start()
        await self._calls.run(self._connect)

    async def close(self) -> None:
        await self._calls.close(self._disconnect)

    async def apply(self, changes: Sequence[Change]) -> Outcome:
        outcome = await self._ask(sqlite_lists.apply, changes[:CHANGES_PER_TRANSACTION])
        for start in range(CHANGES_PER_TRANSACTION, len(changes), CHANGES_PER_TRANSACTION):
            group = changes[start : start + CHANGES_PER_TRANSACTION]
            outcome = _join(outcome, await self._ask(sqlite_lists.apply, group))
        return outcome

    async def read(self, topics: Sequence[str]) -> list[TopicList]:
        return await self._ask(sqlite_lists.read, topics)

    async def read_short(self, topics: Sequence[str]) -> Sequence[TopicList | None]:
        return await self.read(topics)  # its one thread could read nothing else meanwhile

    async def topics(self) -> list[TopicCount]:
        return await self._ask(sqlite_lists.topics)

    async def subscriptions(self, topic: str) -> list[Subscription]:
        return await self._ask(sqlite_lists.subscriptions, topic)

    async def subscription_pages(self, topic: str) -> AsyncIterator[Sequence[Subscription]]:
        after = ""
        while page := await self._ask(sqlite_lists.page, topic, after):
            yield page
            after = page[-1].client_id

    async def find_evidence(self, topics: Sequence[str]) -> Evidence:
        return Evidence()  # nothing is lost but with the file, which is an error

    async def settle(self, topics: Sequence[TopicVersion]) -> None:
        await self._ask(sqlite_lists.settle, topics)

    async def take_lease(self, key: LeaseKey, ttl_s: float, info: str, instead_of: Sequence[str] = ()) -> Lease | None:
        return await self._ask(sqlite_leases.take, key, ttl_s, info, instead_of)

    async def renew_lease(self, key: LeaseKey, ttl_s: float, info: str) -> Renewal:
        return await self._ask(sqlite_leases.renew, key, ttl_s, info)

    async def release_lease(self, key: LeaseKey) -> None:
        await self._ask(sqlite_leases.release, key)

    async def revoke_leases(self, keys: Sequence[LeaseKey]) -> list[float]:
        return await self._ask(sqlite_leases.revoke, keys)

    async def forget_lease(self, key: LeaseKey) -> None:
        await self._ask(sqlite_leases.forget, key)

    async def leases(self) -> list[Lease]:
        return await self._ask(sqlite_leases.all_leases)

    async def claim_record(self, key: RecordKey, value: bytes, ttl_s: float) -> bytes | None:
        return await self._ask(sqlite_records.claim, key, value, ttl_s)

    async def keep_record(self, key: RecordKey, value: bytes, ttl_s: float, *, is_listed: bool = False) -> None:
        await self._ask(sqlite_records.keep, key, value, ttl_s, is_listed)

    async def read_record(self, key: RecordKey) -> bytes | None:
        return await self._ask(sqlite_records.read, key)

    async def drop_record(self, key: RecordKey, value: bytes | None = None) -> None:
        await self._ask(sqlite_records.drop, key, value)

    async def record_names(self, kind: str) -> list[str]:
        return await self._ask(sqlite_records.names, kind)

    async def _ask(self, question: Callable[[SqliteFile, *Arguments], Result], *arguments: *Arguments) -> Result:
        return await self._calls.run(lambda: question(self._connected(), *arguments))

    def _connected(self) -> SqliteFile:
        if self._file is None:
            raise StoreUnavailable(f"SQLite store {self._path} is not open")
        return self._file

    def _connect(self) -> None:
        if self._file is None:
            self._file = SqliteFile(self._path, self._busy_timeout_s)

    def _disconnect(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            file.close()


def _join(first: Outcome, then: Outcome) -> Outcome:
    """The leases are the later ones: one that ran out in between serves nothing any more."""
    topics = first.topics | {topic: join_states(first.topics.get(topic), state) for topic, state in then.topics.items()}
    return Outcome(first.results + then.results, topics, then.leases)
