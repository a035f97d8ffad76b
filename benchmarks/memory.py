"""Memory and open files of one worker while it handles many fanouts: does it grow with what it has done?"""

import argparse
from contextlib import ExitStack
from typing import NamedTuple

from harness import options, reports, sites
from harness.receivers import Receiver
from harness.topics import Topic

GROWTH_AIM = 1.10


class Sample(NamedTuple):
    fanouts_count: int
    resident_bytes: int
    open_files_count: int

    def row(self) -> list[str]:
        return [f"{self.fanouts_count:,}", f"{self.resident_bytes / 2**20:.1f}", str(self.open_files_count)]


def measure(chosen: argparse.Namespace) -> list[Sample]:
    """One worker's samples: before the first fanout, then after every step."""
    with sites.open_site(options.setup(chosen)) as site, ExitStack() as stack:
        topic = Topic("news", chosen.subscribers)
        site.subscribe(topic)
        if chosen.foreground:
            for queue in topic.queues:
                stack.enter_context(Receiver(site.port, queue))
        body = topic.write_fanout(site.folder, chosen.payload_bytes, background=not chosen.foreground)
        samples = [sample(site, 0)]
        for step in range(1, chosen.steps + 1):
            site.publish(body, "-c", chosen.step, "-w", chosen.in_flight, "-e", chosen.subscribers)
            samples.append(sample(site, step * chosen.step))
        return samples


def sample(site: sites.Site, fanouts_count: int) -> Sample:
    return Sample(fanouts_count, site.worker.resident_bytes(), site.worker.open_files_count())


def parse() -> argparse.Namespace:
    parser = options.parser(__doc__, round_count=1)
    parser.add_argument("--step", type=options.positive, default=10_000, help="fanouts between two samples")
    parser.add_argument("--steps", type=options.positive, default=10)
    parser.add_argument("--in-flight", type=options.positive, default=256, help="fanouts not yet answered")
    parser.add_argument("--subscribers", type=options.positive, default=1)
    parser.add_argument("--foreground", action="store_true", help="with receivers that complete every copy")
    return parser.parse_args()


def judge(report: reports.Report, samples: list[Sample]) -> None:
    """Compares the last sample with that after the first step."""
    first, last = samples[1], samples[-1]
    growth = last.resident_bytes / first.resident_bytes
    files = last.open_files_count - first.open_files_count
    said = f"after {last.fanouts_count:,} fanouts {growth:.3f} times the memory after {first.fanouts_count:,}"
    report.say_aim(f"{said}, at most {GROWTH_AIM:g} wanted; {files:+d} open files", growth <= GROWTH_AIM)


def main() -> None:
    chosen = parse()
    report = reports.Report("memory", options.settings(chosen))
    for turn in range(chosen.rounds):
        samples = measure(chosen)
        report.note(f"round {turn + 1}", [each._asdict() for each in samples])
        reports.print_table(["fanouts", "resident MiB", "open files"], [each.row() for each in samples])
        judge(report, samples)
    report.write(chosen.json)


if __name__ == "__main__":
    main()
