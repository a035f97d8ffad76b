"""Copies per second of one background fanout: the worker beside a raw blast and libgearman's batch client."""

import argparse
from collections.abc import Callable

from harness import admin, options, programs, reports, rounds, sites
from harness.topics import Topic

AIM_SUBSCRIBERS = 10_000  # the aims are for this many; libgearman's time is quadratic in them
BLAST_SHARE_AIM = 0.75
LIBGEARMAN_TIMES_AIM = 15.0
AS_IT_COMES, FREEING = "libgearman", "libgearman, tasks freed"


class Race:
    """One topic and payload for all contestants; each run on a fresh gearmand that knows none of the queues."""

    def __init__(self, chosen: argparse.Namespace) -> None:
        self.setup = options.setup(chosen)
        self.topic = Topic("copies", chosen.subscribers, chosen.lengths)
        self.payload_bytes: int = chosen.payload_bytes
        self.blast_window: int = chosen.blast_window
        self.run_count = 2 if chosen.known_queues else 1
        self.loaded: list[str] = []

    def contestants(self) -> dict[str, Callable[[], float]]:
        return {
            "worker": self.run_worker,
            "blast": lambda: self.run_program(
                lambda port, names: programs.blast(port, names, self.payload_bytes, self.blast_window)
            ),
            AS_IT_COMES: lambda: self.run_program(
                lambda port, names: programs.libgearman_batch(port, names, self.payload_bytes, frees_tasks=False)
            ),
            FREEING: lambda: self.run_program(
                lambda port, names: programs.libgearman_batch(port, names, self.payload_bytes, frees_tasks=True)
            ),
        }

    def run_program(self, send: Callable[..., float]) -> float:
        with sites.open_gearmand(self.setup) as (folder, port):
            names = self.topic.write_queues(folder)
            return self._last_of(lambda: send(port, names), port)

    def run_worker(self) -> float:
        with sites.open_site(self.setup) as site:
            site.subscribe(self.topic)
            self._warm_up(site)
            self.loaded = site.worker.loaded_libraries()
            body = self.topic.write_fanout(site.folder, self.payload_bytes, background=True)
            expected = self.topic.subscriber_count
            return self._last_of(lambda: expected * site.publish(body, "-e", expected).rate, site.port)

    def _warm_up(self, site: sites.Site) -> None:
        """One small fanout, so that what is done once in a worker's life is not measured. One queue more is known."""
        topic = Topic("warmup", 1)
        site.subscribe(topic)
        site.publish(topic.write_fanout(site.folder, self.payload_bytes, background=True), "-e", 1)

    def _last_of(self, measure: Callable[[], float], port: int) -> float:
        """The figure of the last run; its copies, and those of the run before it if any, must all be there."""
        figures = [measure() for _ in range(self.run_count)]
        admin.check_copies(port, self.topic.queues, self.run_count)
        return figures[-1]


def parse() -> argparse.Namespace:
    parser = options.parser(__doc__, round_count=9)
    parser.add_argument("--subscribers", type=options.positive, default=10_000)
    parser.add_argument("--lengths", type=options.positive, default=1, help="different lengths of the client ids")
    parser.add_argument("--blast-window", type=int, default=4096, help="unconfirmed copies of the blast; 0: no bound")
    parser.add_argument("--known-queues", action="store_true", help="measure a second run, on queues already known")
    parser.add_argument("--without", action="append", default=[], metavar="CONTESTANT", help="repeatable")
    return parser.parse_args()


def compare(report: reports.Report, measured: dict[str, list[float]], name: str, aim: float | None) -> None:
    """The worker beside another contestant, pair by pair."""
    if "worker" not in measured or name not in measured:
        return
    ratio = rounds.ratio(measured["worker"], measured[name])
    report.note(f"worker / {name}", ratio._asdict())
    if aim is None:
        print(f"worker / {name}: {ratio.text('.2f')}")
    else:
        report.say_aim(f"worker / {name}: {reports.compare(ratio, aim)}", ratio.median >= aim)


def main() -> None:
    chosen = parse()
    report = reports.Report("copy_rate", options.settings(chosen))
    race = Race(chosen)
    contestants = {name: run for name, run in race.contestants().items() if name not in chosen.without}
    measured = rounds.take_turns(contestants, chosen.rounds)
    report.note("copies_per_s", measured)
    report.note("loaded_by_worker", race.loaded)
    rows = [[name, rounds.sum_up(figures).text()] for name, figures in measured.items()]
    reports.print_table([f"{chosen.subscribers:,} subscribers", "copies/s"], rows)
    if "worker" in measured:
        print(f"the worker has loaded: {', '.join(race.loaded) or 'none of the optional faster libraries'}")
    aims = {"blast": BLAST_SHARE_AIM, AS_IT_COMES: LIBGEARMAN_TIMES_AIM}
    for name in ("blast", AS_IT_COMES, FREEING):
        compare(report, measured, name, aims.get(name) if chosen.subscribers == AIM_SUBSCRIBERS else None)
    report.write(chosen.json)


if __name__ == "__main__":
    main()
