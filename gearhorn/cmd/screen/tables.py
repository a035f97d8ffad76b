"""The parts of a screen: what stands in their columns, and in which order topics come."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from gearhorn.cmd.screen.figures import clean, milliseconds, moment, number, rate, span
from gearhorn.cmd.screen.scene import Scene
from gearhorn.overview.rates import COPIES, FANOUTS, measure_worker
from gearhorn.overview.views import HELD, ServerView, SubscriberView, TopicView, WorkerView

Row = tuple[str, ...]


class Part(NamedTuple):
    """A table. Columns that begin with > are of numbers, those with = of short words; `bad` are the rows to point out.
    `total_count`: there may be more than the rows.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Row]
    bad: frozenset[int] = frozenset()
    total_count: int | None = None


SORTS: dict[str, tuple[str, Callable[[TopicView], tuple[object, ...]]]] = {
    "b": ("backlog", lambda topic: (-(topic.backlog_count or 0), -topic.subscribers_count, topic.topic)),
    "s": ("subscribers", lambda topic: (-topic.subscribers_count, topic.topic)),
    "d": ("dead", lambda topic: (-topic.dead_count, -topic.paused_count, -topic.suspect_count, topic.topic)),
    "n": ("name", lambda topic: (topic.topic,)),
}
USUAL_SORT = "b"


def parts_of(scene: Scene, sort: str = USUAL_SORT) -> list[Part]:
    """Those that have something to show, in the order of the screen."""
    parts = [_servers(scene), _workers(scene), _topics(scene, sort), _troubled(scene)]
    return [part for part in parts if part.rows]


def _servers(scene: Scene) -> Part:
    servers = scene.overview.servers
    return Part(
        "servers",
        ("server", "=version", ">waiting", ">running", ">queues", ">workers", ">answer"),
        [_server_row(server) for server in servers],
        _indices(not server.is_reachable for server in servers),
    )


def _server_row(server: ServerView) -> Row:
    if not server.is_reachable:
        return (server.address, "away", *[""] * 5)
    return (
        server.address,
        clean(server.version or "-"),
        number(server.waiting_count),
        number(server.running_count),
        number(server.queues_count),
        number(server.fanout_workers_count),
        milliseconds(server.took_s),
    )


def _workers(scene: Scene) -> Part:
    workers = scene.overview.workers
    return Part(
        "workers",
        ("worker", "=state", ">lease", ">up", ">fanouts/s", ">copies/s", ">servers", "=version"),
        [_worker_row(worker, scene.overview.taken_at_s) for worker in workers],
        _indices(worker.state != HELD for worker in workers),
    )


def _worker_row(worker: WorkerView, now_s: float) -> Row:
    rates = measure_worker(worker)
    return (
        clean(worker.worker_id),
        worker.state,
        f"{worker.lease_left_s:.0f}s",
        span(now_s - worker.since_s if worker.since_s is not None else None),
        rate(rates.get(FANOUTS, 0.0) if rates is not None else None),
        rate(rates.get(COPIES, 0.0) if rates is not None else None),
        number(len(worker.servers)),
        clean(worker.version or "-"),
    )


def _topics(scene: Scene, sort: str) -> Part:
    topics = sorted(scene.overview.topics, key=SORTS[sort][1])
    return Part(
        "topics",
        ("topic", ">subscribers", ">backlog", ">running", ">suspect", ">dead", ">paused"),
        [_topic_row(topic) for topic in topics],
        _indices(bool(topic.dead_count) for topic in topics),
        scene.overview.totals.topics_count,
    )


def _topic_row(topic: TopicView) -> Row:
    return (
        clean(topic.topic),
        number(topic.subscribers_count),
        number(topic.backlog_count),
        number(topic.running_count),
        number(topic.suspect_count),
        number(topic.dead_count),
        number(topic.paused_count),
    )


def _troubled(scene: Scene) -> Part:
    totals = scene.overview.totals
    return Part(
        "subscribers in trouble",
        ("topic", "subscriber", "=state", ">backlog", "=since"),
        [_subscriber_row(one) for one in scene.overview.troubled],
        total_count=max(totals.dead_count + totals.suspect_count + totals.paused_count, len(scene.overview.troubled)),
    )


def _subscriber_row(one: SubscriberView) -> Row:
    return (clean(one.topic), clean(one.client_id), one.state or "-", number(one.backlog_count), moment(one.since_s))


def _indices(are_bad: Iterable[bool]) -> frozenset[int]:
    return frozenset(index for index, is_bad in enumerate(are_bad) if is_bad)
