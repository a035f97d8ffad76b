"""Small background fanouts per second through one worker process, their submission included."""

import argparse
from collections.abc import Callable

from harness import admin, options, reports, rounds, sites
from harness.topics import Topic

AIM_SUBSCRIBERS = 3
AIM_FANOUTS_PER_S = 20_000
WARM_UP_COUNT = 1_000


class Intake:
    """Fanouts with few subscribers each, `in_flight` of them at a time; all on a fresh site per measurement."""

    def __init__(self, chosen: argparse.Namespace) -> None:
        self.setup = options.setup(chosen)
        self.fanouts_count: int = chosen.fanouts
        self.in_flight_count: int = chosen.in_flight
        self.payload_bytes: int = chosen.payload_bytes
        self.loaded: list[str] = []

    def contestant(self, subscriber_count: int) -> Callable[[], float]:
        topic = Topic("news", subscriber_count)

        def run() -> float:
            with sites.open_site(self.setup) as site:
                return self._measure(site, topic)

        return run

    def _measure(self, site: sites.Site, topic: Topic) -> float:
        site.subscribe(topic)
        body = topic.write_fanout(site.folder, self.payload_bytes, background=True)
        common = ("-w", self.in_flight_count, "-e", topic.subscriber_count)
        site.publish(body, "-c", WARM_UP_COUNT, *common)
        published = site.publish(body, "-c", self.fanouts_count, *common)
        admin.check_copies(site.port, topic.queues, WARM_UP_COUNT + self.fanouts_count)
        self.loaded = site.worker.loaded_libraries()
        return published.rate


def parse() -> argparse.Namespace:
    parser = options.parser(__doc__, round_count=5)
    parser.add_argument("--fanouts", type=options.positive, default=20_000, help="per measurement")
    parser.add_argument("--in-flight", type=options.positive, default=256, help="fanouts not yet answered")
    parser.add_argument("--subscribers", type=options.positive, nargs="+", default=[1, 3, 10])
    return parser.parse_args()


def main() -> None:
    chosen = parse()
    report = reports.Report("intake_rate", options.settings(chosen))
    intake = Intake(chosen)
    contestants = {str(count): intake.contestant(count) for count in chosen.subscribers}
    measured = rounds.take_turns(contestants, chosen.rounds)
    report.note("fanouts_per_s", measured)
    report.note("loaded_by_worker", intake.loaded)
    rows = [[name, *_rates(int(name), figures)] for name, figures in measured.items()]
    reports.print_table(["subscribers", "fanouts/s", "copies/s"], rows)
    print(f"the worker has loaded: {', '.join(intake.loaded) or 'none of the optional faster libraries'}")
    if str(AIM_SUBSCRIBERS) in measured:
        spread = rounds.sum_up(measured[str(AIM_SUBSCRIBERS)])
        aim = f"{spread.text()} fanouts/s with {AIM_SUBSCRIBERS} subscribers, at least {AIM_FANOUTS_PER_S:,} wanted"
        report.say_aim(aim, spread.median >= AIM_FANOUTS_PER_S)
    report.write(chosen.json)


def _rates(subscriber_count: int, figures: list[float]) -> tuple[str, str]:
    spread = rounds.sum_up(figures)
    return spread.text(), f"{spread.median * subscriber_count:,.0f}"


if __name__ == "__main__":
    main()
