"""What is asked of the store for an overview, within a limit, so that one that hangs hides nothing else."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from gearhorn.clock import steady_s
from gearhorn.errors import GearhornError
from gearhorn.matchmaking.losses import find_loss
from gearhorn.overview.views import StoreView, WorkerView
from gearhorn.overview.workers import view_worker
from gearhorn.store.base import Store, TopicCount
from gearhorn.subscribers.report import Report, read_report

# Gives the store, open. Raises StoreUnavailable and Misconfigured.
Door = Callable[[], Awaitable[Store]]


@dataclass(frozen=True, slots=True)
class Found:
    """`store` is None where it cannot be asked, and everything else is then empty."""

    view: StoreView
    store: Store | None = None
    workers: tuple[WorkerView, ...] = ()
    topics: Sequence[TopicCount] = ()
    report: Report | None = field(default=None, repr=False)


def already_open(store: Store) -> Door:
    """The door to a store that somebody else opens and closes."""

    async def open_door() -> Store:
        return store

    return open_door


async def ask_store(door: Door, kind: str, url: str, limit_s: float) -> Found:
    """Raises nothing. `kind` and `url` are for people; there is no secret in them."""
    try:
        async with asyncio.timeout(limit_s):
            return await _ask(door, kind, url)
    except TimeoutError:
        return Found(StoreView(kind, url, is_reachable=False, trouble=f"no answer within {limit_s:g} s"))
    except GearhornError as error:
        return Found(StoreView(kind, url, is_reachable=False, trouble=str(error)))


async def _ask(door: Door, kind: str, url: str) -> Found:
    store = await door()
    asked_at_s = steady_s()
    leases = await store.leases()
    took_s = steady_s() - asked_at_s
    loss = await find_loss(store)
    view = StoreView(kind, url, is_reachable=True, took_s=took_s, lost_since=loss.when if loss else None)
    return Found(view, store, tuple(map(view_worker, leases)), await store.topics(), await read_report(store))
