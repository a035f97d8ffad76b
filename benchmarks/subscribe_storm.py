"""Ten thousand hosts subscribe at once while fanouts go on: when are all settled, and who is told how often?"""

import argparse
import asyncio
import json
import time
from pathlib import Path
from typing import NamedTuple

from harness import options, programs, reports, rounds, sites
from harness.topics import Topic

from gearhorn.store.leases import Lease, read_info
from gearhorn.store.opening import StoreSettings, open_store

NEWS = Topic("news", 3)
WARM_UP_COUNT = 500
# What a worker says of itself is as old as its last renewal: a third of its lease.
RENEWED_AFTER_S = 5.0


class Storm(NamedTuple):
    """`messages` is the most that one worker was sent for all of them."""

    settle_s: float
    per_s: float
    messages: int
    rest_p50_ms: float
    rest_p99_ms: float
    storm_p50_ms: float
    storm_p99_ms: float


class Storms:
    def __init__(self, chosen: argparse.Namespace) -> None:
        self.setup = options.setup(chosen)
        self.chosen = chosen

    def round(self) -> Storm:
        with sites.open_site(self.setup, self.chosen.workers) as site:
            site.subscribe(NEWS)
            self._publish_news(site, WARM_UP_COUNT).check()
            rest = self._publish_news(site, self.chosen.fanouts).check()
            bodies = write_storm(site.folder, self.chosen.hosts, self.chosen.topics)
            before = message_counts(site)
            fanouts = self._start_news(site)
            time.sleep(0.5)
            storm = site.publish(bodies, "-f", "subscribe_fanout", "-e", "")
            beside = fanouts.published().check()
            told = [after - start for after, start in zip(message_counts(site), before, strict=True)]
        return Storm(storm.seconds, storm.rate, max(told), rest.p50_ms, rest.p99_ms, beside.p50_ms, beside.p99_ms)

    def _publish_news(self, site: sites.Site, count: int) -> programs.Published:
        return site.publish(*self._news(site, count))

    def _start_news(self, site: sites.Site) -> programs.Running:
        return programs.start_publishing(site.port, *self._news(site, self.chosen.fanouts))

    def _news(self, site: sites.Site, count: int) -> tuple[Path, str, int, str, float]:
        body = NEWS.write_fanout(site.folder, self.chosen.payload_bytes, background=True)
        return body, "-c", count, "-i", 1e6 / self.chosen.per_s


def write_storm(folder: Path, host_count: int, topic_count: int) -> Path:
    """Each host subscribes to one of the topics, in turns."""
    path = folder / "storm"
    bodies = ({"topic": f"topic{n % topic_count}", "client_id": f"host{n:06d}"} for n in range(host_count))
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


def parse() -> argparse.Namespace:
    parser = options.parser(__doc__, round_count=3)
    parser.add_argument("--workers", type=options.positive, default=4)
    parser.add_argument("--hosts", type=options.positive, default=10_000)
    parser.add_argument("--topics", type=options.positive, default=4)
    parser.add_argument("--fanouts", type=options.positive, default=1_500, help="background ones, at rest and beside")
    parser.add_argument("--per-s", type=options.positive, default=500, help="of these, per second")
    return parser.parse_args()


def main() -> None:
    chosen = parse()
    report = reports.Report("subscribe_storm", options.settings(chosen))
    storms = Storms(chosen)
    measured = [storms.round() for _ in range(chosen.rounds)]
    rows = []
    for name in Storm._fields:
        column = [float(getattr(storm, name)) for storm in measured]
        report.note(name, column)
        rows.append([name.replace("_", " "), rounds.sum_up(column).text(",.2f")])
    reports.print_table([f"{chosen.hosts:,} hosts, {chosen.topics} topics, {chosen.workers} workers", ""], rows)
    report.write(chosen.json)


if __name__ == "__main__":
    main()
