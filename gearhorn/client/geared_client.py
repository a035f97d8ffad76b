"""Publishing with gear: a client whose `submitJob` sends to every subscriber of the topic that the job is named after.

Owns how a gear.Job becomes a `fanout` job and how the answer finds back to it. How bodies look is in `requests`.
"""
# ruff: noqa: N802

import uuid
from collections.abc import Iterable

import gear

from gearhorn.client.geared import Client
from gearhorn.client.requests import STANDARD_QUEUES, fanout_body
from gearhorn.client.signatures import ready
from gearhorn.errors import BadRequest
from gearhorn.names import OwnQueues
from gearhorn.signing.envelope import FANOUT
from gearhorn.signing.signer import Signer

PRIORITY_OF_PRECEDENCE = {
    gear.PRECEDENCE_NORMAL: None,
    gear.PRECEDENCE_LOW: "low",
    gear.PRECEDENCE_HIGH: "high",
}


class GearhornClient(Client):
    """A gear.Client that publishes. `queues` are the names that the service was given, if not the usual ones.

    With `topic_queues` each topic's own queue is used, for servers that let nobody into the general one. With a
    `signer` all that is published is signed.
    """

    def __init__(
        self,
        client_id: str = "unknown",
        *,
        queues: OwnQueues = STANDARD_QUEUES,
        topic_queues: bool = False,
        signer: Signer | None = None,
    ) -> None:
        super().__init__(client_id)
        self.queues = queues
        self.topic_queues = topic_queues
        self.signer = signer

    def submitJob(
        self,
        job: gear.Job,
        background: bool = False,
        precedence: int = gear.PRECEDENCE_NORMAL,
        timeout: float | None = 30,
        *,
        receiver_timeout: float | None = None,
        exclude: Iterable[str] | None = None,
        expires: float | None = None,
        results: bool | str | None = None,
    ) -> None:
        """Publishes `job.arguments` to the topic `job.name`; `job.unique` and `precedence` hold for every copy.

        As with gear, waits up to `timeout` seconds on each server until one has taken the job, and then returns; what
        happens to it later shows on `job`: `complete`, `failure`, `exception`, `data`, `numerator`, `denominator`. The
        last item of `data` is the number of receivers that completed. A background job has no events, and is forgotten
        here once a server has taken it.

        The options are those of a `fanout` job: `receiver_timeout`, the seconds that the service waits for the
        receivers; `exclude`, client ids that get no copy; `expires`, the Unix time after which nothing is sent;
        `results`, True or "failures", for each receiver's answer as one item of `data`.

        Raises BadRequest for what the service would refuse, and else what gear raises: gear.ConfigurationError for a
        wrong precedence, gear.NoConnectedServersError or gear.GearmanError when no server took the job.
        """
        if precedence not in PRIORITY_OF_PRECEDENCE:
            raise gear.ConfigurationError("Invalid precedence value")
        topic = _text("topic", job.binary_name)
        body = fanout_body(
            topic,
            job.binary_arguments,
            unique=job.binary_unique,
            background=background,
            timeout=receiver_timeout,
            priority=PRIORITY_OF_PRECEDENCE[precedence],
            exclude=exclude,
            expires=expires,
            results=results,
        )
        queues = self.queues.of_topic(topic) if self.topic_queues else self.queues
        signed = ready(body, FANOUT, self.signer)()
        fanout = _FanoutJob(job, queues.fanout, signed, is_background=background)
        super().submitJob(fanout, background, precedence, timeout)
        job.connection = fanout.connection

    def handleJobCreated(self, packet: gear.Packet) -> gear.Job:
        """As gear's, for the job that was given to `submitJob`."""
        task = packet.connection.pending_tasks[0]
        fanout = getattr(task, "job", None)
        if not isinstance(fanout, _FanoutJob):
            return super().handleJobCreated(packet)
        fanout.handle = packet.data  # by which gear's submitJob sees that the server took it
        task.job = fanout.published
        job = super().handleJobCreated(packet)
        if fanout.is_background:  # no event will ever come for it
            del packet.connection.related_jobs[job.handle]
        return job


class _FanoutJob(gear.Job):  # type: ignore[misc]  # gear has no types
    """What is sent in the place of `published`, which stays as the caller made it.

    Its unique key is fresh. With that of `published`, gearmand would take the same key on two topics for the same job,
    and a broadcast for a repetition of one that has long reached some of its receivers. With none, gearmand's SQLite
    queue would keep only the last of many.
    """

    def __init__(self, published: gear.Job, queue: str, body: bytes, *, is_background: bool) -> None:
        super().__init__(queue, body, unique=uuid.uuid4().hex)
        self.published = published
        self.is_background = is_background


def _text(key: str, value: str | bytes) -> str:
    try:
        return value if isinstance(value, str) else value.decode()
    except UnicodeDecodeError:
        raise BadRequest(key, "is not UTF-8") from None
