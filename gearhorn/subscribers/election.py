"""Decides which worker watches: the one that holds a record in the store, which ends by itself when its holder dies."""

import contextlib
import secrets

from gearhorn.errors import Misconfigured, StoreUnavailable
from gearhorn.store.base import RecordKey, Store
from gearhorn.subscribers.report import KIND

WATCHER = RecordKey(KIND, "watcher")


class Election:
    """Two may hold the office for a moment, after a store lost its data or a holder stood still. What they do may be
    done twice.
    """

    def __init__(self, store: Store, worker_id: str) -> None:
        self._store = store
        self._name = f"{worker_id} {secrets.token_hex(8)}".encode()
        self._was_held = False

    async def hold(self, ttl_s: float) -> bool:
        """Whether this worker holds the office, and then for `ttl_s` seconds from now. Raises StoreUnavailable."""
        other = await self._store.claim_record(WATCHER, self._name, ttl_s)
        is_held = other in (None, self._name)
        if other == self._name:
            await self._store.keep_record(WATCHER, self._name, ttl_s)
        self._was_held = is_held
        return is_held

    async def release(self) -> None:
        """So that another worker need not wait for the end of the record."""
        if self._was_held:
            self._was_held = False
            with contextlib.suppress(StoreUnavailable, Misconfigured):
                await self._store.drop_record(WATCHER, self._name)
