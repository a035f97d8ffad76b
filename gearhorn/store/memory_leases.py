"""Leases in the memory of one process, and the topics that nobody has seen to. Time comes in, in seconds."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from gearhorn.store.leases import Lease, LeaseKey

NOBODY = float("-inf")  # the time of a claim that was never made

Claimed = TypeVar("Claimed", bound=Hashable)


def claim(claimed_s: dict[Claimed, float], now_s: float, ttl_s: float) -> list[Claimed]:
    """What nobody has claimed within the last `ttl_s` seconds; all of it is claimed now."""
    due = [item for item, since_s in claimed_s.items() if since_s <= now_s - ttl_s]
    claimed_s.update(dict.fromkeys(due, now_s))
    return due


@dataclass
class _Held:
    key: LeaseKey
    ends_s: float
    info: str
    is_revoked: bool = False

    def lease(self, now_s: float) -> Lease:
        return Lease(self.key, self.ends_s - now_s, self.is_revoked, self.info)


class MemoryLeases:
    """One lease for each worker id: its last."""

    def __init__(self) -> None:
        self._held: dict[str, _Held] = {}
        self._claimed_s: dict[LeaseKey, float] = {}  # of those that have run out -> when they were handed out

    def take(self, key: LeaseKey, now_s: float, ttl_s: float, info: str, instead_of: Sequence[str]) -> Lease | None:
        held = self._held.get(key.worker_id)
        if held and held.ends_s > now_s and held.key.token not in instead_of:
            return held.lease(now_s)
        self._remove(held)
        self._held[key.worker_id] = _Held(key, now_s + ttl_s, info)
        return None

    def renew(self, key: LeaseKey, now_s: float, ttl_s: float, info: str) -> bool:
        held = self._find(key)
        if held is None or held.is_revoked or held.ends_s <= now_s:
            return False
        held.ends_s, held.info = now_s + ttl_s, info
        return True

    def release(self, key: LeaseKey) -> None:
        self._remove(self._find(key))

    def revoke(self, key: LeaseKey, now_s: float) -> float:
        held = self._find(key)
        if held is None or held.ends_s <= now_s:
            return 0
        held.is_revoked = True
        return held.ends_s - now_s

    def forget(self, key: LeaseKey, now_s: float) -> None:
        held = self._find(key)
        if held and held.ends_s <= now_s:
            self._remove(held)

    def claim_run_out(self, now_s: float, ttl_s: float) -> list[LeaseKey]:
        for held in self._held.values():
            if held.ends_s <= now_s:
                self._claimed_s.setdefault(held.key, NOBODY)
        return claim(self._claimed_s, now_s, ttl_s)

    def lasting(self, now_s: float) -> list[Lease]:
        return [held.lease(now_s) for held in self._held.values() if held.ends_s > now_s]

    def all(self, now_s: float) -> list[Lease]:
        return sorted(held.lease(now_s) for held in self._held.values())

    def _find(self, key: LeaseKey) -> _Held | None:
        held = self._held.get(key.worker_id)
        return held if held and held.key == key else None

    def _remove(self, held: _Held | None) -> None:
        if held:
            del self._held[held.key.worker_id]
            self._claimed_s.pop(held.key, None)
