"""Publishing with asyncio: sends to every subscriber of a topic, and tells what became of the copies."""

import socket
import ssl
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Self

from gearhorn.client.answers import Failure, ReceiverResult, parse_count, parse_failures, parse_result, refusal
from gearhorn.client.attempt import Answer
from gearhorn.client.labels import connection_label
from gearhorn.client.requests import STANDARD_QUEUES, fanout_body, subscription_body
from gearhorn.client.service import ANSWER_LIMIT_S, CONNECT_LIMIT_S, Servers, Service, with_tls
from gearhorn.client.signatures import ready
from gearhorn.errors import BadRequest
from gearhorn.names import OwnQueues
from gearhorn.net.connection import LinkSettings
from gearhorn.signing.envelope import FANOUT, SUBSCRIBE, UNSUBSCRIBE
from gearhorn.signing.signer import Signer
from gearhorn.wire import packets

# What the service waits for receivers when it is not told; said explicitly, so that both sides know the limit.
RECEIVERS_LIMIT_S = 30.0

# How much later than the receivers' limit the service's answer may come.
GRACE_S = 10.0

OnProgress = Callable[[int, int], None]
OnResult = Callable[[ReceiverResult], None]


@dataclass(frozen=True, slots=True)
class PublishResult:
    """What became of a message.

    `receivers_done` is the number of receivers that completed, or, when they were not waited for, of copies that the
    Gearman servers confirmed. `failures` has those that did not, each with the reason, `results` what receivers
    answered, as far as that was asked for.
    """

    receivers_done: int
    failures: tuple[Failure, ...] = ()
    results: tuple[ReceiverResult, ...] = ()

    @property
    def receivers(self) -> int:
        """How many there were in all; 0 when nobody is subscribed."""
        return self.receivers_done + len(self.failures)


class Publisher:
    """Publishes through any of `servers`, which are HOST:PORT each. To be used in an `async with` block.

    Calls may overlap. `connect_limit_s` is for how long a server is looked for when all are down, `settings` are for
    links with particular needs, `queues` the names that the service was given, if not the usual ones. With
    `topic_queues` each topic's own queues are used, for servers that let nobody into the general ones; the service must
    have been told to serve them. With a `signer` all that is asked is signed. Raises Misconfigured for addresses that
    are none.
    """

    def __init__(
        self,
        servers: Servers,
        *,
        tls: ssl.SSLContext | None = None,
        connect_limit_s: float = CONNECT_LIMIT_S,
        settings: LinkSettings | None = None,
        queues: OwnQueues = STANDARD_QUEUES,
        topic_queues: bool = False,
        signer: Signer | None = None,
    ) -> None:
        label = connection_label(f"gearhorn-publisher_{socket.gethostname()}")
        self._service = Service(servers, with_tls(settings, tls), label, connect_limit_s)
        self._queues = queues
        self._topic_queues = topic_queues
        self._signer = signer

    async def __aenter__(self) -> Self:
        await self._service.__aenter__()
        return self

    async def __aexit__(self, *details: object) -> None:
        await self._service.__aexit__(*details)

    async def connect(self) -> None:
        """For those who want to know at once: returns when a server is connected.

        Raises ServerUnavailable, with the reasons, when each server has been tried once in vain. Without it, `publish`
        and the others wait for a server, up to `connect_limit_s` seconds.
        """
        await self._service.connect()

    async def publish(
        self,
        topic: str,
        payload: object,
        *,
        wait: bool = False,
        timeout: float | None = None,
        unique: str | bytes | None = None,
        priority: str | None = None,
        exclude: Iterable[str] | None = None,
        expires: float | None = None,
        results: bool | str | None = None,
        on_progress: OnProgress | None = None,
        on_result: OnResult | None = None,
    ) -> PublishResult:
        """Sends `payload` to every subscriber of `topic`, and returns when each copy is queued on a Gearman server.

        Bytes and text reach the subscribers as they are, other values as compact JSON. With `wait` it returns when the
        receivers are done, or after `timeout` seconds (30 unless told otherwise); receivers that fail are no error but
        `failures` of the result. `on_progress` is then called with the receivers that are through and those in all,
        several times a second at most. `results`, True or "failures", gathers the receivers' answers in the result; if
        there is `on_result`, it gets each as it comes instead. `unique`, `priority`, `exclude` and `expires` (Unix
        time) are those of a `fanout` job.

        Delivery is at least once: when the connection or the worker is lost before the answer, the message is sent
        again, over another server if need be, within the limits of time. Both functions may hear of receivers again.

        Raises BadRequest when the service, or we before it, refuse the message; ServerUnavailable when no server can
        be reached; TimedOut when the service did not take the message within `timeout` seconds (40 unless told
        otherwise) or did not answer in time (it may still send it, for as long as this publisher is open); Unavailable
        when the service cannot do it now, say because its store is away. A function that raises ends the call with
        that.
        """
        if results and not wait:
            raise BadRequest("results", "only receivers that are waited for have results")
        receivers_limit_s = timeout if timeout is not None or not wait else RECEIVERS_LIMIT_S
        body = fanout_body(
            topic,
            payload,
            unique=unique,
            background=not wait,
            timeout=receivers_limit_s,
            priority=priority,
            exclude=exclude,
            expires=expires,
            results=results,
        )
        listener = _Listener(on_progress, on_result)
        first_limit_s = ANSWER_LIMIT_S if timeout is None else timeout
        rest_limit_s = (receivers_limit_s or ANSWER_LIMIT_S) + GRACE_S
        signed = ready(body, FANOUT, self._signer)
        answer = await self._service.ask(self._queues_of(topic).fanout, signed, first_limit_s, rest_limit_s, listener)
        return listener.conclude(answer)

    async def subscribe(
        self, topic: str, client_id: str, ttl: float | None = None, *, timeout: float = ANSWER_LIMIT_S
    ) -> None:
        """Subscribes somebody: copies wait from now on in the queue of `client_id`. To repeat it changes only the ttl.

        `ttl` is in seconds, after which the subscription ends unless made again; None or 0: it lasts. Raises as
        `publish`, TimedOut without an answer within `timeout` seconds.
        """
        body = subscription_body(topic, client_id, ttl, own=self._queues.all())
        await self._service.do(self._queues_of(topic).subscribe[0], ready(body, SUBSCRIBE, self._signer), timeout)

    async def unsubscribe(self, topic: str, client_id: str, *, timeout: float = ANSWER_LIMIT_S) -> None:
        """Ends a subscription, if there is one. Raises as `subscribe`."""
        body = subscription_body(topic, client_id, own=self._queues.all())
        await self._service.do(self._queues_of(topic).unsubscribe, ready(body, UNSUBSCRIBE, self._signer), timeout)

    def _queues_of(self, topic: str) -> OwnQueues:
        return self._queues.of_topic(topic) if self._topic_queues else self._queues


class _Listener:
    """Hears what the service says of one message, and puts the result together."""

    def __init__(self, on_progress: OnProgress | None, on_result: OnResult | None) -> None:
        self._results: list[ReceiverResult] = []
        self._total_count = 0
        self._on_progress = on_progress
        self._on_result = on_result or self._results.append

    def began(self) -> None:
        self._results.clear()

    def heard(self, kind: int, data: bytes) -> None:
        if kind == packets.WORK_DATA:
            self._on_result(parse_result(data))
        elif kind == packets.WORK_STATUS:
            ended_count, _, total_count = data.partition(b"\0")
            self._total_count = parse_count(total_count)
            if self._on_progress:
                self._on_progress(parse_count(ended_count), self._total_count)

    def conclude(self, answer: Answer) -> PublishResult:
        if answer.is_complete:
            return PublishResult(parse_count(answer.data), (), tuple(self._results))
        failures = parse_failures(answer.data)
        if failures is None:
            raise refusal(answer.data.decode(errors="replace"))
        return PublishResult(max(0, self._total_count - len(failures)), failures, tuple(self._results))
