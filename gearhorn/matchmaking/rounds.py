"""Sees to it that every worker knows of a change, or can serve no older list, before the change completes.

One round is under way at a time. What is to be told meanwhile goes with the next one, all of it in one message to each
worker: so ten thousand subscriptions at once are a handful of rounds.
"""

import asyncio
import contextlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from gearhorn.clock import steady_s
from gearhorn.core.bulletin import Bulletin
from gearhorn.core.matchmaking import Matchmaking
from gearhorn.core.news import News
from gearhorn.core.round import Round
from gearhorn.errors import GearhornError, StoreUnavailable
from gearhorn.logs.event import log_for
from gearhorn.logs.events.lists import WORKER_SILENT
from gearhorn.logs.events.store import STORE_LEASES_LOST, STORE_LEASES_OVER
from gearhorn.logs.trouble import Trouble
from gearhorn.metrics import Counters
from gearhorn.patience import Patience
from gearhorn.store.base import Store
from gearhorn.store.leases import Lease, LeaseKey, TopicVersion

log = log_for(__name__)


class Post(Protocol):
    """Takes messages to workers and to those who watch."""

    def send(self, lease: Lease, news: Collection[News], on_acknowledged: Callable[[], None]) -> Callable[[], None]:
        """Tells one holder of a lease, until it acknowledges or the function that is returned is called."""

    def publish(self, news: Collection[News], holders: Collection[str]) -> None:
        """Tells those who watch, and are none of the workers `holders`. Nobody waits for them."""


@dataclass(eq=False)
class Lot:
    """What one round has to tell, to whom, and who waits for it.

    `leases` and `held_s` are those of the store at `told_at_s`, after all of the changes; None: they are not known yet.
    `for_others` are news of changes of which it is not known when they were made.
    """

    begun_at_s: float = 0.0  # when the first of the news came
    leases: Sequence[Lease] | None = ()
    held_s: float = 0.0
    told_at_s: float = 0.0
    bulletin: Bulletin[LeaseKey] = field(default_factory=Bulletin)
    for_others: list[News] = field(default_factory=list)
    _over: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    def learn(self, leases: Sequence[Lease], held_s: float, now_s: float) -> None:
        self.leases, self.held_s, self.told_at_s = leases, held_s, now_s

    async def wait(self) -> None:
        """Returns when everybody knows. Raises StoreUnavailable when that could not be made sure of."""
        await asyncio.shield(self._over)

    def end(self, error: Exception | None = None) -> None:
        if self._over.done():
            return
        if error is None:
            self._over.set_result(None)
        else:
            self._over.set_exception(error)
            self._over.exception()  # there may be nobody who waits


class Rounds:
    """`ack_timeout_s` seconds is how long a worker may take to acknowledge before its lease is revoked."""

    def __init__(
        self,
        store: Store,
        patience: Patience,
        matchmaking: Matchmaking,
        post: Post,
        ack_timeout_s: float,
        now_s: Callable[[], float] = steady_s,
        counters: Counters | None = None,
    ) -> None:
        self._lag_s = (counters or Counters()).matchmaking_s
        self._store = store
        self._patience = patience
        self._matchmaking = matchmaking
        self._post = post
        self._ack_timeout_s = ack_timeout_s
        self._now_s = now_s
        self._next: Lot | None = None
        self._leases_lost = Trouble()
        self._runner: asyncio.Task[None] | None = None

    def tell(self, news: Iterable[News], leases: Sequence[Lease], held_s: float) -> Lot:
        """News of this worker's own changes. `leases` and `held_s` are what the store answered them with.

        To be called in the order of the answers. Those of the latest one do for the earlier ones too: what is not
        among them any more has run out.
        """
        lot = self._take_next()
        lot.bulletin.add(news, [lease.key for lease in leases])
        if lot.leases is not None:
            lot.learn(leases, held_s, self._now_s())
        return lot

    def tell_for_others(self, news: Iterable[News]) -> Lot:
        """News of changes that another worker has made, who knows when, and told nobody.

        They have come with a renewal of this worker's lease. Is that lost since, they may be news of before a loss, and
        are left to whoever is handed them next.
        """
        lot = self._take_next()
        lot.for_others.extend(news)
        lot.leases = None  # older ones might lack a worker that read the list in between
        return lot

    def _take_next(self) -> Lot:
        if self._next is None:
            self._next = Lot(begun_at_s=self._now_s())
        if self._runner is None:
            self._runner = asyncio.create_task(self._run_all())
        return self._next

    async def close(self) -> None:
        """Ends the round under way. What it had to tell stays unsettled in the store, where another worker finds it."""
        runner = self._runner
        if runner is not None:
            runner.cancel()
            await asyncio.wait([runner])
            if self._runner is runner:  # it was cancelled before its first step, and had no chance to
                self._dismiss()

    async def _run_all(self) -> None:
        try:
            while self._next is not None:
                lot, self._next = self._next, None
                await self._run(lot)
        finally:
            self._dismiss()

    def _dismiss(self) -> None:
        self._runner = None
        if self._next is not None:
            self._next.end(StoreUnavailable("the worker stops"))
        self._next = None

    async def _run(self, lot: Lot) -> None:
        try:
            leases = await self._find_leases(lot)
            self._post.publish(lot.bulletin.news(), {lease.key.worker_id for lease in leases})
            await self._convince(lot, leases)
            lot.end()
            self._lag_s.observe(self._now_s() - lot.begun_at_s)
        except Exception as error:  # noqa: BLE001 - whatever it is, those who wait must hear of it
            lot.end(error)
            return
        finally:
            lot.end(StoreUnavailable("the worker stops"))  # if nothing else has ended it
        # Not before: nobody has to wait for this. Were it not done, whoever asks for the same change again, or the
        # next worker that renews its lease, would tell everybody once more.
        with contextlib.suppress(GearhornError):
            await self._store.settle([TopicVersion(*item) for item in lot.bulletin.versions().items()])

    async def _find_leases(self, lot: Lot) -> Sequence[Lease]:
        if lot.leases is None:  # a call that changes nothing tells also what the store may have lost
            outcome = await self._patience.ask(lambda: self._store.apply([]))
            lot.learn(outcome.leases, outcome.held_s, self._now_s())
            keys = [lease.key for lease in outcome.leases]
            if self._matchmaking.lease.token in [key.token for key in keys]:
                lot.bulletin.add(lot.for_others, keys)
            return outcome.leases
        return lot.leases

    async def _convince(self, lot: Lot, leases: Sequence[Lease]) -> None:
        """Returns when no holder of a lease can serve a list from before the news."""
        others = {lease.key: lease for lease in leases if not self._matchmaking.lease.was_ours(lease.key.token)}
        round_ = self._begin(lot, others)
        changed = asyncio.Event()

        def acknowledged(key: LeaseKey) -> None:
            round_.acknowledged(key)
            changed.set()

        with contextlib.ExitStack() as sent:
            for key, lease in others.items():
                sent.callback(self._post.send(lease, lot.bulletin.news_for(key), partial(acknowledged, key)))
            while not round_.is_over(self._now_s()):
                if late := round_.overdue(self._now_s()):
                    await self._patience.ask(partial(self._revoke, round_, late))
                else:
                    await self._wait(changed, round_.next_s())

    def _begin(self, lot: Lot, others: Mapping[LeaseKey, Lease]) -> Round[LeaseKey]:
        """All times are counted from when the store told them: what has passed since, a fast clock takes for more."""
        age_s = self._now_s() - lot.told_at_s
        if lot.held_s > age_s:
            if self._leases_lost.begins():
                log.say(STORE_LEASES_LOST, left_s=lot.held_s - age_s)
        elif self._leases_lost.ends():
            log.say(STORE_LEASES_OVER)
        left_s = {key: lease.left_s if lease.is_revoked else None for key, lease in others.items()}
        return Round(left_s, lot.held_s, age_s + self._ack_timeout_s, lot.told_at_s)

    async def _revoke(self, round_: Round[LeaseKey], late: Sequence[LeaseKey]) -> None:
        """Of those who are late, the leases of all that have not acknowledged meanwhile."""
        keys = _still_open(round_, late)
        if not keys:
            return
        left_s = dict(zip(keys, await self._store.revoke_leases(keys), strict=True))
        now_s = self._now_s()
        for key in _still_open(round_, keys):
            round_.revoked(key, left_s[key], now_s)
            log.say(WORKER_SILENT, worker_id=key.worker_id, left_s=left_s[key])

    async def _wait(self, changed: asyncio.Event, until_s: float | None) -> None:
        """Until something has changed, or for as long as the clock allows."""
        delay_s = None if until_s is None else max(0.0, until_s - self._now_s())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(delay_s):
                await changed.wait()
        changed.clear()


def _still_open(round_: Round[LeaseKey], keys: Iterable[LeaseKey]) -> list[LeaseKey]:
    open_holders = set(round_.open_holders())
    return [key for key in keys if key in open_holders]
