"""A foreground fanout to a thousand receivers, all of whose answers are gathered, beside the same copies sent raw."""

from collections.abc import Callable
from functools import partial

from harness import deliveries
from harness.rounds import ratio, take_turns
from harness.scenario import Aim, Outcome, Pace, Plot, Scenario, Series
from harness.topics import Topic

GEARHORN, RESULTS, RAW = "gearhorn", "gearhorn, passing on results", "raw jobs"
MODES = {GEARHORN: "foreground", RAW: "raw", RESULTS: "results"}
UNIT = "ms until the publisher is told, p50"
RECEIVER_COUNT, QUICK_RECEIVER_COUNT = 1_000, 200
MESSAGE_COUNT, QUICK_MESSAGE_COUNT = 60, 20
AIM = 1.3


def run(pace: Pace) -> Outcome:
    """One site for all rounds: each contestant needs the same receivers and queues, and leaves nothing behind."""
    receiver_count = QUICK_RECEIVER_COUNT if pace.is_quick else RECEIVER_COUNT
    message_count = QUICK_MESSAGE_COUNT if pace.is_quick else MESSAGE_COUNT
    with deliveries.open_receivers(pace.setup, Topic("news", receiver_count)) as receivers:

        def measure_ms(mode: str) -> float:
            return receivers.deliver(mode, "-c", message_count, "-u", message_count // 10).p50_ms

        turns: dict[str, Callable[[], float]] = {name: partial(measure_ms, mode) for name, mode in MODES.items()}
        measured = take_turns(turns, pace.round_count)
    point = f"{receiver_count:,} receivers"
    aim = Aim(
        f"{point}, all answered and gathered, beside raw jobs: median latency",
        ratio(measured[GEARHORN], measured[RAW]),
        AIM,
        is_least=False,
    )
    return Outcome([Series(name, point, UNIT, figures) for name, figures in measured.items()], [aim])


SCENARIO = Scenario(
    name="foreground",
    title="Foreground: all receivers answered and gathered",
    question="How long does it take from a publish that waits for its receivers until the publisher is told that all "
    "of 1,000 have completed their copies? One publish at a time; the publisher and the receivers, with a connection "
    "each, live in one C program with one clock.",
    contestants={
        GEARHORN: "a `fanout` job, answered with the number of receivers that completed",
        RESULTS: 'the same with `"results": true`: does more, one WORK_DATA for each receiver\'s answer',
        RAW: "the limit: the same copies as foreground jobs, all submitted at once over one connection, until the last "
        "WORK_COMPLETE. Does less: knows the names beforehand, reads no JSON and no list, counts the answers without "
        "asking whose they are, and nothing crosses the server twice",
    },
    run=run,
    plots=[Plot(UNIT)],
)
