"""Short ways to ask a store, for tests."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import cast

from gearhorn.store.base import Applied, Change, Store, Subscribe, TopicList, Unsubscribe

POLL_LIMIT_S = 20.0


async def apply(store: Store, changes: Sequence[Change]) -> list[Applied]:
    """For changes of which none is to be refused."""
    results = await store.apply(changes)
    assert len(results) == len(changes)
    assert all(isinstance(result, Applied) for result in results), results
    return cast(list[Applied], results)


async def subscribe(store: Store, topic: str, client_id: str, ttl_s: float = 0) -> Applied:
    [applied] = await apply(store, [Subscribe(topic, client_id, ttl_s)])
    return applied


async def unsubscribe(store: Store, topic: str, client_id: str) -> Applied:
    [applied] = await apply(store, [Unsubscribe(topic, client_id)])
    return applied


async def read(store: Store, topic: str) -> TopicList:
    [found] = await store.read([topic])
    return found


async def members(store: Store, topic: str) -> list[str]:
    """Sorted, so that one who is there twice is seen."""
    return sorted(client_id.decode() for client_id in (await read(store, topic)).client_ids)


async def wait_until(is_true: Callable[[], Awaitable[object]]) -> None:
    """Polls. The limit only keeps a failing test from hanging."""
    async with asyncio.timeout(POLL_LIMIT_S):
        while not await is_true():  # noqa: ASYNC110 - nobody could set an event: the store knows only when asked
            await asyncio.sleep(0.005)
