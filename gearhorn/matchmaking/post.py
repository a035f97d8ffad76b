"""Messages to workers and to those who watch, through the links that copies go through."""

import asyncio
from collections.abc import Awaitable, Callable, Collection

from gearhorn.core.fanout import FanoutRun
from gearhorn.core.members import Members
from gearhorn.core.news import News
from gearhorn.errors import GearhornError
from gearhorn.logs.event import log_for
from gearhorn.logs.events.lists import WATCHERS_TOLD, WATCHERS_UNTOLD
from gearhorn.logs.trouble import Trouble
from gearhorn.matchmaking.messages import render_for_observers, render_message
from gearhorn.names import queue_name, queue_prefix
from gearhorn.net.dispatch import Dispatch
from gearhorn.net.messenger import Messenger
from gearhorn.net.shipment import Shipment
from gearhorn.store.leases import Lease, read_info
from gearhorn.wire.copies import CopyEncoder
from gearhorn.wire.packets import SUBMIT_JOB_BG

log = log_for(__name__)


class Post:
    """The Post of rounds.py. `find_members` gives those on the list of `topic`: workers, and whoever watches."""

    def __init__(
        self,
        worker_id: str,
        topic: str,
        dispatch: Dispatch,
        ack_timeout_s: float,
        find_members: Callable[[], Awaitable[Members]],
    ) -> None:
        self._worker_id = worker_id
        self._topic = topic
        self._dispatch = dispatch
        self._messenger = Messenger(dispatch.links, ack_timeout_s)
        self._find_members = find_members
        self._publishing: set[asyncio.Task[None]] = set()
        self._trouble = Trouble()

    def send(self, lease: Lease, news: Collection[News], on_acknowledged: Callable[[], None]) -> Callable[[], None]:
        queue = queue_name(self._topic, lease.key.worker_id)
        message = render_message(self._topic, self._worker_id, lease.key.token, news)
        servers = read_info(lease).get("servers")
        nearest = {str(server) for server in servers} if isinstance(servers, list) else set()
        return self._messenger.deliver(queue, message, nearest, on_acknowledged)

    def publish(self, news: Collection[News], holders: Collection[str]) -> None:
        task = asyncio.create_task(self._publish(news, holders))
        self._publishing.add(task)
        task.add_done_callback(self._publishing.discard)

    async def close(self) -> None:
        for task in self._publishing:
            task.cancel()
        if self._publishing:
            await asyncio.wait(self._publishing)

    async def _publish(self, news: Collection[News], holders: Collection[str]) -> None:
        try:
            members = await self._find_members()
        except GearhornError as error:
            if self._trouble.begins():
                log.say(WATCHERS_UNTOLD, error=error)
            return
        if self._trouble.ends():
            log.say(WATCHERS_TOLD)
        workers = {self._worker_id.encode(), *(worker_id.encode() for worker_id in holders)}
        observers = members.without(workers)
        if observers:
            for payload in render_for_observers(self._worker_id, news):
                self._send_copies(observers, payload)

    def _send_copies(self, observers: Members, payload: bytes) -> None:
        prefix = queue_prefix(self._topic)
        encoder = CopyEncoder(SUBMIT_JOB_BG, prefix, b"", payload)
        shipment = Shipment(FanoutRun(len(observers), foreground=False), encoder, prefix, lambda: None)
        self._dispatch.send(shipment, observers)
