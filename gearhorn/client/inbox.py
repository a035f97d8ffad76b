"""A subscriber's queues on every server, and the handlers that their copies go to.

Owns when a queue is served and what happens to held copies at the end. Subscriptions are not known here.
"""

import asyncio
import contextlib
from collections.abc import Callable, Collection

from gearhorn.client.copies import Handler, Receiving
from gearhorn.client.waiting import cancel, wait_for_first
from gearhorn.logs.event import log_for
from gearhorn.logs.events.client import COPIES_GIVEN_BACK
from gearhorn.net.address import Address
from gearhorn.net.connection import LinkSettings
from gearhorn.net.worker_link import WorkerLink, WorkerSettings

log = log_for(__name__)


class Inbox:
    """`on_back` is called when a server that was lost is connected again."""

    def __init__(
        self,
        addresses: Collection[Address],
        settings: LinkSettings,
        label: str,
        concurrency: int,
        on_back: Callable[[], None],
    ) -> None:
        self._receiving = Receiving(concurrency)
        worker = WorkerSettings(label, grabs_in_flight=concurrency, jobs_in_flight=concurrency)
        self._links = [
            WorkerLink(address, settings, worker, self._receiving.take, _after_the_first(on_back))
            for address in addresses
        ]
        self._served: set[bytes] = set()
        self._retiring: dict[bytes, asyncio.Task[None]] = {}

    def start(self) -> list[asyncio.Task[None]]:
        """Connects, and takes copies from now on. Returns what goes on until it is cancelled."""
        for link in self._links:
            link.start_grabbing()
        return [asyncio.create_task(link.run()) for link in self._links]

    def servers_up(self) -> list[Address]:
        return [link.address for link in self._links if link.up.is_set()]

    async def wait_until_up(self) -> None:
        """Returns when a server is connected."""
        await wait_for_first([link.up.wait() for link in self._links], [])

    def serve(self, queue: bytes, topic: str, handler: Handler) -> None:
        """Hands copies from `queue` to `handler`, from every server; those that are down follow when they are back."""
        self._receiving.set_handler(queue, topic, handler)
        if retiring := self._retiring.pop(queue, None):
            retiring.cancel()
        self._served.add(queue)
        for link in self._links:
            link.serve([queue])

    def retire(self, queue: bytes) -> None:
        """Stops serving the queue, later when copies from it are at work: gearmand takes back what is not finished."""
        if queue in self._served and queue not in self._retiring:
            self._retiring[queue] = asyncio.create_task(self._leave_when_idle(queue))

    def stop(self) -> None:
        """Takes no more copies."""
        for link in self._links:
            link.stop_grabbing()

    async def drain(self, limit_s: float) -> None:
        """Returns when what was taken is finished, or after `limit_s` seconds. To be called after `stop`."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limit_s):
                for link in self._links:
                    await link.wait_until_quiet()

    async def close(self) -> None:
        """Ends the links. What is not finished goes back to its server."""
        try:
            for link in self._links:
                if link.is_quiet:
                    link.leave(self._served)
                else:
                    log.say(COPIES_GIVEN_BACK, copies_count=link.held_count, server=link.address)
                await link.close()
        finally:
            await self._receiving.close()
            await cancel(self._retiring.values())

    async def _leave_when_idle(self, queue: bytes) -> None:
        await self._receiving.wait_until_idle(queue)
        self._retiring.pop(queue, None)
        self._served.discard(queue)
        for link in self._links:
            link.leave([queue])


def _after_the_first(call: Callable[[], None]) -> Callable[[], None]:
    """A function that does nothing when it is called first, and then `call`."""
    calls = iter([lambda: None])
    return lambda: next(calls, call)()
