"""Cleans up after workers that ended without leaving: their names, their queues, their leases."""

import asyncio
from collections.abc import Sequence

from gearhorn.logs.event import log_for
from gearhorn.logs.events.lists import WORKER_GONE, WORKER_QUEUE_EMPTIED
from gearhorn.matchmaking.directory import Directory
from gearhorn.names import queue_name
from gearhorn.net.address import Address
from gearhorn.net.connection import LinkSettings
from gearhorn.net.drain import drain
from gearhorn.store.base import Store, Unsubscribe
from gearhorn.store.leases import LeaseKey

log = log_for(__name__)


class Reaper:
    def __init__(
        self,
        topic: str,
        store: Store,
        directory: Directory,
        servers: Sequence[Address],
        link: LinkSettings,
        client_id: str,
    ) -> None:
        self._topic = topic
        self._store = store
        self._directory = directory
        self._servers = servers
        self._link = link
        self._client_id = client_id
        self._begun: set[LeaseKey] = set()

    def adjust(self, link: LinkSettings) -> None:
        self._link = link

    async def remove(self, leases: Sequence[LeaseKey]) -> None:
        """To be called with leases that ran out. One whose worker is back meanwhile puts itself on the list again.

        The lease is forgotten last: whatever fails before is done again by whoever is handed it next; also while a
        server is away on which there may be messages.
        """
        for key in leases:
            if key not in self._begun:
                log.say(WORKER_GONE, worker_id=key.worker_id)
            self._begun.add(key)
            await self._directory.change(Unsubscribe(self._topic, key.worker_id))
            queue = queue_name(self._topic, key.worker_id)
            counts = await asyncio.gather(
                *(drain(address, self._link, self._client_id, queue) for address in self._servers)
            )
            if taken_count := sum(filter(None, counts)):
                log.say(WORKER_QUEUE_EMPTIED, messages_count=taken_count, worker_id=key.worker_id)
            if None in counts:
                continue
            self._begun.discard(key)
            await self._store.forget_lease(key)
