"""Subscriber lists in one SQLite file, which several worker processes of a host may share.

All statements run in one thread, where the connection lives; the file's own lock orders the processes. Everything that
is SQL is in `sqlite_lists.py`.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar
from urllib.parse import unquote

from gearhorn.errors import Misconfigured, StoreUnavailable
from gearhorn.store.base import Change, ChangeResult, Store, Subscription, TopicCount, TopicList
from gearhorn.store.sqlite_lists import SqliteLists
from gearhorn.store.threads import BlockingCalls

Result = TypeVar("Result")

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
        self._lists: SqliteLists | None = None

    async def open(self) -> None:
        self._calls.start()
        await self._calls.run(self._connect)

    async def close(self) -> None:
        await self._calls.close(self._disconnect)

    async def apply(self, changes: Sequence[Change]) -> list[ChangeResult]:
        results: list[ChangeResult] = []
        for start in range(0, len(changes), CHANGES_PER_TRANSACTION):
            results += await self._apply_group(changes[start : start + CHANGES_PER_TRANSACTION])
        return results

    async def read(self, topics: Sequence[str]) -> list[TopicList]:
        return await self._ask(lambda lists: lists.read(topics))

    async def topics(self) -> list[TopicCount]:
        return await self._ask(lambda lists: lists.topics())

    async def subscriptions(self, topic: str) -> list[Subscription]:
        return await self._ask(lambda lists: lists.subscriptions(topic))

    async def _apply_group(self, group: Sequence[Change]) -> list[ChangeResult]:
        return await self._ask(lambda lists: lists.apply(group))

    async def _ask(self, question: Callable[[SqliteLists], Result]) -> Result:
        return await self._calls.run(lambda: question(self._connected()))

    def _connected(self) -> SqliteLists:
        if self._lists is None:
            raise StoreUnavailable(f"SQLite store {self._path} is not open")
        return self._lists

    def _connect(self) -> None:
        if self._lists is None:
            self._lists = SqliteLists(self._path, self._busy_timeout_s)

    def _disconnect(self) -> None:
        lists, self._lists = self._lists, None
        if lists is not None:
            lists.close()
