"""Copies per second of one background fanout, by the number of subscribers."""

import statistics
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from contestants import copy_race, copying_worker, gear_loop, rabbitmq, redis_lists
from contestants.copy_race import Race
from harness.bursts import Bursts
from harness.rounds import ratio, take_turns
from harness.scenario import OURS, Aim, Outcome, Pace, Plot, Scenario, Series, Turn

COLD = f"{OURS}, list not in memory"
WORKER_IN_C = "worker in C"
BLAST, LIBGEARMAN, FREEING = "blast in C", "libgearman", "libgearman, tasks freed"
GEAR, RABBITMQ = "gear.Client in a loop", "RabbitMQ fanout exchange"
RAW_REDIS, PY_REDIS = "Redis RPUSH, raw pipeline", "Redis RPUSH, redis-py"
UNIT = "copies/s"

# Subscribers beyond which a contestant takes too long.
LIBGEARMAN_LIMIT, RABBITMQ_LIMIT, GEAR_LIMIT = 10_000, 10_000, 1_000
AIM_COUNT, LIBGEARMAN_TIMES_AIM, RABBITMQ_TIMES_AIM = 10_000, 30.0, 5.0
RABBITMQ_MESSAGE_COUNT = 5  # the median of them: the first is slower than the others


@dataclass(frozen=True, slots=True)
class Size:
    """A round's figure is the median over `server_count` servers of the median over `fanout_count` fanouts on each."""

    subscriber_count: int
    fanout_count: int = 1
    server_count: int = 1
    least_of_blast: float = 0.85

    @property
    def point(self) -> str:
        return f"{self.subscriber_count:,} subscribers"


SIZES = (Size(100, 30, 3, 0.6), Size(1_000, 10, 3), Size(10_000, 1, 3), Size(100_000))
QUICK_SIZES = (Size(100, 10, 1, 0.6), Size(1_000, 2))

# Found out by hand, with strace, perf and trials; figures of the machine that the page names.
PROFILE = (
    "**100 and 1,000 subscribers**: a fanout has a fixed part of half a millisecond, beside copies that take 0.2 "
    "and 2. 0.15 ms of it go through gearmand and back, which the worker in C pays as well. The rest is Python that "
    "was just woken: between the read of the job and the first byte of its copies 0.3 to 0.4 ms pass without a "
    "system call, and as much between the last confirmation and the answer, where the same code takes some 20 µs "
    "when it runs again and again; presumably the processor's caches have been gearmand's meanwhile. Beginning with "
    "a few copies, to wake the server while the others are being built, changed nothing.",
    "**100,000 subscribers**: gearmand finds queues more and more slowly, so that its answers trickle in, a dozen "
    "at a time, and each read costs the worker some 30 µs: 320 to 540 ms of processor time for a fanout of 0.7 to 1 "
    "s, on two hardware threads that gearmand needs both. Draining the window costs another 0.4 ms of every 6; "
    "without that small fanouts would wait for the giant's end. Tried and given up: letting answers gather for half "
    "of a window (processor time 90 ms instead of 460, and yet 0.75 of the blast instead of 0.85, because the "
    "server then idles until a timer fires); telling the kernel to wake us for many bytes only (with SO_RCVLOWAT "
    "connections stood still for ever); refilling before the window is empty (0.03 more, but gearmand may never "
    "serve anybody else).",
)

Measured = Mapping[str, Sequence[float]]


def run(pace: Pace) -> Outcome:
    sizes = QUICK_SIZES if pace.is_quick else SIZES
    races = {size: Race(pace.setup, Bursts(size.subscriber_count, size.fanout_count)) for size in sizes}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gearhorn-benchmark-")))
        broker = stack.enter_context(rabbitmq.open_rabbitmq(folder / "rabbitmq"))
        measured = {size: take_turns(_contestants(size, races[size], broker), pace.round_count) for size in sizes}
    return Outcome(
        [series for size in sizes for series in _series(size, measured[size])],
        [aim for size in sizes for aim in _aims(size, measured[size])],
        [_tell_start(sizes[0], races[sizes[0]], measured[sizes[0]])],
    )


def _contestants(size: Size, race: Race, broker: rabbitmq.RabbitMQ) -> Mapping[str, Turn]:
    turns: dict[str, Turn] = {
        OURS: _repeat(lambda: race.worker(is_warm=True), size.server_count),
        BLAST: _repeat(race.blast, size.server_count),
        WORKER_IN_C: _repeat(race.worker_in_c, size.server_count),
        COLD: lambda: race.worker(is_warm=False),
        **_rivals(size, race),
        RAW_REDIS: lambda: race.redis(redis_lists.push_raw),
        PY_REDIS: lambda: race.redis(redis_lists.push_by_pipeline),
    }
    if size.subscriber_count <= RABBITMQ_LIMIT:
        fanout = _bind(size, broker)
        turns[RABBITMQ] = lambda: fanout.copies_per_s(max(size.fanout_count, RABBITMQ_MESSAGE_COUNT))
    return turns


def _rivals(size: Size, race: Race) -> Mapping[str, Turn]:
    """Those of the others who speak Gearman, as far as they can keep up."""
    turns: dict[str, Turn] = {}
    if size.subscriber_count <= LIBGEARMAN_LIMIT:
        turns[LIBGEARMAN] = lambda: race.libgearman(frees_tasks=False)
        turns[FREEING] = lambda: race.libgearman(frees_tasks=True)
    if size.subscriber_count <= GEAR_LIMIT:
        turns[GEAR] = race.gear_loop
    return turns


def _repeat(turn: Turn, count: int) -> Turn:
    return lambda: statistics.median(turn() for _ in range(count))


def _bind(size: Size, broker: rabbitmq.RabbitMQ) -> rabbitmq.Fanout:
    bursts = Bursts(size.subscriber_count)
    exchange = f"news{size.subscriber_count}"
    return rabbitmq.Fanout(broker, exchange, bursts.write_queues(broker.folder), bursts.payload_bytes)


def _series(size: Size, measured: Measured) -> Sequence[Series]:
    return [Series(name, size.point, UNIT, figures, size.subscriber_count) for name, figures in measured.items()]


def _aims(size: Size, measured: Measured) -> Sequence[Aim]:
    wanted = {BLAST: size.least_of_blast}
    if size.subscriber_count == AIM_COUNT:
        wanted |= {LIBGEARMAN: LIBGEARMAN_TIMES_AIM, RABBITMQ: RABBITMQ_TIMES_AIM}
    return [
        Aim(f"copies/s beside {name}, {size.point}", ratio(measured[OURS], measured[name]), least)
        for name, least in wanted.items()
    ]


def _tell_start(size: Size, race: Race, measured: Measured) -> str:
    """How much of the blast's rate is left to who must first be asked, and answer in the end."""
    nobody_s = statistics.median(race.nobody_s)
    blast_s = size.subscriber_count / statistics.median(measured[BLAST])
    return (
        f"A fanout to nobody takes {nobody_s * 1e6:,.0f} µs, from the publisher through gearmand to the worker and "
        f"back; the blast's {size.subscriber_count} copies take {blast_s * 1e6:,.0f} µs. Were the copies as fast as "
        f"those, a fanout to {size.point} would come to {blast_s / (nobody_s + blast_s):.2f} of the blast's rate."
    )


SCENARIO = Scenario(
    name="copy_rate",
    title="Copies per second of one fanout",
    question="One background fanout: how fast do its copies get to the queues of its subscribers, from its submission "
    "until it is answered with their number? The queues are new to the server. With few subscribers a figure is the "
    "median of many fanouts, each to queues of its own. (A Redis or RabbitMQ queue costs the same however many there "
    "are; gearmand slows down from some ten thousand on, which shows with 100,000.)",
    contestants={
        OURS: "the list is in the worker's memory, as it is from the second fanout to a topic on",
        COLD: "the first fanout to the topic: its list is read from the store within the time",
        BLAST: copy_race.BLAST_DIFFERENCE,
        WORKER_IN_C: copying_worker.DIFFERENCE,
        LIBGEARMAN: f"{copy_race.LIBGEARMAN_DIFFERENCE}. {copy_race.AS_IT_COMES}",
        FREEING: copy_race.FREEING,
        GEAR: gear_loop.DIFFERENCE,
        RABBITMQ: rabbitmq.FANOUT_DIFFERENCE,
        RAW_REDIS: redis_lists.RAW_DIFFERENCE,
        PY_REDIS: redis_lists.PIPELINE_DIFFERENCE,
    },
    run=run,
    plots=[Plot(UNIT, "subscribers", is_log=True)],
    profile=PROFILE,
)
