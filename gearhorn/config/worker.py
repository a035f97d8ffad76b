"""[worker]: queues, limits, and by what names the worker is known."""

import re
import socket
from collections import Counter

from gearhorn.config.source import Source
from gearhorn.core.limits import Limits
from gearhorn.errors import BadRequest, Misconfigured
from gearhorn.handlers import HandlerSettings
from gearhorn.names import QUEUE_NAME_LIMIT_BYTES, OwnQueues, check_topic
from gearhorn.net.worker_link import WorkerSettings

# gearmand closes the connection of a client with a longer one.
CLIENT_ID_LIMIT_BYTES = 127


def worker_settings(source: Source) -> WorkerSettings:
    worker = source.conf.worker
    return WorkerSettings(
        _client_id(source),
        worker.grabs_in_flight,
        worker.jobs_in_flight,
        sends_exceptions=worker.refuse_with == "exception",
        body_limit_bytes=worker.body_limit,
    )


def handler_settings(source: Source) -> HandlerSettings:
    worker = source.conf.worker
    return HandlerSettings(
        own_queues(source),
        worker.foreground_timeout,
        worker.foreground_timeout_limit,
        source.conf.matchmaking.topic,
        _limits(source),
    )


def own_queues(source: Source) -> OwnQueues:
    worker = source.conf.worker
    topics = tuple(dict.fromkeys(worker.topic_queues))
    queues = OwnQueues(tuple(worker.subscribe_queues), worker.unsubscribe_queue, worker.fanout_queue, topics)
    for topic in topics:
        _judge_topic(source, topic)
    names = [name for each in (queues, *map(queues.of_topic, topics)) for name in each.all()]
    if not queues.subscribe:
        raise Misconfigured("[worker] subscribe_queues names no queue")
    for name, count in Counter(names).items():
        judge_queue(name)
        if count > 1:
            raise Misconfigured(f"[worker] each queue needs a name of its own: two are called {name!r}")
    return queues


def _judge_topic(source: Source, topic: str) -> None:
    try:
        check_topic(topic, source.conf.matchmaking.topic)
    except BadRequest as error:
        raise Misconfigured(f"[worker] topic_queues: a topic {error.reason}") from None


def _limits(source: Source) -> Limits:
    worker = source.conf.worker
    return Limits(
        payload_bytes=worker.payload_limit,
        json_depth_count=worker.json_depth_limit,
        subscribers_count=worker.subscribers_limit,
        copies_bytes=worker.copies_bytes_limit,
        answer_bytes=worker.answer_limit,
        answers_bytes=worker.answers_limit,
    )


def worker_id(source: Source) -> str:
    """Host name, and the instance of a systemd template: the same after each start."""
    if source.conf.matchmaking.worker_id:
        return str(source.conf.matchmaking.worker_id)
    instance = source.environ.get("GEARHORN_INSTANCE", "")
    name = "_".join(part for part in (socket.gethostname(), instance) if part)
    return "".join(character if character.isprintable() else "-" for character in name)


def _client_id(source: Source) -> str:
    """How the admin command `workers` shows this worker."""
    name = f"gearhorn_{worker_id(source)}"
    shown = re.sub(r"[^!-~]", "-", name)  # a space would break a line of that command
    return shown[:CLIENT_ID_LIMIT_BYTES]


def judge_queue(name: str, option: str = "[worker]") -> None:
    """Spaces and control characters would break lines of the admin protocol."""
    if not name or not name.isprintable() or " " in name:
        raise Misconfigured(
            f"{option} {name!r} is no name for a queue: it is empty or has a space or control character"
        )
    if len(name.encode()) > QUEUE_NAME_LIMIT_BYTES:
        raise Misconfigured(
            f"{option} {name!r} is no name for a queue: it has more than {QUEUE_NAME_LIMIT_BYTES} bytes"
        )
