"""Rounds of a worker `a` in virtual time, with a store in memory and letters in the place of messages."""

import asyncio
from collections.abc import Sequence

import pytest

from gearhorn.core.lease import CLOCK_MARGIN
from gearhorn.core.matchmaking import Matchmaking, MatchmakingLimits
from gearhorn.core.news import News
from gearhorn.matchmaking.rounds import Lot, Rounds
from gearhorn.patience import Patience, PatienceSettings
from gearhorn.store.leases import Lease, LeaseKey
from tests.unit.letters import Letters
from tests.unit.moody_store import MoodyStore
from tests.unit.virtual_time import TICK_S, let_run, now_s

TTL_S = 10.0
ACK_TIMEOUT_S = 1.0
LONGER = 1 + CLOCK_MARGIN  # what is waited out is waited out by the slowest clock
SEVEN, EIGHT = News("news", 7, 6, {b"ann": True}), News("news", 8, 7, {b"bob": False})
MEMO = News("memos", 3, 2, {b"ann": True})


class Scene:
    """Worker `a` and its rounds; others have leases."""

    def __init__(self, *answering: str) -> None:
        self.store = MoodyStore(now_s)
        self.matchmaking = Matchmaking(MatchmakingLimits(TTL_S))
        self.post = Letters(*answering)
        patience = Patience(PatienceSettings(retry_timeout_s=5.0, first_retry_s=0.1, most_retry_s=0.5))
        self.rounds = Rounds(self.store, patience, self.matchmaking, self.post, ACK_TIMEOUT_S, now_s)
        self.began_s = now_s()

    async def lease(self, worker_id: str, token: str = "token") -> Lease:
        """Of another process, as a change finds it."""
        await self.store.take_lease(LeaseKey(worker_id, token), TTL_S, "{}")
        return Lease(LeaseKey(worker_id, token), TTL_S, False, "{}")

    async def hold_lease(self) -> Lease:
        """Of this worker itself."""
        self.matchmaking.lease.asked("held")
        self.matchmaking.lease.taken("held", now_s())
        return await self.lease("a", "held")

    def tell(self, news: News, leases: Sequence[Lease], held_s: float = 0.0) -> Lot:
        return self.rounds.tell([news], leases, held_s)

    async def is_over(self, *lots: Lot) -> list[bool]:
        waiting = [asyncio.create_task(lot.wait()) for lot in lots]
        await let_run()
        return [task.done() for task in waiting]

    def took_s(self) -> float:
        return now_s() - self.began_s

    async def revoked(self) -> list[LeaseKey]:
        return [lease.key for lease in await self.store.leases() if lease.is_revoked]


def about(seconds: float) -> object:
    return pytest.approx(seconds, abs=100 * TICK_S)
