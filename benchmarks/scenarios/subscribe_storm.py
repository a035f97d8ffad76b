"""Ten thousand hosts subscribe at once while fanouts go on: when are all settled, and who is told how often?"""

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import NamedTuple

from harness import programs, sites
from harness.rounds import sum_up
from harness.scenario import Aim, Outcome, Pace, Plot, Scenario, Series
from harness.topics import Topic

from gearhorn.store.leases import Lease, read_info
from gearhorn.store.opening import StoreSettings, open_store

AIM_PER_S = 5_000
NEWS = Topic("news", 3)
WORKER_COUNT, TOPIC_COUNT = 4, 4
PAYLOAD_BYTES, WARM_UP_COUNT, NEWS_PER_S = 100, 500, 500
HEAD_START_S = 0.5  # of the fanouts, before the storm begins
# What a worker says of itself is as old as its last renewal: a third of its lease.
RENEWED_AFTER_S = 5.0
RATE, SETTLED, MESSAGES, LATENCY = "subscribes/s", "s until the last is settled", "messages", "ms per fanout"
STORM, AT_REST, BESIDE = "gearhorn, storm", "gearhorn, fanouts at rest", "gearhorn, fanouts beside the storm"


class Size(NamedTuple):
    host_count: int = 10_000
    news_count: int = 1_500


QUICK = Size(2_000, 500)


class Storm(NamedTuple):
    """`message_count` is the most that one worker was sent for all of them."""

    subscribed: programs.Published
    message_count: int
    at_rest: programs.Published
    beside: programs.Published


def measure(setup: sites.Setup, size: Size) -> Storm:
    with sites.open_site(setup, WORKER_COUNT) as site:
        site.subscribe(NEWS)
        site.publish(*news(site, WARM_UP_COUNT))
        at_rest = site.publish(*news(site, size.news_count))
        bodies = write_storm(site.folder, size.host_count)
        before = message_counts(site)
        fanouts = programs.start_publishing(site.port, *news(site, size.news_count))
        try:
            time.sleep(HEAD_START_S)
            subscribed = site.publish(bodies, "-f", "subscribe_fanout", "-e", "")
            beside = fanouts.published().check()
        finally:
            fanouts.kill()
        told = [after - start for after, start in zip(message_counts(site), before, strict=True)]
    return Storm(subscribed, max(told), at_rest, beside)


def news(site: sites.Site, count: int) -> tuple[Path, *tuple[object, ...]]:
    """What `publish` is told, so that it publishes fanouts by the clock."""
    body = NEWS.write_fanout(site.folder, PAYLOAD_BYTES, background=True)
    return body, "-c", count, "-i", 1e6 / NEWS_PER_S, "-e", NEWS.subscriber_count


def write_storm(folder: Path, host_count: int) -> Path:
    """Each host subscribes to one of the topics, in turns."""
    path = folder / "storm"
    bodies = ({"topic": f"topic{n % TOPIC_COUNT}", "client_id": f"host{n:06d}"} for n in range(host_count))
    path.write_text("".join(f"{json.dumps(body)}\n" for body in bodies))
    return path


def message_counts(site: sites.Site) -> list[int]:
    """How many messages each worker has had, by its own word."""
    time.sleep(RENEWED_AFTER_S)
    return [int(str(read_info(lease)["messages"])) for lease in asyncio.run(find_leases(site.store_url))]


async def find_leases(store_url: str) -> list[Lease]:
    store = open_store(StoreSettings(store_url))
    await store.open()
    try:
        return await store.leases()
    finally:
        await store.close()


def run(pace: Pace) -> Outcome:
    size = QUICK if pace.is_quick else Size()
    measured: list[Storm] = []
    for turn in range(pace.round_count):
        measured.append(measure(pace.setup, size))
        told = f"{measured[-1].subscribed.rate:,.0f} subscribes/s, {measured[-1].message_count} messages"
        print(f"round {turn + 1}/{pace.round_count}  {told}", file=sys.stderr, flush=True)
    rates = [each.subscribed.rate for each in measured]
    what = f"subscribes settled, {size.host_count:,} hosts through {WORKER_COUNT} workers"
    return Outcome(_series(measured, rates), [Aim(what, sum_up(rates), AIM_PER_S, unit="/s")], REMARKS)


def _series(measured: list[Storm], rates: list[float]) -> list[Series]:
    latencies = [
        Series(name, point, LATENCY, [float(getattr(each, column)) for each in published])
        for name, published in ((AT_REST, [each.at_rest for each in measured]), (BESIDE, [e.beside for e in measured]))
        for point, column in (("p50", "p50_ms"), ("p99", "p99_ms"))
    ]
    return [
        Series(STORM, "", RATE, rates),
        Series(STORM, "", SETTLED, [each.subscribed.seconds for each in measured]),
        Series(STORM, "to the worker that was sent most", MESSAGES, [float(each.message_count) for each in measured]),
        *latencies,
    ]


REMARKS = [
    "The messages are those by which workers tell each other of changes, by the workers' own word: many subscribes "
    "share one. The p99 beside the storm is that of fanouts of which the fifth part falls into it; all cores are "
    "busy then."
]

SCENARIO = Scenario(
    name="subscribe_storm",
    title="Ten thousand hosts subscribe at once",
    question=f"All hosts come back at the same moment, with subscribes to {TOPIC_COUNT} topics. How long until the "
    f"last one is on the lists of all {WORKER_COUNT} workers, and what do fanouts feel of it?",
    contestants={
        STORM: "every subscribe is a Gearman job, answered when all workers know of it",
        AT_REST: f"background fanouts with {NEWS.subscriber_count} subscribers, {NEWS_PER_S} a second, before it",
        BESIDE: "the same fanouts while the storm goes on",
    },
    run=run,
    plots=[Plot(LATENCY, is_log=True)],
)
