"""Signed changes of one subscription take effect in the order in which they were signed.

Changes wait in queues, and who can bring one to the front of others could have a subscription end up as it was before.
So the time of the last one that was let through is kept, and an older one is refused. To compare, to keep and to make
the change is one step, under a lock in the store that all workers respect.

Times of two that sign are compared as they are: whose clock is behind comes too late, if both change the same
subscription within that time.
"""

import asyncio
import contextlib
import hashlib
import random
from collections.abc import AsyncIterator

from gearhorn.core.backoff import Backoff
from gearhorn.errors import BadRequest, StoreUnavailable
from gearhorn.patience import Patience
from gearhorn.signing.vouchers import Voucher
from gearhorn.store.base import RecordKey, Store

# Kinds of records.
TIMES, LOCKS = "signed-time", "signed-lock"

# How often a lock that another has is asked for.
FIRST_RETRY_S, MOST_RETRY_S = 0.01, 0.25

# For what a change takes beside its waiting, and for clocks that do not run alike.
SPARE_S = 10.0


class Order:
    """`wait_limit_s`: how long a change waits for its turn. One may take a little more than twice as long."""

    def __init__(self, store: Store, patience: Patience, wait_limit_s: float) -> None:
        self._store = store
        self._patience = patience
        self.adjust(wait_limit_s)

    def adjust(self, wait_limit_s: float) -> None:
        self._wait_limit_s = wait_limit_s
        self._hold_limit_s = 2 * wait_limit_s + SPARE_S

    @contextlib.asynccontextmanager
    async def turn(self, voucher: Voucher, pair: tuple[str, str], owner: bytes, ttl_s: float) -> AsyncIterator[None]:
        """Within the block no other signed change of this topic and client id is made.

        `owner` is the job: of one that was run by a worker that died, the lock is its own. Raises BadRequest when a
        later change was let through already, StoreUnavailable when its turn does not come.
        """
        name = hashlib.sha256("\n".join(pair).encode()).hexdigest()
        lock = RecordKey(LOCKS, name)
        await self._lock(lock, owner)
        limit = asyncio.timeout(self._hold_limit_s)
        try:
            async with limit:
                await self._advance(RecordKey(TIMES, name), voucher, ttl_s)
                yield
        except TimeoutError:
            if not limit.expired():
                raise
            raise StoreUnavailable("the change took too long") from None
        finally:
            with contextlib.suppress(StoreUnavailable):  # then it ends by itself
                await self._store.drop_record(lock, owner)

    async def _advance(self, key: RecordKey, voucher: Voucher, ttl_s: float) -> None:
        """Puts the change's time in the place of an older one.

        Not by `keep_record`: stores list the names of what is kept, and memcached in one value of a megabyte. A worker
        that dies between two steps leaves the lock, and the same job comes back to put its time here.
        """
        value = repr(voucher.claims.time).encode()
        newest = await self._claim(key, value, ttl_s)
        if newest in (None, value):
            return
        if float(newest) > voucher.claims.time:
            raise BadRequest("time", "a later change of this subscription was made before: sign anew to make this one")
        await self._patience.ask(lambda: self._store.drop_record(key, newest))
        await self._claim(key, value, ttl_s)

    async def _lock(self, lock: RecordKey, owner: bytes) -> None:
        # A change that takes longer is refused, and not made any more, before the lock is another's.
        ttl_s = self._hold_limit_s + SPARE_S
        backoff = Backoff(FIRST_RETRY_S, MOST_RETRY_S, random.Random())
        deadline_s = asyncio.get_running_loop().time() + self._wait_limit_s
        while await self._claim(lock, owner, ttl_s) not in (None, owner):
            if asyncio.get_running_loop().time() > deadline_s:
                raise StoreUnavailable("other changes of the same subscription take too long")
            await asyncio.sleep(backoff.next_s())

    async def _claim(self, key: RecordKey, value: bytes, ttl_s: float) -> bytes | None:
        return await self._patience.ask(lambda: self._store.claim_record(key, value, ttl_s))
