"""Keeps a worker's lease: takes it, renews it, takes another when it was lost, and gives it back at the end."""

import asyncio
import contextlib
import secrets
from collections.abc import Callable
from random import Random

from gearhorn.clock import steady_s
from gearhorn.core.backoff import Backoff
from gearhorn.core.matchmaking import Matchmaking
from gearhorn.errors import Misconfigured, StoreUnavailable
from gearhorn.logs.event import log_for
from gearhorn.logs.events.lists import LEASE_AWAITED, LEASE_DENIED, LEASE_HELD_AGAIN, LEASE_LOST, LEASE_UNRENEWED
from gearhorn.logs.trouble import Trouble
from gearhorn.patience import Patience
from gearhorn.process_marks import is_alive
from gearhorn.store.base import Store
from gearhorn.store.leases import Lease, LeaseKey, Renewal, read_info

log = log_for(__name__)

# Each lease is renewed so many times before it would run out: one answer may be lost.
RENEWALS_PER_TTL = 3
# A worker whose leases are taken from it again and again cannot be reached by the others, and each time it holds one,
# a change waits for it. It takes the next one later and later, and reads its lists from the store meanwhile.
MOST_PAUSE_S = 300.0
# Tokens that may be those of leases of our own. Calls that are older than so many others have long had their effect.
TOKENS_TRIED = 256


class IdTaken(Misconfigured):
    """Another process works under this worker's id, where each needs its own."""


class Leasing:
    """`describe` gives what the worker writes beside its lease; `on_renewal` hears of each that the store answered."""

    def __init__(
        self,
        store: Store,
        patience: Patience,
        matchmaking: Matchmaking,
        worker_id: str,
        describe: Callable[[], str],
        on_renewal: Callable[[Renewal], None],
        now_s: Callable[[], float] = steady_s,
    ) -> None:
        self._store = store
        self._patience = patience
        self._matchmaking = matchmaking
        self._worker_id = worker_id
        self._describe = describe
        self._on_renewal = on_renewal
        self._now_s = now_s
        self._ttl_s = matchmaking.lease.ttl_s
        self._tried: list[str] = []  # tokens of calls, of which some may take a lease later than their time is up
        self._pause = Backoff(self._ttl_s, max(self._ttl_s, MOST_PAUSE_S), Random())
        self._taken_at_s = 0.0

    async def take(self) -> None:
        """Returns with a lease. What is there under this worker's id from before is waited for to run out.

        Raises IdTaken when another process holds it and lives.
        """
        other: Lease | None = None
        while True:
            seen, other = other, await self._try_to_take()
            if other is None:
                return
            lives = _lives(other)
            if lives or (seen is not None and (seen.key, seen.info) != (other.key, other.info)):
                raise IdTaken(self._conflict(other))
            if lives is False:
                self._tried.append(other.key.token)
                continue
            if seen is None:
                log.say(LEASE_AWAITED, left_s=other.left_s, worker_id=self._worker_id)
            await asyncio.sleep(min(max(other.left_s, 0.05), self._ttl_s / RENEWALS_PER_TTL / 2))

    async def run(self) -> None:
        """Keeps the lease until cancelled. Raises IdTaken as `take`."""
        while True:
            await self._keep()
            # Once may have been a pause of this machine. What is lost soon again is taken again later.
            if self._now_s() - self._taken_at_s < RENEWALS_PER_TTL * self._ttl_s:
                await asyncio.sleep(self._pause.next_s())
            else:
                self._pause.reset()
            await self._take_again()
            log.say(LEASE_HELD_AGAIN)

    async def release(self) -> None:
        """Ends the lease, within the store's time limit; left alone, it runs out. `run` must not go on after that."""
        token = self._matchmaking.lease.token
        self._matchmaking.lease_lost()
        if token is not None:
            with contextlib.suppress(StoreUnavailable, Misconfigured):
                await self._store.release_lease(LeaseKey(self._worker_id, token))

    async def _take_again(self) -> None:
        """In service, a store that the operator has to mend is no reason to end."""
        trouble = Trouble()
        while True:
            try:
                return await self.take()
            except IdTaken:
                raise
            except Misconfigured as error:
                if trouble.begins():
                    log.say(LEASE_DENIED, error=error)
                await asyncio.sleep(self._ttl_s)

    async def _try_to_take(self) -> Lease | None:
        asked_at_s, token, other = await self._patience.ask_for_ever(self._ask_for_lease)
        if other is None:
            self._taken_at_s = asked_at_s
            self._matchmaking.lease.taken(token, asked_at_s)
        return other

    async def _ask_for_lease(self) -> tuple[float, str, Lease | None]:
        """Each call has a token of its own: were one to arrive late, it would bring a revoked lease back to life."""
        token, instead_of, asked_at_s = secrets.token_hex(8), list(self._tried), self._now_s()
        self._tried = [*self._tried, token][-TOKENS_TRIED:]
        self._matchmaking.lease.asked(token)
        key = LeaseKey(self._worker_id, token)
        return asked_at_s, token, await self._store.take_lease(key, self._ttl_s, self._describe(), instead_of)

    async def _keep(self) -> None:
        """Renews the lease. Returns when it is lost."""
        token = self._matchmaking.lease.token
        assert token is not None
        while True:
            await asyncio.sleep(self._ttl_s / RENEWALS_PER_TTL)
            asked_at_s = self._now_s()
            renewal = await self._renew(LeaseKey(self._worker_id, token))
            if renewal is None:
                continue
            if not renewal.is_held:
                self._matchmaking.lease_lost()
                log.say(LEASE_LOST)
                self._on_renewal(renewal)
                return
            self._matchmaking.lease.renewed(asked_at_s)
            self._on_renewal(renewal)

    async def _renew(self, key: LeaseKey) -> Renewal | None:
        """None: the store cannot be asked now. The next try comes in time, or the lease runs out."""
        try:
            renewal = await self._store.renew_lease(key, self._ttl_s, self._describe())
        except (StoreUnavailable, Misconfigured) as error:
            log.say(LEASE_UNRENEWED, error=error)
            if isinstance(error, StoreUnavailable):
                self._patience.store_is_away(error)
            return None
        self._patience.store_is_there()
        return renewal

    def _conflict(self, other: Lease) -> str:
        where = read_info(other).get("address") or "another process"
        return (
            f"a worker with the id {self._worker_id!r} is running already ({where}): give this one an id of its own "
            "with [matchmaking] worker_id or the variable GEARHORN_INSTANCE"
        )


def _lives(lease: Lease) -> bool | None:
    """Whether the process that took the lease does; None: it cannot be told from here."""
    mark = read_info(lease).get("process")
    return is_alive({str(k): str(v) for k, v in mark.items()}) if isinstance(mark, dict) else None
