"""Who is subscribed to what: the one door between the jobs and the store.

Handlers ask here and nowhere else, so that a cache can take its place behind this door. Without one, each lookup is a
read of the store that began after the question.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import TypeVar

from gearhorn.core.backoff import Backoff
from gearhorn.core.members import Members
from gearhorn.errors import StoreUnavailable
from gearhorn.grouping import Grouper
from gearhorn.store.base import Change, ChangeResult, Store

log = logging.getLogger(__name__)

Result = TypeVar("Result")

# Redis takes 500 changes in one script within half a millisecond; more at once would hold up its other clients.
CHANGES_AT_ONCE = 500
LOOKUPS_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class DirectorySettings:
    """How long a store that is away is waited for within one job, and how often it is tried."""

    retry_timeout_s: float = 30.0
    first_retry_s: float = 0.05
    most_retry_s: float = 2.0


class Directory:
    """Lookups and changes, each grouped and retried. Both raise StoreUnavailable when the store stays away."""

    def __init__(self, store: Store, settings: DirectorySettings) -> None:
        self._store = store
        self._settings = settings
        self._in_trouble = False
        self._lookups: Grouper[str, Members] = Grouper(self._read, LOOKUPS_AT_ONCE)
        self._changes: Grouper[Change, ChangeResult] = Grouper(self._apply, CHANGES_AT_ONCE)

    async def members(self, topic: str) -> Members:
        """The subscribers of `topic`, with every change that was completed before the question."""
        return await self._lookups.ask(topic)

    async def change(self, change: Change) -> ChangeResult:
        """Makes the change. When this returns, every later `members`, in any worker, knows of it."""
        return await self._changes.ask(change)

    async def close(self) -> None:
        await self._lookups.close()
        await self._changes.close()

    async def _read(self, topics: Sequence[str]) -> Sequence[Members]:
        distinct = list(dict.fromkeys(topics))
        lists = await self._patiently(lambda: self._store.read(distinct))
        members = {topic: Members.of(found.client_ids) for topic, found in zip(distinct, lists, strict=True)}
        return [members[topic] for topic in topics]

    async def _apply(self, changes: Sequence[Change]) -> Sequence[ChangeResult]:
        return await self._patiently(lambda: self._store.apply(changes))

    async def _patiently(self, call: Callable[[], Awaitable[Result]]) -> Result:
        """Repeats a call to a store that is away. Changes are wishes: made twice they are still made once."""
        loop = asyncio.get_running_loop()
        deadline_s = loop.time() + self._settings.retry_timeout_s
        backoff = Backoff(self._settings.first_retry_s, self._settings.most_retry_s, Random())
        while True:
            try:
                result = await call()
            except StoreUnavailable as error:
                self._say_trouble(error)
                delay_s = backoff.next_s()
                if loop.time() + delay_s > deadline_s:
                    raise
                await asyncio.sleep(delay_s)
            else:
                self._say_over()
                return result

    def _say_trouble(self, error: StoreUnavailable) -> None:
        if not self._in_trouble:
            log.warning("the store is away: %s; jobs wait for it", error)
        self._in_trouble = True

    def _say_over(self) -> None:
        if self._in_trouble:
            log.info("the store is back")
        self._in_trouble = False
