"""What it costs a large fanout that its progress is recorded in the store, for the next worker to go on from."""

import shlex
import statistics
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import inside
from harness import lists, sites
from harness.rounds import ratio
from harness.scenario import OURS, Aim, Outcome, Pace, Plot, Scenario, Series
from harness.topics import Topic

UNRECORDED = "gearhorn, without records"
LEAST_SHARE = 0.95
UNIT = "copies per second"
PAYLOAD_BYTES = 100
WORKER = Path(inside.__file__).with_name("sometimes_recording.py")


@dataclass(frozen=True, slots=True)
class Size:
    """So many pairs of fanouts, one without and one with a record, on one server: their median counts."""

    subscriber_count: int
    pair_count: int


SIZES = (Size(10_000, 20), Size(20_000, 12), Size(100_000, 3))
QUICK_SIZES = (Size(10_000, 2),)


def measure(setup: sites.Setup, size: Size) -> Mapping[str, float]:
    """Copies per second of each. Copies stay in their queues: all fanouts after the first find these."""
    topic = Topic("news", size.subscriber_count)
    with sites.open_site(setup) as site:
        lists.fill(site, topic)
        body = topic.write_fanout(site.folder, PAYLOAD_BYTES, background=True)
        times_ms: dict[str, list[float]] = {UNRECORDED: [], OURS: []}
        for number in range(size.pair_count + 1):  # the first pair reads the list
            for times in times_ms.values():
                published = site.publish(body, "-c", 1, "-w", 1, "-e", size.subscriber_count)
                times += [published.p50_ms] if number else []
    return {name: size.subscriber_count / statistics.median(times) * 1e3 for name, times in times_ms.items()}


def run(pace: Pace) -> Outcome:
    setup = replace(pace.setup, worker=f"{shlex.quote(sys.executable)} {shlex.quote(str(WORKER))} worker")
    series: list[Series] = []
    aims: list[Aim] = []
    for size in QUICK_SIZES if pace.is_quick else SIZES:
        rounds = [_told(size, measure(setup, size)) for _ in range(pace.round_count)]
        figures = {name: [each[name] for each in rounds] for name in rounds[0]}
        point = f"{size.subscriber_count:,} subscribers"
        series += [Series(name, point, UNIT, each) for name, each in figures.items()]
        aims.append(
            Aim(
                f"copies/s beside those without records, {point}",
                ratio(figures[OURS], figures[UNRECORDED]),
                LEAST_SHARE,
            )
        )
    return Outcome(series, aims)


def _told(size: Size, figures: Mapping[str, float]) -> Mapping[str, float]:
    told = ", ".join(f"{name} {rate:,.0f}/s" for name, rate in figures.items())
    print(f"{size.subscriber_count:,} subscribers: {told}", file=sys.stderr, flush=True)
    return figures


SCENARIO = Scenario(
    name="progress_records",
    title="Records of progress",
    question="While a fanout to more than 5,000 subscribers goes out, its worker records in the store how far it has "
    "come, and sends no more than 5,000 copies of which no record tells. What does that cost? One worker records every "
    "second fanout only; so the two are measured in turns, on the same server and with the same list.",
    contestants={
        OURS: "as it is",
        UNRECORDED: "does less: if its worker is lost, the next one sends all copies again",
    },
    run=run,
    plots=[Plot(UNIT)],
)
