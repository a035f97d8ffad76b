"""Long lists of subscribers, made in the store and not by thousands of jobs."""

import asyncio
from collections.abc import Sequence

from gearhorn.store.base import Subscribe
from gearhorn.store.leases import TopicVersion
from gearhorn.store.opening import StoreSettings, open_store
from tests.functional.crash.ledger import Ledger


def subscribe_many(ledger: Ledger, store_url: str, topic: str, count: int) -> list[str]:
    """Subscribes so many clients, whose ids are returned. To be called before workers start, for they are not told."""
    client_ids = [f"{number:05}" for number in range(count)]
    ledger.enlist(topic, client_ids)
    asyncio.run(_subscribe(store_url, topic, client_ids))
    return client_ids


async def _subscribe(store_url: str, topic: str, client_ids: Sequence[str]) -> None:
    store = open_store(StoreSettings(store_url))
    await store.open()
    try:
        outcome = await store.apply([Subscribe(topic, client_id) for client_id in client_ids])
        await store.settle([TopicVersion(topic, outcome.topics[topic].version)])
    finally:
        await store.close()
