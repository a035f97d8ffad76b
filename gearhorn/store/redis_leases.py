"""Leases in Redis, and what is settled; one script call each. `redis_lease_scripts.py` has the scripts."""

from collections.abc import Sequence

from gearhorn.store.leases import LOST, Lease, LeaseKey, Renewal, TopicVersion
from gearhorn.store.redis_calls import RedisCalls
from gearhorn.store.redis_lease_scripts import FORGET, LIST, RELEASE, RENEW, REVOKE, SETTLE, TAKE, LeaseAnswer
from gearhorn.store.versions import MICROSECONDS_PER_S

SETTLED_PER_CALL = 500


class RedisLeases:
    """See `Store` for what the calls promise."""

    def __init__(self, calls: RedisCalls) -> None:
        self._calls = calls

    async def settle(self, topics: Sequence[TopicVersion]) -> None:
        for start in range(0, len(topics), SETTLED_PER_CALL):
            await self._calls.run(SETTLE, topics[start : start + SETTLED_PER_CALL])

    async def take(self, key: LeaseKey, ttl_s: float, info: str, instead_of: Sequence[str]) -> Lease | None:
        found, _ = await self._calls.run(TAKE, (*key, self._expect(ttl_s), info, instead_of))
        return describe_lease(found[0]) if found else None

    async def renew(self, key: LeaseKey, ttl_s: float, info: str) -> Renewal:
        (is_held, unsettled, run_out), _ = await self._calls.run(RENEW, (*key, self._expect(ttl_s), info))
        if not is_held:
            return LOST
        return Renewal(True, [TopicVersion(*topic) for topic in unsettled], [LeaseKey(*lease) for lease in run_out])

    async def release(self, key: LeaseKey) -> None:
        await self._calls.run(RELEASE, key)

    async def revoke(self, keys: Sequence[LeaseKey]) -> list[float]:
        left_us, _ = await self._calls.run(REVOKE, keys)
        return [us / MICROSECONDS_PER_S for us in left_us]

    async def forget(self, key: LeaseKey) -> None:
        await self._calls.run(FORGET, key)

    async def list(self) -> list[Lease]:
        found, _ = await self._calls.run(LIST)
        return sorted(map(describe_lease, found))

    def _expect(self, ttl_s: float) -> int:
        ttl_us = round(ttl_s * MICROSECONDS_PER_S)
        self._calls.expect(ttl_us)
        return ttl_us


def describe_lease(answer: LeaseAnswer) -> Lease:
    worker_id, token, left_us, is_revoked, info = answer
    return Lease(LeaseKey(worker_id, token), left_us / MICROSECONDS_PER_S, is_revoked, info)
