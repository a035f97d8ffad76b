"""Subscribing with gear: a worker that serves the queues of one subscriber, and a client that changes subscriptions.

Owns the order of the two. How the service is asked is in `geared_requests`, how queues are named in `gearhorn.names`.
"""
# ruff: noqa: N802

import gear

from gearhorn.client.geared import Worker
from gearhorn.client.geared_requests import RequestClient
from gearhorn.client.labels import connection_label
from gearhorn.client.requests import STANDARD_QUEUES, subscription_body
from gearhorn.client.signatures import ready
from gearhorn.errors import BadRequest, Unavailable
from gearhorn.names import OwnQueues, queue_name
from gearhorn.signing.envelope import SUBSCRIBE, UNSUBSCRIBE
from gearhorn.signing.signer import Signer

# A subscriber may wait for hours: a server that went away without a word is noticed within two minutes.
KEEPALIVE_IDLE_S = 60
KEEPALIVE_INTERVAL_S = 10
KEEPALIVE_PROBE_COUNT = 6


class GearhornSubscriber:
    """Subscribes `client_id` to topics, and hands out the copies as gear jobs.

    `client_id` should be stable, such as the host's name: under another one the old subscriptions stay, and their
    queues fill. Several objects with the same one share its copies. `queues` are the names that the service was given,
    if not the usual ones; with `topic_queues` each topic's own queues are used, for servers that let nobody into the
    general ones. With a `signer` all that is asked is signed. `worker` is the gear.Worker that receives, `client` the
    gear.Client that asks the service.
    """

    def __init__(
        self,
        client_id: str,
        *,
        queues: OwnQueues = STANDARD_QUEUES,
        topic_queues: bool = False,
        signer: Signer | None = None,
    ) -> None:
        if not client_id:
            raise BadRequest("client_id", "is empty")
        self.client_id = client_id
        self.queues = queues
        self.topic_queues = topic_queues
        self.signer = signer
        self.worker = Worker(connection_label(client_id))
        self.client = RequestClient(connection_label(f"{client_id}_subscriber"))

    def addServer(
        self,
        host: str,
        port: int = 4730,
        ssl_key: str | None = None,
        ssl_cert: str | None = None,
        ssl_ca: str | None = None,
        *,
        ssl_check_hostname: bool = True,
    ) -> None:
        """Adds a Gearman server, and returns at once; it is connected, and connected again, in the background.

        Copies are received from all servers, and any of them is asked for changes. Raises gear.ConfigurationError when
        it has been added before, or only some of the TLS files are named. The server's certificate must be for that
        host, unless told otherwise.
        """
        keepalive = (True, KEEPALIVE_IDLE_S, KEEPALIVE_INTERVAL_S, KEEPALIVE_PROBE_COUNT)
        for end in (self.worker, self.client):
            end.addServer(host, port, ssl_key, ssl_cert, ssl_ca, *keepalive, ssl_check_hostname=ssl_check_hostname)

    def waitForServer(self, timeout: float | None = None) -> None:
        """Waits until at least one server is connected; up to `timeout` seconds, then raises gear.TimeoutError."""
        self.worker.waitForServer(timeout)
        self.client.waitForServer(timeout)

    def subscribe(self, topic: str, *, ttl: float | None = None, timeout: float = 30) -> None:
        """Returns when the service has confirmed the subscription; to subscribe again changes nothing but the `ttl`.

        `ttl` is in seconds, after which it ends unless subscribed again; None or 0: it lasts until `unsubscribe`.
        Raises BadRequest, with the service's words, when it is refused. Raises Unavailable when there is no answer
        within `timeout` seconds or the service cannot do it now: it may have subscribed all the same, so the queue goes
        on being served.
        """
        body = subscription_body(topic, self.client_id, ttl, own=self.queues.all())
        try:
            self.client.ask(self._queues_of(topic).subscribe[0], ready(body, SUBSCRIBE, self.signer), timeout)
        except Unavailable:
            self._serve(queue_name(topic, self.client_id))
            raise
        # Not before: a refused pair's queue may be that of another subscriber. Copies wait for a worker.
        self._serve(queue_name(topic, self.client_id))

    def unsubscribe(self, topic: str, *, timeout: float = 30) -> None:
        """Returns when the service has confirmed that there is no such subscription (any more).

        Finish what `getJob` gave out of this topic before: gearmand takes unfinished jobs back. Copies that nobody has
        taken stay in the queue. Raises as `subscribe`; the queue goes on being served then.
        """
        body = subscription_body(topic, self.client_id, own=self.queues.all())
        self.client.ask(self._queues_of(topic).unsubscribe, ready(body, UNSUBSCRIBE, self.signer), timeout)
        self._stop_serving(queue_name(topic, self.client_id))

    def getJob(self) -> gear.WorkerJob:
        """Waits for a copy: its `arguments` are the payload, and it ends with `sendWorkComplete` or another result.

        Raises gear.InterruptedError when `shutdown` is called meanwhile.
        """
        return self.worker.getJob()

    def shutdown(self) -> None:
        """Closes everything and ends the threads. The subscriptions stay, and their queues fill. Call it once."""
        self.client.shutdown()
        self.worker.shutdown()

    def _queues_of(self, topic: str) -> OwnQueues:
        return self.queues.of_topic(topic) if self.topic_queues else self.queues

    def _serve(self, queue: bytes) -> None:
        # not twice: gearmand would count two workers
        if queue not in self.worker.functions:
            self.worker.registerFunction(queue)

    def _stop_serving(self, queue: bytes) -> None:
        # only if served: geard closes a connection that takes back what it never offered
        if queue in self.worker.functions:
            self.worker.unRegisterFunction(queue)
