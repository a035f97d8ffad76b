"""Small background fanouts per second through one worker process."""

import statistics
from collections.abc import Mapping
from pathlib import Path

from contestants import copying_worker
from harness import admin, programs, sites
from harness.rounds import ratio, take_turns
from harness.scenario import OURS, Aim, Outcome, Pace, Plot, Scenario, Series, Turn
from harness.sites import Setup
from harness.topics import Topic

LIMIT = "worker in C"
SUBSCRIBER_COUNTS = (1, 3, 10)
FANOUT_COUNT, QUICK_FANOUT_COUNT = 30_000, 2_000
WARM_UP_COUNT = 1_000
IN_FLIGHT_COUNT = 256  # fanouts that the publisher has not had an answer to
GRAB_COUNT = 64  # in flight, of the worker in C: as many as ours has
PAYLOAD_BYTES = 100
LEAST_AIM = 0.5
UNIT = "fanouts/s"
# Taken by hand: a worker's functions called with prepared input, in a process of their own on an idle machine.
PROFILE = (
    "Measured function by function on an idle machine, a fanout to 3 takes 13 µs: 1.5 to read the job, 0.5 its "
    "body, 0.7 the list, 2.6 to make the fanout, 4 to encode the copies and hand them on, 4 to read the "
    "confirmations and to answer. It is Python's pace, spread thin: no function has more than a tenth. The rest, up "
    "to what is told above, is the price of sharing two hardware threads with gearmand and the publisher, and 1 µs "
    "of system calls. With 10 subscribers gearmand is the limit."
)


class Intake:
    """Fanouts to one topic, with the queues known to the server and the list in the worker's memory."""

    def __init__(self, setup: Setup, subscriber_count: int, fanout_count: int) -> None:
        self._setup = setup
        self._topic = Topic("news", subscriber_count)
        self._fanout_count = fanout_count
        self.processor_us: list[float] = []  # of the worker, for each fanout; one figure a round

    def turns(self) -> Mapping[str, Turn]:
        return {OURS: self._measure_ours, LIMIT: self._measure_limit}

    def _measure_ours(self) -> float:
        with sites.open_site(self._setup) as site:
            site.subscribe(self._topic)
            before_s = site.worker.processor_s()
            rate = self._publish(site.port, site.folder)
            spent_s = site.worker.processor_s() - before_s
            self.processor_us.append(spent_s / (WARM_UP_COUNT + self._fanout_count) * 1e6)
            return rate

    def _measure_limit(self) -> float:
        with sites.open_gearmand(self._setup) as (folder, port):
            names = self._topic.write_queues(folder)
            with copying_worker.open_worker(port, names, folder / "worker", GRAB_COUNT):
                return self._publish(port, folder)

    def _publish(self, port: int, folder: Path) -> float:
        """Publishes twice, the first time to warm up. Every copy must then be there."""
        body = self._topic.write_fanout(folder, PAYLOAD_BYTES, background=True)
        common = ("-w", IN_FLIGHT_COUNT, "-e", self._topic.subscriber_count)
        programs.publish(port, body, "-c", WARM_UP_COUNT, *common).check()
        published = programs.publish(port, body, "-c", self._fanout_count, *common).check()
        admin.check_copies(port, self._topic.queues, WARM_UP_COUNT + self._fanout_count)
        return published.rate


def run(pace: Pace) -> Outcome:
    series: list[Series] = []
    aims: list[Aim] = []
    processor_us: list[str] = []
    for count in SUBSCRIBER_COUNTS:
        intake = Intake(pace.setup, count, QUICK_FANOUT_COUNT if pace.is_quick else FANOUT_COUNT)
        measured = take_turns(intake.turns(), pace.round_count)
        processor_us.append(f"{statistics.median(intake.processor_us):.0f}")
        point = f"{count} subscriber" if count == 1 else f"{count} subscribers"
        series += [Series(name, point, UNIT, figures) for name, figures in measured.items()]
        aims.append(Aim(f"fanouts/s beside the {LIMIT}, {point}", ratio(measured[OURS], measured[LIMIT]), LEAST_AIM))
    counts = ", ".join(map(str, SUBSCRIBER_COUNTS))
    spent = f"A fanout to {counts} subscribers costs the worker {', '.join(processor_us)}"
    return Outcome(series, aims, [f"{spent} µs of processor time."])


SCENARIO = Scenario(
    name="intake",
    title="Small fanouts per second",
    question="How many background fanouts with few subscribers does one worker process take? They are published as "
    "foreground jobs, 256 in flight, from the first submission to the last answer. Nobody takes the copies from their "
    "queues: waiting jobs cost gearmand memory, but no time.",
    contestants={OURS: "lists in memory", LIMIT: copying_worker.DIFFERENCE},
    run=run,
    plots=[Plot(UNIT)],
    profile=[PROFILE],
)
