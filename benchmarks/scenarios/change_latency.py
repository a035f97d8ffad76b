"""How long a subscribe takes until every worker knows of it: with several workers, and with one of them stopped."""

import signal
import sys
from typing import NamedTuple

from harness import programs, sites
from harness.scenario import Outcome, Pace, Plot, Scenario, Series
from harness.topics import Topic

WARM_UP = Topic("early", 200)
FIRST = Topic("first", 1)
PAYLOAD_BYTES = 10
ALL_WELL, STOPPED = "gearhorn, all workers well", "gearhorn, one worker stopped"
UNIT, FIRST_UNIT = "ms per subscribe", "s for the first subscribe after a worker was stopped"
MOST_ROUNDS = 3  # a worker that was stopped is waited for, ten seconds each time


class Size(NamedTuple):
    worker_counts: tuple[int, ...] = (1, 4, 16)
    host_count: int = 1_000
    later_host_count: int = 500


QUICK = Size((1, 2), 200, 100)


class Latencies(NamedTuple):
    """Subscribes one after the other. None: of those after a worker was stopped, where there is no other worker."""

    usual: programs.Published
    first: programs.Published | None = None
    later: programs.Published | None = None


def measure(setup: sites.Setup, worker_count: int, size: Size) -> Latencies:
    with sites.open_site(setup, worker_count) as site:
        hosts = Topic("hosts", size.host_count)
        subscribe(site, WARM_UP)
        fanout = hosts.write_fanout(site.folder, PAYLOAD_BYTES, background=True)
        site.publish(fanout, "-c", 200 * worker_count, "-w", worker_count)  # the list gets into every memory
        usual = subscribe(site, hosts)
        if worker_count == 1:
            return Latencies(usual)
        site.workers[-1].signal(signal.SIGSTOP)
        return Latencies(usual, subscribe(site, FIRST), subscribe(site, Topic("later", size.later_host_count)))


def subscribe(site: sites.Site, topic: Topic) -> programs.Published:
    """One after the other."""
    bodies = topic.write_subscriptions(site.folder)
    return site.publish(bodies, "-f", "subscribe_fanout", "-w", 1, "-e", "")


def run(pace: Pace) -> Outcome:
    size = QUICK if pace.is_quick else Size()
    measured: dict[int, list[Latencies]] = {count: [] for count in size.worker_counts}
    for turn in range(min(pace.round_count, MOST_ROUNDS)):
        for count, rounds in measured.items():
            rounds.append(measure(pace.setup, count, size))
            told = f"{count} workers: p50 {rounds[-1].usual.p50_ms:.2f} ms"
            print(f"round {turn + 1}  {told}", file=sys.stderr, flush=True)
    return Outcome([each for count, rounds in measured.items() for each in _series(count, rounds)], remarks=REMARKS)


def _series(worker_count: int, rounds: list[Latencies]) -> list[Series]:
    point = f"{worker_count} worker{'s' if worker_count > 1 else ''}"
    later = [each.later for each in rounds if each.later]
    firsts_s = [each.first.max_ms / 1e3 for each in rounds if each.first]
    series = []
    for name, published in ((ALL_WELL, [each.usual for each in rounds]), (STOPPED, later)):
        for percentile, column in (("p50", "p50_ms"), ("p99", "p99_ms")):
            figures = [float(getattr(each, column)) for each in published]
            series.append(Series(f"{name}, {percentile}", point, UNIT, figures, worker_count))
    return [each for each in [*series, Series(STOPPED, point, FIRST_UNIT, firsts_s)] if each.figures]


REMARKS = [
    "All workers share the machine's cores here, and each of 16 has to be told: on machines of their own they would be "
    "told at the same time.",
    "The first subscribe after a worker was stopped waits for at most the rest of that worker's lease and the time for "
    "an acknowledgement. Those after it wait for nobody.",
]

SCENARIO = Scenario(
    name="change_latency",
    title="A subscribe, until every worker knows of it",
    question="A subscribe is answered when every worker that has the list in its memory has acknowledged it. How long "
    "does that take, one subscribe after the other? And when one of the workers stands still (SIGSTOP)?",
    contestants={ALL_WELL: "a topic whose list every worker has in memory", STOPPED: "the same, later"},
    run=run,
    plots=[Plot(UNIT)],
)
