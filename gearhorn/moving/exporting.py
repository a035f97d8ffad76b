"""Writes what is in a store, a page at a time, so that it does not matter how much it is."""

import time
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass

from gearhorn.moving.lines import render_end, render_entry, render_head
from gearhorn.store.base import Store


@dataclass(slots=True)
class Exported:
    """How much has been written, and how many subscriptions there were when it began."""

    topics: int = 0
    subscriptions: int = 0
    expected: int = 0


async def export_lines(
    store: Store, release: str, matchmaking_topic: str, only: Collection[str] = (), count: Exported | None = None
) -> AsyncIterator[bytes]:
    """The lines of an export, many in each piece; `only` these topics, if any are named. Raises StoreUnavailable.

    Workers put themselves on the list where they meet: those are not for another store, whoever else watches is.
    """
    counted = count or Exported()
    yield render_head(time.time(), release)
    topics = [one for one in await store.topics() if not only or one.topic in only]
    counted.expected = sum(one.subscriber_count for one in topics)
    for topic, _ in topics:
        left_out = {lease.key.worker_id for lease in await store.leases()} if topic == matchmaking_topic else set()
        written_before = counted.subscriptions
        async for page in store.subscription_pages(topic):
            now_s = time.time()
            lines = [
                render_entry(topic, client_id, None if ends_in_s is None else now_s + ends_in_s)
                for client_id, ends_in_s in page
                if client_id not in left_out
            ]
            counted.subscriptions += len(lines)
            yield b"".join(lines)
        counted.topics += counted.subscriptions > written_before
    yield render_end(counted.subscriptions)
