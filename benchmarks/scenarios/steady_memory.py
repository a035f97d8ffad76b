"""Memory and open files of one worker while it handles many fanouts: does it grow with what it has done?"""

import sys
from collections.abc import Sequence
from contextlib import ExitStack
from typing import NamedTuple

from harness import sites
from harness.receivers import Receiver
from harness.rounds import ratio
from harness.scenario import Aim, Outcome, Pace, Plot, Scenario, Series
from harness.topics import Topic

GROWTH_AIM = 1.1
TOPIC = Topic("news", 1)
PAYLOAD_BYTES, IN_FLIGHT_COUNT = 100, 256
STEP_COUNT, STEP, QUICK_STEP = 10, 10_000, 1_000  # how many fanouts go by from one look at the worker to the next
BACKGROUND, FOREGROUND = "gearhorn, background", "gearhorn, foreground"
MOST_ROUNDS = 3  # the figures hardly differ
MEMORY, FILES = "MiB of resident memory", "open files"


class Sample(NamedTuple):
    """What the worker had after so many fanouts."""

    fanouts_count: int
    resident_bytes: int
    open_files_count: int


def measure(setup: sites.Setup, is_background: bool, step: int) -> list[Sample]:
    """One worker's samples after every step. Receivers complete what is not background."""
    with sites.open_site(setup) as site, ExitStack() as stack:
        site.subscribe(TOPIC)
        if not is_background:
            stack.enter_context(Receiver(site.port, TOPIC.queues[0]))
        body = TOPIC.write_fanout(site.folder, PAYLOAD_BYTES, background=is_background)
        samples = []
        for number in range(1, STEP_COUNT + 1):
            site.publish(body, "-c", step, "-w", IN_FLIGHT_COUNT, "-e", TOPIC.subscriber_count)
            samples.append(Sample(number * step, site.worker.resident_bytes(), site.worker.open_files_count()))
        return samples


def run(pace: Pace) -> Outcome:
    step = QUICK_STEP if pace.is_quick else STEP
    measured: dict[str, list[list[Sample]]] = {BACKGROUND: [], FOREGROUND: []}
    for turn in range(min(pace.round_count, MOST_ROUNDS)):
        for name, samples in measured.items():
            samples.append(measure(pace.setup, name == BACKGROUND, step))
            told = f"{name}: {samples[-1][-1].resident_bytes / 2**20:.1f} MiB"
            print(f"round {turn + 1}  {told}", file=sys.stderr, flush=True)
    series = [each for name, samples in measured.items() for each in _series(name, samples)]
    return Outcome(series, [_aim(name, samples) for name, samples in measured.items()])


def _series(name: str, samples: Sequence[Sequence[Sample]]) -> list[Series]:
    """Of every step the figures of all rounds; of open files the first and the last one only."""
    series = []
    for step in zip(*samples, strict=True):
        count = step[0].fanouts_count
        figures = [each.resident_bytes / 2**20 for each in step]
        series.append(Series(name, f"{count:,} fanouts", MEMORY, figures, count))
    for when, index in (("after the first step", 0), ("after the last", -1)):
        series.append(Series(name, when, FILES, [float(each[index].open_files_count) for each in samples]))
    return series


def _aim(name: str, samples: Sequence[Sequence[Sample]]) -> Aim:
    growth = ratio([each[-1].resident_bytes for each in samples], [each[0].resident_bytes for each in samples])
    first, last = samples[0][0].fanouts_count, samples[0][-1].fanouts_count
    what = f"memory after {last:,} fanouts / after {first:,}, {name.partition(', ')[2]}"
    return Aim(what, growth, GROWTH_AIM, is_least=False)


SCENARIO = Scenario(
    name="steady_memory",
    title="Memory over many fanouts",
    question="Does a worker grow with what it has done? It handles small fanouts with one subscriber, 256 at a time, "
    "and its memory is read after every tenth of them.",
    contestants={
        BACKGROUND: "nobody takes the copies from their queue",
        FOREGROUND: "a receiver completes every copy, and the worker gathers the answers",
    },
    run=run,
    plots=[Plot(MEMORY, "fanouts handled")],
)
