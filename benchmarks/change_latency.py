"""How long a subscribe takes until every worker knows of it: with several workers, and with one of them stopped."""

import argparse
import signal
from collections.abc import Mapping
from typing import NamedTuple

from harness import options, programs, reports, rounds, sites
from harness.topics import Topic

HOSTS = Topic("hosts", 2_000)
WARM_UP = Topic("early", 200)


class Latencies(NamedTuple):
    """Subscribes one after the other, and then with a worker stopped (0 where there is no other): the first, others."""

    p50_ms: float
    p99_ms: float
    first_stopped_ms: float = 0.0
    p50_stopped_ms: float = 0.0
    p99_stopped_ms: float = 0.0


class Changes:
    def __init__(self, chosen: argparse.Namespace) -> None:
        self.setup = options.setup(chosen)

    def measure(self, worker_count: int) -> Latencies:
        with sites.open_site(self.setup, worker_count) as site:
            _subscribe(site, WARM_UP)
            fanout = HOSTS.write_fanout(site.folder, 10, background=True)
            site.publish(fanout, "-c", 200 * worker_count, "-w", worker_count)  # the list gets into every cache
            usual = _subscribe(site, HOSTS)
            if worker_count == 1:
                return Latencies(usual.p50_ms, usual.p99_ms)
            site.workers[-1].signal(signal.SIGSTOP)
            first = _subscribe(site, Topic("first", 1))
            others = _subscribe(site, Topic("others", 1_000))
            return Latencies(usual.p50_ms, usual.p99_ms, first.max_ms, others.p50_ms, others.p99_ms)


def _subscribe(site: sites.Site, topic: Topic) -> programs.Published:
    """One after the other."""
    bodies = topic.write_subscriptions(site.folder)
    return site.publish(bodies, "-f", "subscribe_fanout", "-w", 1, "-e", "")


def parse() -> argparse.Namespace:
    parser = options.parser(__doc__, round_count=3)
    parser.add_argument("--workers", type=options.positive, nargs="+", default=[1, 4, 16])
    return parser.parse_args()


def report_all(report: reports.Report, measured: Mapping[int, list[Latencies]]) -> None:
    rows = []
    for worker_count, figures in measured.items():
        columns = {name: [getattr(one, name) for one in figures] for name in Latencies._fields}
        report.note(f"{worker_count} workers", columns)
        rows.append([str(worker_count), *(rounds.sum_up(column).text(",.2f") for column in columns.values())])
    head = ["workers", "p50 ms", "p99 ms", "one stopped: first ms", "then p50 ms", "then p99 ms"]
    reports.print_table(head, rows)


def main() -> None:
    chosen = parse()
    report = reports.Report("change_latency", options.settings(chosen))
    changes = Changes(chosen)
    measured: dict[int, list[Latencies]] = {count: [] for count in chosen.workers}
    for _ in range(chosen.rounds):
        for count, figures in measured.items():
            figures.append(changes.measure(count))
    report_all(report, measured)
    report.write(chosen.json)


if __name__ == "__main__":
    main()
