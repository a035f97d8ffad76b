"""A made-up system, for pages to show, and who tells of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from gearhorn.overview.views import (
    HELD,
    RAN_OUT,
    Lookup,
    Overview,
    QueueView,
    Reading,
    ServerView,
    StoreView,
    SubscriberView,
    TopicView,
    Totals,
    WorkerView,
)

NOW_S = 1_770_000_000.0
OWN_QUEUES = ("subscribe_fanout", "register_fanout_subscriber", "unsubscribe_fanout", "fanout")


def worker(worker_id: str = "east1", *, fanouts: int = 100, copies: int = 1000, **changes: object) -> WorkerView:
    view = WorkerView(
        worker_id,
        HELD,
        8.2,
        since_s=NOW_S - 7200,
        version="0.1.0",
        address="10.0.0.7",
        servers=("gearman1:4730",),
        topics_count=4,
        subscribers_count=1204,
        lease_ttl_s=10.0,
        reading=Reading(NOW_S - 1, {"fanouts": 5000 + fanouts, "copies": 90000 + copies, "receivers_failed": 3}),
        earlier=Reading(NOW_S - 11, {"fanouts": 5000, "copies": 90000, "receivers_failed": 3}),
    )
    return replace(view, **changes)  # type: ignore[arg-type]


def server(address: str = "gearman1:4730", **changes: object) -> ServerView:
    view = ServerView(
        address,
        is_reachable=True,
        version="1.1.19.1",
        took_s=0.0012,
        queues_count=1300,
        waiting_count=4200,
        running_count=12,
        fanout_workers_count=2,
    )
    return replace(view, **changes)  # type: ignore[arg-type]


DOWN = server("gearman2:4730", is_reachable=False, trouble="Connection refused", version=None, took_s=None)
GONE = worker("west1", state=RAN_OUT, lease_left_s=-75.0)


def overview(**changes: object) -> Overview:
    picture = Overview(
        NOW_S,
        StoreView("redis", "redis://redis1:6379/0", is_reachable=True, took_s=0.0004),
        (worker("east1"), worker("east2", copies=2500)),
        (server(),),
        tuple(QueueView(name, 0, 0, 2) for name in OWN_QUEUES),
        (TopicView("configuration", 1200, 4000, 10), TopicView("news", 3, 0, 0)),
        (),
        Totals(2, 1203, 4000, 10, 0),
        is_watched=True,
    )
    return replace(picture, **changes)  # type: ignore[arg-type]


def subscribers(topic: str, client_ids: Iterable[str]) -> tuple[SubscriberView, ...]:
    return tuple(SubscriberView(topic, client_id, "live", 0, 0, 1) for client_id in client_ids)


@dataclass
class FakeSource:
    """Tells what it is told to tell, and counts how often it was asked."""

    picture: Overview = field(default_factory=overview)
    lists: dict[str, Sequence[SubscriberView]] = field(default_factory=dict)
    trouble: str = ""
    asked: list[str] = field(default_factory=list)

    async def observe(self) -> Overview:
        self.asked.append("observe")
        return self.picture

    async def look_at_topic(self, topic: str) -> Lookup:
        self.asked.append(f"topic {topic}")
        return self._lookup(self.lists.get(topic, ()))

    async def look_up(self, client_id: str) -> Lookup:
        self.asked.append(f"exact {client_id}")
        return self._lookup(one for one in self._all() if one.client_id == client_id)

    async def search(self, text: str, *, is_prefix: bool) -> Lookup:
        self.asked.append(f"{'prefix' if is_prefix else 'substring'} {text}")
        ids = (
            one for one in self._all() if one.client_id.startswith(text) or (not is_prefix and text in one.client_id)
        )
        return self._lookup(ids)

    def _all(self) -> Iterable[SubscriberView]:
        return (one for topic in sorted(self.lists) for one in self.lists[topic])

    def _lookup(self, found: Iterable[SubscriberView]) -> Lookup:
        return Lookup(tuple(found), is_complete=not self.trouble, trouble=self.trouble)
