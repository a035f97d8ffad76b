"""Latency of background fanouts beside many foreground fanouts that wait for their receivers in the same worker."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

from harness import admin, programs, sites
from harness.receivers import Receiver
from harness.rounds import ratio
from harness.scenario import Outcome, Pace, Plot, Scenario, Series
from harness.topics import Topic

from tests.servers.process import wait_until

NEWS = Topic("news", 3)
HELD = Topic("held", 1)
PAYLOAD_BYTES, WARM_UP_COUNT, NEWS_PER_S = 100, 500, 500
TIMEOUT_S, WAIT_LIMIT_S = 30, 60.0  # of the fanouts that wait, and of this program until all of them do
AT_REST, WAITING, AFTER = "gearhorn, at rest", "gearhorn, others waiting", "gearhorn, after them"
UNIT = "ms per background fanout"


class Size(NamedTuple):
    waiting_count: int = 2_000
    news_count: int = 2_000


QUICK = Size(500, 500)
Round = Mapping[str, programs.Published]


def measure(setup: sites.Setup, size: Size) -> Round:
    with sites.open_site(setup) as site:
        site.subscribe(NEWS)
        site.subscribe(HELD)
        publish_news(site, WARM_UP_COUNT)
        at_rest = publish_news(site, size.news_count)
        with held_fanouts(site, size.waiting_count):
            waiting = publish_news(site, size.news_count)
        return {AT_REST: at_rest, WAITING: waiting, AFTER: publish_news(site, size.news_count)}


def publish_news(site: sites.Site, count: int) -> programs.Published:
    body = NEWS.write_fanout(site.folder, PAYLOAD_BYTES, background=True)
    return site.publish(body, "-c", count, "-i", 1e6 / NEWS_PER_S, "-e", NEWS.subscriber_count)


@contextmanager
def held_fanouts(site: sites.Site, count: int) -> Iterator[None]:
    """All wait within; at the end their receiver comes, and every one must be answered as complete."""
    body = HELD.write_fanout(site.folder, PAYLOAD_BYTES, timeout=TIMEOUT_S)
    publisher = programs.start_publishing(site.port, body, "-c", count, "-e", HELD.subscriber_count)
    try:
        wait_for_copies(site, count)
        yield
        check_all_wait(site, count)
        with Receiver(site.port, HELD.queues[0]):
            publisher.published().check()
    finally:
        publisher.kill()


def wait_for_copies(site: sites.Site, count: int) -> None:
    """Every fanout that waits has its one copy on the receiver's queue, which nobody serves yet."""
    queue = HELD.queues[0]
    try:
        wait_until(lambda: admin.queue_status(site.port, queue).total_count >= count, queue, WAIT_LIMIT_S)
    except TimeoutError as error:
        there = {name: admin.queue_status(site.port, name) for name in ("fanout", queue)}
        raise RuntimeError(f"never {count} fanouts waiting at a time, but {there}") from error


def check_all_wait(site: sites.Site, count: int) -> None:
    running_count = admin.queue_status(site.port, "fanout").running_count
    if running_count < count:
        raise RuntimeError(f"only {running_count} of {count} fanouts still wait: the figures are void")


def run(pace: Pace) -> Outcome:
    size = QUICK if pace.is_quick else Size()
    measured: list[Round] = []
    for turn in range(pace.round_count):
        measured.append(measure(pace.setup, size))
        told = ", ".join(f"{name.partition(', ')[2]} {each.p50_ms:.2f} ms" for name, each in measured[-1].items())
        print(f"round {turn + 1}/{pace.round_count}  {told}", file=sys.stderr, flush=True)
    series = [
        Series(name, point, UNIT, [float(getattr(each[name], column)) for each in measured])
        for point, column in (("p50", "p50_ms"), ("p99", "p99_ms"), ("longest", "max_ms"))
        for name in (AT_REST, WAITING, AFTER)
    ]
    return Outcome(series, remarks=_remarks(measured, size))


def _remarks(measured: list[Round], size: Size) -> list[str]:
    p50, p99 = (
        ratio([getattr(each[WAITING], name) for each in measured], [getattr(each[AT_REST], name) for each in measured])
        for name in ("p50_ms", "p99_ms")
    )
    return [
        f"{size.waiting_count:,} fanouts waited at the same time, and all of them were answered as complete. Beside "
        f"them the median is {p50.text('.2f')} times that at rest, the 99th percentile {p99.text('.2f')} times."
    ]


SCENARIO = Scenario(
    name="waiting",
    title="Fanouts beside 2,000 that wait",
    question="A foreground fanout waits until all its receivers have answered. Do many that wait slow the others down? "
    f"Background fanouts with three subscribers are published by the clock, {NEWS_PER_S} a second; the latency of each "
    "runs from the moment at which it was due, so that a stall counts against all that it delays.",
    contestants={
        AT_REST: "nothing else is going on",
        WAITING: "2,000 foreground fanouts wait in the same worker for a receiver that has not come",
        AFTER: "the receiver has come, and all of them are answered",
    },
    run=run,
    plots=[Plot(UNIT, is_log=True)],
)
