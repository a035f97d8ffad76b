"""Latency of background fanouts beside many foreground fanouts that wait for their receivers in the same worker."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from harness import admin, options, programs, reports, rounds, sites
from harness.receivers import Receiver
from harness.topics import Topic

from tests.servers.process import wait_until

NEWS = Topic("news", 3)
HELD = Topic("held", 1)
WARM_UP_COUNT = 500
WAIT_LIMIT_S = 60.0


class Phases(NamedTuple):
    """The background fanouts of one round: before, while and after the others wait."""

    at_rest: programs.Published
    waiting: programs.Published
    after: programs.Published


class Waiting:
    def __init__(self, chosen: argparse.Namespace) -> None:
        self.setup = options.setup(chosen)
        self.chosen = chosen

    def round(self) -> Phases:
        with sites.open_site(self.setup) as site:
            site.subscribe(NEWS)
            site.subscribe(HELD)
            self._publish_news(site, WARM_UP_COUNT)
            at_rest = self._publish_news(site, self.chosen.fanouts)
            with self._held_fanouts(site):
                waiting = self._publish_news(site, self.chosen.fanouts)
            return Phases(at_rest, waiting, self._publish_news(site, self.chosen.fanouts))

    def _publish_news(self, site: sites.Site, count: int) -> programs.Published:
        body = NEWS.write_fanout(site.folder, self.chosen.payload_bytes, background=True)
        return site.publish(body, "-c", count, "-i", 1e6 / self.chosen.per_s, "-e", NEWS.subscriber_count)

    @contextmanager
    def _held_fanouts(self, site: sites.Site) -> Iterator[None]:
        """All wait within; at the end their receiver comes, and every one must be answered as complete."""
        count = self.chosen.waiting
        body = HELD.write_fanout(site.folder, self.chosen.payload_bytes, timeout=self.chosen.timeout)
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


def parse() -> argparse.Namespace:
    parser = options.parser(__doc__, round_count=3)
    parser.add_argument("--waiting", type=options.positive, default=2_000, help="foreground fanouts at the same time")
    parser.add_argument("--timeout", type=options.positive, default=30, help="of these, in seconds")
    parser.add_argument("--fanouts", type=options.positive, default=2_000, help="background ones per phase")
    parser.add_argument("--per-s", type=options.positive, default=500, help="background ones published per second")
    return parser.parse_args()


def report_phases(report: reports.Report, measured: list[Phases]) -> None:
    rows = []
    for phase in Phases._fields:
        published = [getattr(phases, phase) for phases in measured]
        columns = [[getattr(each, column) for each in published] for column in ("p50_ms", "p99_ms", "max_ms")]
        report.note(phase, dict(zip(("p50_ms", "p99_ms", "max_ms"), columns, strict=True)))
        rows.append([phase.replace("_", " "), *(rounds.sum_up(column).text(".2f") for column in columns)])
    reports.print_table(["background fanouts", "p50 ms", "p99 ms", "longest ms"], rows)


def report_ratio(report: reports.Report, measured: list[Phases], column: str) -> None:
    held = [getattr(phases.waiting, column) for phases in measured]
    rest = [getattr(phases.at_rest, column) for phases in measured]
    ratio = rounds.ratio(held, rest)
    report.note(f"{column} waiting / at rest", ratio._asdict())
    print(f"{column.replace('_', ' ')}, waiting / at rest: {ratio.text('.2f')}")


def main() -> None:
    chosen = parse()
    report = reports.Report("waiting", options.settings(chosen))
    benchmark = Waiting(chosen)
    measured = [benchmark.round() for _ in range(chosen.rounds)]
    print(f"{chosen.waiting:,} foreground fanouts waited at the same time, and all were answered as complete\n")
    report_phases(report, measured)
    for column in ("p50_ms", "p99_ms"):
        report_ratio(report, measured, column)
    report.write(chosen.json)


if __name__ == "__main__":
    main()
