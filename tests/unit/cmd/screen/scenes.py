"""Scenes of systems that are large, or in trouble."""

from gearhorn.cmd.screen.scene import Scene
from gearhorn.overview.rates import Rates
from gearhorn.overview.verdict import judge
from gearhorn.overview.views import (
    HELD,
    Overview,
    QueueView,
    ServerView,
    StoreView,
    SubscriberView,
    TopicView,
    Totals,
    WorkerView,
)


def scene(server_count: int = 2, worker_count: int = 2, topic_count: int = 3, troubled_count: int = 0) -> Scene:
    overview = Overview(
        1_700_000_000.0,
        StoreView("redis", "redis://10.0.0.1:6379", is_reachable=True, took_s=0.001),
        tuple(WorkerView(f"worker-{n}", HELD, 8.0, servers=("a:1",)) for n in range(worker_count)),
        tuple(ServerView(f"10.0.0.{n}:4730", is_reachable=n % 2 == 0, trouble="gone") for n in range(server_count)),
        (QueueView("fanout", 0, 0, 1),),
        tuple(TopicView(f"topic{n:05}", n, topic_count - n, 0, dead_count=n % 2) for n in range(topic_count)),
        tuple(SubscriberView("news", f"host{n}", "dead", 5, since_s=0.0) for n in range(troubled_count)),
        Totals(topic_count, 1, 1, 1, 1, dead_count=troubled_count),
    )
    return Scene(overview, Rates(1.0, 2.0, 3.0, 4.0, 5.0), judge(overview))
