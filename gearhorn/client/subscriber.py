"""Subscribing with asyncio: one subscriber's subscriptions, made, kept and ended, and the order of it all."""

import asyncio
import contextlib
import ssl
from collections.abc import Callable, Coroutine
from typing import Any, Self

from gearhorn.client.copies import Handler
from gearhorn.client.inbox import Inbox
from gearhorn.client.labels import connection_label
from gearhorn.client.renewals import Renewals
from gearhorn.client.requests import STANDARD_QUEUES, subscription_body
from gearhorn.client.service import ANSWER_LIMIT_S, CONNECT_LIMIT_S, Servers, Service, as_addresses, with_tls
from gearhorn.client.signatures import Body, ready
from gearhorn.client.waiting import cancel, wait_for_first
from gearhorn.errors import BadRequest, GearhornError, ServerUnavailable
from gearhorn.logs.event import log_for
from gearhorn.logs.events.client import SUBSCRIPTION_LEFT
from gearhorn.names import MATCHMAKING_TOPIC, OwnQueues, queue_name
from gearhorn.net.connection import LinkSettings
from gearhorn.signing.envelope import SUBSCRIBE, UNSUBSCRIBE
from gearhorn.signing.signer import Signer

log = log_for(__name__)

CONCURRENCY = 16
DRAIN_LIMIT_S = 30.0

# At the end the service is asked for a short while only: who stops a program does not want to wait for it.
LEAVING_LIMIT_S = 5.0


class Subscriber:
    """Receives as `client_id`, from all of `servers`, which are HOST:PORT each. To be used in an `async with` block.

    `client_id` should be stable, such as the host's name: under another one the old subscriptions stay, and their
    queues fill. Several with the same one share its copies. At most `concurrency` handlers run at a time.

    A copy that is lost with its connection comes again. After a connection was lost, the subscriptions are made again,
    in case the service has forgotten them, too.

    The block's end takes no more copies and waits for the handlers that run, for at most `drain_limit_s` seconds; what
    is left then goes back to its server. With `unsubscribe_at_end` the subscriptions end first; otherwise they stay,
    and copies wait for the next time.

    `settings` are for links with particular needs, `queues` and `matchmaking_topic` the names that the service was
    given, if not the usual ones. With `topic_queues` each topic's own queues are used, for servers that let nobody into
    the general ones. With a `signer` all that is asked is signed. `on_renewal` is called with the topic whenever a
    subscription was made again.

    Raises BadRequest for an empty client id and Misconfigured for addresses that are none.
    """

    def __init__(
        self,
        client_id: str,
        servers: Servers,
        *,
        tls: ssl.SSLContext | None = None,
        concurrency: int = CONCURRENCY,
        drain_limit_s: float = DRAIN_LIMIT_S,
        unsubscribe_at_end: bool = False,
        connect_limit_s: float = CONNECT_LIMIT_S,
        settings: LinkSettings | None = None,
        queues: OwnQueues = STANDARD_QUEUES,
        topic_queues: bool = False,
        matchmaking_topic: str = MATCHMAKING_TOPIC,
        on_renewal: Callable[[str], None] = lambda topic: None,
        signer: Signer | None = None,
    ) -> None:
        if not client_id:
            raise BadRequest("client_id", "is empty")
        self.client_id = client_id
        self._addresses = as_addresses(servers)
        self._settings = with_tls(settings, tls)
        self._drain_limit_s = drain_limit_s
        self._unsubscribe_at_end = unsubscribe_at_end
        self._connect_limit_s = connect_limit_s
        self._queues = queues
        self._topic_queues = topic_queues
        self._matchmaking_topic = matchmaking_topic
        self._on_renewal = on_renewal
        self._signer = signer
        self._renewals = Renewals(self._renew)
        label = connection_label(client_id)
        self._inbox = Inbox(self._addresses, self._settings, label, concurrency, self._renewals.make_all_due)
        self._tasks: list[asyncio.Task[None]] = []
        self._stopped = asyncio.Event()
        self._hurried = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._tasks = [*self._inbox.start(), asyncio.create_task(self._renewals.run())]
        return self

    async def __aexit__(self, *_: object) -> None:
        try:
            if self._unsubscribe_at_end:
                await self._unless_hurried(self._unsubscribe_all())
            self.stop()
            await self._unless_hurried(self._inbox.drain(self._drain_limit_s))
        finally:
            await self._inbox.close()
            await cancel(self._tasks)

    async def connect(self) -> None:
        """For those who want to know at once: returns when a server can be reached.

        Raises ServerUnavailable, with the reasons, when each has been tried once in vain.
        """
        async with self._service() as service:
            await service.connect()

    async def subscribe(
        self, topic: str, handler: Handler, ttl: float = 0.0, *, timeout: float = ANSWER_LIMIT_S
    ) -> None:
        """Returns when the service has confirmed the subscription; `handler` is called with each `Copy` from then on.

        What `handler` returns, bytes, text or None, is the answer that the publisher may see. What it raises becomes
        an exception there, with its text, and is logged here. A coroutine function runs in the event loop, a plain
        function in a thread. To subscribe again replaces handler and ttl.

        `ttl` is in seconds, after which the subscription ends by itself; it is renewed at half of that while this
        subscriber lives. 0: it lasts until it is ended.

        Raises BadRequest, with the service's words, when it is refused. Raises ServerUnavailable when no server can be
        reached, TimedOut without an answer within `timeout` seconds and Unavailable when the service cannot do it now:
        it may have subscribed all the same, and copies wait in the queue.
        """
        body = ready(self._body(topic, ttl), SUBSCRIBE, self._signer)
        await self._ask(self._queues_of(topic).subscribe[0], body, timeout)
        # Not before: a queue that is refused because it is another's would be served for a moment, and that one's
        # copies taken. Nothing is lost by the order: copies wait for a worker.
        self._inbox.serve(queue_name(topic, self.client_id), topic, handler)
        self._renewals.add(topic, ttl)
        await self._wait_until_up()

    async def unsubscribe(self, topic: str, *, timeout: float = ANSWER_LIMIT_S) -> None:
        """Returns when the service has confirmed that there is no such subscription (any more).

        Copies that are being handled are finished. Those that nobody has taken stay in the queue. Raises as
        `subscribe`; the queue goes on being served then, and the subscription renewed.
        """
        body = ready(self._body(topic), UNSUBSCRIBE, self._signer)
        await self._ask(self._queues_of(topic).unsubscribe, body, timeout)
        self._renewals.remove(topic)
        self._inbox.retire(queue_name(topic, self.client_id))

    async def run(self) -> None:
        """Receives until `stop` is called, or until it is cancelled."""
        await wait_for_first([self._stopped.wait()], self._tasks)

    def stop(self) -> None:
        """Takes no more copies and lets `run` return. May be called from a handler or for a signal."""
        self._inbox.stop()
        self._stopped.set()

    def hurry(self) -> None:
        """Cuts the end of the block short: nothing that runs is waited for."""
        self._hurried.set()

    def _body(self, topic: str, ttl_s: float | None = None) -> bytes:
        own, meeting_point = self._queues.all(), self._matchmaking_topic
        return subscription_body(topic, self.client_id, ttl_s, own=own, matchmaking_topic=meeting_point)

    def _queues_of(self, topic: str) -> OwnQueues:
        return self._queues.of_topic(topic) if self._topic_queues else self._queues

    async def _ask(self, queue: str, body: Body, timeout_s: float) -> None:
        async with self._service() as service:
            await service.do(queue, body, timeout_s)

    def _service(self) -> Service:
        """Links for requests, which are rare: they last for as long as one takes, to spare the servers.

        Trouble is told by the inbox's links and by errors; these need not repeat it in the log.
        """
        label = connection_label(f"{self.client_id}_subscriber")
        return Service(self._addresses, self._settings, label, self._connect_limit_s, says_trouble=False)

    async def _renew(self, topic: str, ttl_s: float) -> None:
        await self._inbox.wait_until_up()
        body = ready(self._body(topic, ttl_s), SUBSCRIBE, self._signer)
        await self._ask(self._queues_of(topic).subscribe[0], body, ANSWER_LIMIT_S)
        self._on_renewal(topic)

    async def _wait_until_up(self) -> None:
        """The service was reached, so the inbox will be connected, too, if it is not yet."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._connect_limit_s):
                await self._inbox.wait_until_up()

    async def _unsubscribe_all(self) -> None:
        try:
            if self._renewals.topics and not self._inbox.servers_up():
                raise ServerUnavailable("no Gearman server is connected")
            for topic in self._renewals.topics:
                await self.unsubscribe(topic, timeout=LEAVING_LIMIT_S)
        except GearhornError as error:
            log.say(SUBSCRIPTION_LEFT, error=error)

    async def _unless_hurried(self, work: Coroutine[Any, Any, None]) -> None:
        hurried = asyncio.create_task(self._hurried.wait())
        try:
            await wait_for_first([work], [hurried])
        finally:
            await cancel([hurried])
