"""Puts a long list where the worker will read it, by the service's own store code.

Subscribing 100,000 hosts by jobs takes longer than what is then measured of them. The store is told the same things
here as a worker would tell it: the same changes, and in the end that everybody knows of them, which is true of a list
that no worker has asked for yet.
"""

import asyncio

from gearhorn.store.base import Applied, Store, Subscribe
from gearhorn.store.leases import TopicVersion
from gearhorn.store.opening import StoreSettings, open_store
from harness.sites import Site
from harness.topics import Topic

CHANGES_AT_ONCE = 50_000


def fill(site: Site, topic: Topic) -> None:
    """Puts the topic's subscribers on its list, which must be empty and unknown to the workers."""
    if site.store_url.startswith("memory:"):  # nobody but the worker can reach that store
        site.subscribe(topic)
    else:
        write(site.store_url, topic)


def write(store_url: str, topic: Topic) -> None:
    """The same, for a store without a site."""
    asyncio.run(_write(open_store(StoreSettings(store_url, timeout_s=60.0)), topic))


async def _write(store: Store, topic: Topic) -> None:
    await store.open()
    try:
        client_ids = topic.client_ids
        for start in range(0, len(client_ids), CHANGES_AT_ONCE):
            version = await _subscribe(store, topic.name, client_ids[start : start + CHANGES_AT_ONCE])
        await store.settle([TopicVersion(topic.name, version)])
    finally:
        await store.close()


async def _subscribe(store: Store, topic: str, client_ids: list[str]) -> int:
    """The version of the list after it. Raises RuntimeError if one of them was on it before."""
    outcome = await store.apply([Subscribe(topic, client_id) for client_id in client_ids])
    for result in outcome.results:
        if not isinstance(result, Applied) or not result.changed:
            raise RuntimeError(f"a subscription to {topic} that is not a new one: {result}")
    return outcome.topics[topic].version
