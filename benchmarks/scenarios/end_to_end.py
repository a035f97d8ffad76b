"""How long it takes from a publish until the last receiver is done, and how much goes through with many in flight."""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from contestants.nats import open_nats
from contestants.rabbitmq import open_rabbitmq
from contestants.redis_pubsub import open_redis
from harness import deliveries
from harness.deliveries import Delivered
from harness.rounds import ratio, take_turns
from harness.scenario import Aim, Outcome, Pace, Plot, Scenario, Series
from harness.topics import Topic

from tests.servers.process import ServerProcess

BACKGROUND, FOREGROUND = "gearhorn, background", "gearhorn, foreground"
RABBITMQ, REDIS, NATS = "RabbitMQ, fanout exchange", "Redis, pub/sub", "NATS core"
IN_FLIGHT_COUNT = 16
P50, P99 = "p50 ms, one publish at a time", "p99 ms, one publish at a time"
RATE = f"deliveries/s, {IN_FLIGHT_COUNT} publishes in flight"

MODES = {BACKGROUND: "background", FOREGROUND: "foreground"}
PEERS: Mapping[str, tuple[Callable[[Path], AbstractContextManager[ServerProcess]], Sequence[object]]] = {
    RABBITMQ: (open_rabbitmq, ["amqp_receivers"]),
    REDIS: (open_redis, ["text_receivers", "-k", "redis"]),
    NATS: (open_nats, ["text_receivers", "-k", "nats"]),
}


@dataclass(frozen=True, slots=True)
class Size:
    """How many receivers, how many messages, and what is wanted beside RabbitMQ: of the median latency, of the rate."""

    receiver_count: int
    message_count: int
    in_flight_message_count: int
    latency_aim: float
    rate_aim: float


SIZES = (Size(100, 300, 1_000, 1.0, 2.0), Size(800, 300, 300, 0.5, 4.0))
QUICK_SIZES = (Size(100, 50, 100, 1.0, 2.0),)


@dataclass(frozen=True, slots=True)
class Figures:
    alone: Delivered
    in_flight: Delivered

    def of(self, unit: str) -> float:
        return {P50: self.alone.p50_ms, P99: self.alone.p99_ms, RATE: self.in_flight.per_s}[unit]


def measure_both(deliver: Callable[..., Delivered], size: Size) -> Figures:
    """One after the other, each after a tenth of its messages as a warm-up."""
    alone = deliver("-c", size.message_count, "-u", size.message_count // 10)
    count = size.in_flight_message_count
    return Figures(alone, deliver("-c", count, "-u", count // 10, "-w", IN_FLIGHT_COUNT))


def measure_gearhorn(name: str, size: Size, pace: Pace) -> Figures:
    with deliveries.open_receivers(pace.setup, Topic("news", size.receiver_count)) as receivers:
        return measure_both(partial(receivers.deliver, MODES[name]), size)


def measure_peer(name: str, size: Size) -> Figures:
    open_server, (program, *options) = PEERS[name]
    deliveries.raise_file_limit(size.receiver_count)
    with tempfile.TemporaryDirectory(prefix="gearhorn-benchmark-") as folder, open_server(Path(folder)) as server:
        deliver = partial(deliveries.deliver, str(program), server.port, *options, "-n", size.receiver_count)
        return measure_both(deliver, size)


def measure_rounds(size: Size, pace: Pace) -> Mapping[str, Sequence[Figures]]:
    measures: dict[str, Callable[[], Figures]] = {
        **{name: partial(measure_gearhorn, name, size, pace) for name in MODES},
        **{name: partial(measure_peer, name, size) for name in PEERS},
    }
    measured: dict[str, list[Figures]] = {name: [] for name in measures}

    def take_turn(name: str) -> float:
        measured[name].append(measures[name]())
        return measured[name][-1].of(P50)

    take_turns({name: partial(take_turn, name) for name in measures}, pace.round_count)
    return measured


def tell_series(size: Size, measured: Mapping[str, Sequence[Figures]]) -> list[Series]:
    point = f"{size.receiver_count:,} receivers"
    return [
        Series(name, point, unit, [figures.of(unit) for figures in rounds])
        for unit in (P50, P99, RATE)
        for name, rounds in measured.items()
    ]


def tell_aims(size: Size, measured: Mapping[str, Sequence[Figures]]) -> list[Aim]:
    ours, theirs = measured[BACKGROUND], measured[RABBITMQ]

    def beside(unit: str) -> Sequence[Sequence[float]]:
        return [[figures.of(unit) for figures in rounds] for rounds in (ours, theirs)]

    who = f"{size.receiver_count:,} receivers, background beside RabbitMQ"
    latency, rate = ratio(*beside(P50)), ratio(*beside(RATE))
    return [
        Aim(f"{who}: median latency, one publish at a time", latency, size.latency_aim, is_least=False),
        Aim(f"{who}: deliveries/s, {IN_FLIGHT_COUNT} in flight", rate, size.rate_aim),
    ]


def run(pace: Pace) -> Outcome:
    measured = {size: measure_rounds(size, pace) for size in (QUICK_SIZES if pace.is_quick else SIZES)}
    series = [each for size, rounds in measured.items() for each in tell_series(size, rounds)]
    return Outcome(series, [aim for size, rounds in measured.items() for aim in tell_aims(size, rounds)])


SCENARIO = Scenario(
    name="end_to_end",
    title="From the publish to the last receiver",
    question="How long does it take from a publish until the last of 100, and of 800, receivers is done with its copy "
    f"of 100 bytes? And how many copies are done per second while {IN_FLIGHT_COUNT} publishes are in flight? Publisher "
    "and receivers have a connection each, and live in one C program with one clock; they share the cores with the "
    "servers.",
    contestants={
        BACKGROUND: "a receiver is a Gearman worker, woken when its queue gets a copy; it is done when it has sent its "
        "WORK_COMPLETE. A publish is in flight until the publisher has its answer, too",
        FOREGROUND: "does more: gathers the answers of all receivers; the time is that until the publisher is told",
        RABBITMQ: "an exchange of type fanout, a transient queue for each receiver, no bound on what is sent ahead. A "
        "receiver is done when it has sent the acknowledgement of this one copy. Does less: the publisher asks for no "
        "confirmation, copies are pushed, the broker is told no result",
        REDIS: "for scale: no queue, no acknowledgement; who is away misses the message. A receiver is done when it "
        "has read it; the publisher is told how many were sent one",
        NATS: "for scale: the same, and the publisher is told nothing",
    },
    run=run,
    plots=[Plot(unit, is_log=True) for unit in (P50, P99, RATE)],
)
