"""An overview as JSON knows it. The keys are a promise: doc/status.md has them."""

import dataclasses
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from gearhorn.overview.rates import Rates, measure_worker
from gearhorn.overview.verdict import Trouble, worst_of
from gearhorn.overview.views import (
    Overview,
    QueueView,
    ServerView,
    StoreView,
    SubscriberView,
    TopicView,
    Totals,
    WorkerView,
)


def render_overview(overview: Overview, rates: Rates, troubles: Sequence[Trouble]) -> dict[str, Any]:
    return {
        "taken_at": time_of(overview.taken_at_s),
        "state": worst_of([*troubles]),
        "troubles": [{"severity": trouble.severity, "what": trouble.what} for trouble in troubles],
        "store": _render_store(overview.store),
        "workers": [render_worker(worker) for worker in overview.workers],
        "servers": [render_server(server) for server in overview.servers],
        "queues": [render_queue(queue) for queue in overview.queues],
        "totals": render_totals(overview.totals),
        "rates": {name: _rounded(value) for name, value in dataclasses.asdict(rates).items()},
        "topics": [render_topic(topic) for topic in overview.topics],
        "troubled": [render_subscriber(one) for one in overview.troubled],
        "watched": overview.is_watched,
    }


def render_subscriber(view: SubscriberView) -> dict[str, Any]:
    return {
        "topic": view.topic,
        "client_id": view.client_id,
        "state": view.state,
        "backlog": view.backlog_count,
        "running": view.running_count,
        "workers": view.workers_count,
        "since": time_of(view.since_s),
    }


def time_of(unix_s: float | None) -> str | None:
    """In the way of ISO 8601. None also for what no calendar has."""
    try:
        return None if unix_s is None else datetime.fromtimestamp(unix_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (OverflowError, ValueError, OSError):
        return None


def _render_store(store: StoreView) -> dict[str, Any]:
    return {
        "kind": store.kind,
        "url": store.url,
        "reachable": store.is_reachable,
        "trouble": store.trouble or None,
        "took_s": _rounded(store.took_s),
        "lost_since": store.lost_since,
    }


def render_worker(worker: WorkerView) -> dict[str, Any]:
    rates = measure_worker(worker)
    return {
        "worker_id": worker.worker_id,
        "state": worker.state,
        "lease_left_s": round(worker.lease_left_s, 1),
        "since": time_of(worker.since_s),
        "version": worker.version,
        "address": worker.address,
        "servers": list(worker.servers),
        "topics": worker.topics_count,
        "subscribers": worker.subscribers_count,
        "counters": dict(worker.counters),
        "rates": None if rates is None else {name: _rounded(rate) for name, rate in rates.items()},
    }


def render_server(server: ServerView) -> dict[str, Any]:
    return {
        "address": server.address,
        "reachable": server.is_reachable,
        "trouble": server.trouble or None,
        "version": server.version,
        "took_s": _rounded(server.took_s),
        "queues": server.queues_count,
        "waiting": server.waiting_count,
        "running": server.running_count,
        "fanout_workers": server.fanout_workers_count,
    }


def render_queue(queue: QueueView) -> dict[str, Any]:
    return {
        "queue": queue.name,
        "waiting": queue.waiting_count,
        "running": queue.running_count,
        "workers": queue.workers_count,
        "unserved_on": list(queue.unserved_on),
    }


def render_topic(topic: TopicView) -> dict[str, Any]:
    return {
        "topic": topic.topic,
        "subscribers": topic.subscribers_count,
        "backlog": topic.backlog_count,
        "running": topic.running_count,
        "suspect": topic.suspect_count,
        "dead": topic.dead_count,
        "paused": topic.paused_count,
    }


def render_totals(totals: Totals) -> dict[str, Any]:
    return {
        "topics": totals.topics_count,
        "subscribers": totals.subscribers_count,
        "backlog": totals.backlog_count,
        "running": totals.running_count,
        "other_backlog": totals.other_backlog_count,
        "suspect": totals.suspect_count,
        "dead": totals.dead_count,
        "paused": totals.paused_count,
    }


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, 4)
