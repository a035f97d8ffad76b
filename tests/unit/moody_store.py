"""A store in memory that fails when a test wants it to, that can be held up, and that remembers what it was asked."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from gearhorn.store.base import Change, Outcome, RecordKey, TopicList
from gearhorn.store.leases import Lease, LeaseKey, Renewal, TopicVersion
from gearhorn.store.memory import MemoryLists, MemoryStore

Result = TypeVar("Result")


class MoodyStore(MemoryStore):
    """Calls are known by their names. `asked` has what each was asked, in order; `held_s` is what `apply` tells.

    The lists of `long_topics` are to be read by themselves, which is the call `read_long`.
    """

    def __init__(self, clock: Callable[[], float], lists: MemoryLists | None = None) -> None:
        super().__init__(lists, clock)
        self.asked: dict[str, list[object]] = defaultdict(list)
        self.held_s = 0.0
        self.long_topics: set[str] = set()
        self._errors: dict[str, list[Exception]] = defaultdict(list)
        self._late_errors: dict[str, list[Exception]] = defaultdict(list)
        self._gates: dict[str, asyncio.Event] = {}
        self._is_open = True

    def fail(self, call: str, *errors: Exception) -> None:
        """The next calls raise these, one each, and do nothing."""
        self._errors[call] += errors

    def fail_late(self, call: str, *errors: Exception) -> None:
        """The next calls do what they are to do, and then raise these: their answers are lost."""
        self._late_errors[call] += errors

    def hold(self, call: str) -> Callable[[], None]:
        """Calls wait until what is returned is called, and have no effect before."""
        gate = self._gates[call] = asyncio.Event()
        return gate.set

    async def apply(self, changes: Sequence[Change]) -> Outcome:
        outcome = await self._do("apply", list(changes), super().apply(changes))
        return outcome._replace(held_s=self.held_s)

    async def read(self, topics: Sequence[str]) -> list[TopicList]:
        call = "read_long" if self.long_topics.intersection(topics) else "read"
        return await self._do(call, list(topics), super().read(topics))

    async def read_short(self, topics: Sequence[str]) -> Sequence[TopicList | None]:
        short = [topic for topic in topics if topic not in self.long_topics]
        found = dict(zip(short, await self.read(short), strict=True)) if short else {}
        return [found.get(topic) for topic in topics]

    async def settle(self, topics: Sequence[TopicVersion]) -> None:
        await self._do("settle", list(topics), super().settle(topics))

    async def take_lease(self, key: LeaseKey, ttl_s: float, info: str, instead_of: Sequence[str] = ()) -> Lease | None:
        asked = (key.token, list(instead_of))
        return await self._do("take_lease", asked, super().take_lease(key, ttl_s, info, instead_of))

    async def renew_lease(self, key: LeaseKey, ttl_s: float, info: str) -> Renewal:
        return await self._do("renew_lease", key, super().renew_lease(key, ttl_s, info))

    async def release_lease(self, key: LeaseKey) -> None:
        await self._do("release_lease", key, super().release_lease(key))

    async def revoke_leases(self, keys: Sequence[LeaseKey]) -> list[float]:
        return await self._do("revoke_leases", list(keys), super().revoke_leases(keys))

    async def forget_lease(self, key: LeaseKey) -> None:
        await self._do("forget_lease", key, super().forget_lease(key))

    async def claim_record(self, key: RecordKey, value: bytes, ttl_s: float) -> bytes | None:
        return await self._do("claim_record", key, super().claim_record(key, value, ttl_s))

    async def keep_record(self, key: RecordKey, value: bytes, ttl_s: float, *, is_listed: bool = False) -> None:
        await self._do("keep_record", key, super().keep_record(key, value, ttl_s, is_listed=is_listed))

    async def read_record(self, key: RecordKey) -> bytes | None:
        return await self._do("read_record", key, super().read_record(key))

    async def drop_record(self, key: RecordKey, value: bytes | None = None) -> None:
        await self._do("drop_record", key, super().drop_record(key, value))

    async def record_names(self, kind: str) -> list[str]:
        return await self._do("record_names", kind, super().record_names(kind))

    async def _do(self, call: str, what: object, work: Awaitable[Result]) -> Result:
        self.asked[call].append(what)
        try:
            if call in self._gates:
                await self._gates[call].wait()
            if self._errors[call]:
                raise self._errors[call].pop(0)
            result = await work
        finally:
            work.close()  # type: ignore[attr-defined]
        if self._late_errors[call]:
            raise self._late_errors[call].pop(0)
        return result
