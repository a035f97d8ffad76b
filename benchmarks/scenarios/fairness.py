"""Small fanouts while one to 100,000 subscribers goes out in the same worker."""

import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from harness import latencies, lists, rounds, sites
from harness.latencies import Answered
from harness.scenario import Aim, Outcome, Pace, Plot, Scenario, Series
from harness.topics import Topic

SMALL = Topic("small", 3)
PAYLOAD_BYTES = 100
WARM_UP_COUNT = 500
REST_S = 0.3
STALL_S, LOG_CHARACTERS = 5.0, 2000
P99_AIM_MS, TIMES_AIM = 15.0, 1.2
FOUR_THREADS, NO_THREADS = "gearhorn, gearmand with 4 threads", "gearhorn, gearmand with --threads=0"
COLD = "gearhorn, 4 threads, the list read from the store each time"


@dataclass(frozen=True, slots=True)
class Size:
    subscriber_count: int = 100_000
    giant_count: int = 3  # pairs of giants per round, one alone and one beside small ones
    small_per_s: float = 200


@dataclass(slots=True)
class Measured:
    """What one round saw: the small ones that were answered before a giant came, those due while it went out, and how
    long it took, alone and beside them.
    """

    at_rest: list[Answered] = field(default_factory=list)
    beside: list[Answered] = field(default_factory=list)
    giant_alone_s: list[float] = field(default_factory=list)
    giant_beside_s: list[float] = field(default_factory=list)

    @property
    def giant_times(self) -> float:
        return statistics.median(self.giant_beside_s) / statistics.median(self.giant_alone_s)


Rounds = dict[str, list[Measured]]


class Stage:
    """One site in which giants and small ones meet."""

    def __init__(self, site: sites.Site, giant: Topic, size: Size) -> None:
        self._site = site
        self._giant = giant
        self._size = size
        self._giant_body = giant.write_fanout(site.folder, PAYLOAD_BYTES, background=True)
        self._small_body = SMALL.write_fanout(site.folder, PAYLOAD_BYTES, background=True)

    def warm_up(self) -> None:
        """After this the worker has the lists, and gearmand knows all queues: all giants find it in one state."""
        self._site.publish(self._small_body, "-c", WARM_UP_COUNT, "-w", 16, "-e", SMALL.subscriber_count)
        self._publish_giant()

    def measure(self) -> Measured:
        measured = Measured()
        for _ in range(self._size.giant_count):
            measured.giant_alone_s.append(self._publish_giant().latency_s)
            self._measure_beside(measured)
        return measured

    def _publish_giant(self) -> Answered:
        return latencies.publish_one(self._site, self._giant_body, "-e", self._giant.subscriber_count)

    def _measure_beside(self, measured: Measured) -> None:
        per_s, expected = self._size.small_per_s, SMALL.subscriber_count
        with latencies.publishing(self._site, self._small_body, per_s, "-e", expected) as small:
            time.sleep(REST_S)
            giant = self._publish_giant()
        measured.giant_beside_s.append(giant.latency_s)
        self._explain(max(one.latency_s for one in small))
        measured.at_rest += [one for one in small if one.answered_s < giant.due_s]
        measured.beside += [one for one in small if giant.due_s <= one.due_s <= giant.answered_s]

    def _explain(self, longest_s: float) -> None:
        """A stall of seconds is no matter of fairness: the logs may tell what happened."""
        if longest_s > STALL_S:
            server_log = (self._site.folder / "gearmand" / "log").read_text(errors="replace")
            logs = f"{self._site.worker.log[-LOG_CHARACTERS:]}\n{server_log[-LOG_CHARACTERS:]}"
            print(f"a small fanout took {longest_s:.1f} s; the logs end with:\n{logs}", file=sys.stderr, flush=True)


def run(pace: Pace) -> Outcome:
    size = Size(20_000, 2, 1_000) if pace.is_quick else Size()
    keeps_lists = pace.setup.store != "memory"  # over the restart of the worker that COLD begins with
    by_threads = {4: [FOUR_THREADS, COLD] if keeps_lists else [FOUR_THREADS], 0: [NO_THREADS]}
    measured: Rounds = {name: [] for names in by_threads.values() for name in names}
    for turn in range(pace.round_count):
        for threads_count, names in by_threads.items():
            _measure_threads(pace.setup, threads_count, size, {name: measured[name] for name in names})
        _say(turn, pace.round_count, measured)
    return Outcome(_series(measured), _aims(measured[FOUR_THREADS]), _remarks(measured, size))


def _measure_threads(setup: sites.Setup, threads_count: int, size: Size, into: Rounds) -> None:
    """The first of `into` is measured with the list in the worker's memory, the second one without."""
    giant = Topic("giant", size.subscriber_count)
    with sites.open_site(replace(setup, threads_count=threads_count)) as site:
        lists.fill(site, giant)
        site.subscribe(SMALL)
        for name, figures in into.items():
            if name == COLD:
                _restart_without_room(site, giant)
            stage = Stage(site, giant, size)
            stage.warm_up()
            figures.append(stage.measure())


def _restart_without_room(site: sites.Site, giant: Topic) -> None:
    """From now on the worker has no room in memory for the giant's list, but for that of the small ones."""
    worker = site.worker
    worker.stop()
    config = _write_config(site.folder, giant.subscriber_count // 2)
    worker.argv += ["--config-file", str(config)]
    worker.start()


def _write_config(folder: Path, cache_subscribers: int) -> Path:
    path = folder / "small-cache.conf"
    path.write_text(f"[matchmaking]\ncache_subscribers = {cache_subscribers}\n")
    return path


def _series(measured: Rounds) -> list[Series]:
    columns: list[tuple[str, str, Callable[[Measured], float]]] = [
        ("at rest, p50", "ms", lambda one: latencies.percentile_ms(one.at_rest, 0.5)),
        ("at rest, p99", "ms", lambda one: latencies.percentile_ms(one.at_rest, 0.99)),
        ("beside the giant, p50", "ms", lambda one: latencies.percentile_ms(one.beside, 0.5)),
        ("beside the giant, p99", "ms", lambda one: latencies.percentile_ms(one.beside, 0.99)),
        ("beside the giant, longest", "ms", lambda one: latencies.percentile_ms(one.beside, 1)),
        ("giant alone", "s", lambda one: statistics.median(one.giant_alone_s)),
        ("giant beside small ones", "s", lambda one: statistics.median(one.giant_beside_s)),
        ("giant beside small ones / alone", "times", lambda one: one.giant_times),
    ]
    return [
        Series(name, point, unit, [figure(one) for one in figures])
        for point, unit, figure in columns
        for name, figures in measured.items()
    ]


def _aims(warm: Sequence[Measured]) -> list[Aim]:
    p99 = rounds.sum_up([latencies.percentile_ms(one.beside, 0.99) for one in warm])
    times = rounds.sum_up([one.giant_times for one in warm])
    return [
        Aim("p99 of small fanouts beside the giant, gearmand with 4 threads", p99, P99_AIM_MS, False, "ms"),
        Aim("the giant's time beside small fanouts / alone, gearmand with 4 threads", times, TIMES_AIM, False),
    ]


def _remarks(measured: Rounds, size: Size) -> list[str]:
    counts = {name: [len(one.beside) for one in figures] for name, figures in measured.items()}
    told = "; ".join(f"{name}: {min(each):,}–{max(each):,}" for name, each in counts.items())
    return [
        f"The small ones have {SMALL.subscriber_count} subscribers and are published by the clock, "
        f"{size.small_per_s:g} a second; those count that were due while a giant went out. Counted in a round: {told}.",
        f"A round has {size.giant_count} giants of {size.subscriber_count:,} copies alone and as many beside small "
        "ones, in turn, on one server, after one that made all queues known to it: so both find it in the same state.",
        "The lists were put into the store by the service's store code, not by subscribe jobs.",
    ]


def _say(turn: int, round_count: int, measured: Rounds) -> None:
    for name, figures in measured.items():
        one = figures[-1]
        p50, p99 = (latencies.percentile_ms(one.beside, share) for share in (0.5, 0.99))
        told = f"{len(one.beside)} small ones p50 {p50:.1f} ms, p99 {p99:.1f} ms, giant {one.giant_times:.2f} times"
        print(f"round {turn + 1}/{round_count}  {name}: {told}", file=sys.stderr, flush=True)


SCENARIO = Scenario(
    name="fairness",
    title="Small fanouts beside a giant one",
    question="How long do small background fanouts take while one to 100,000 subscribers goes out in the same worker, "
    "and how much longer does that one take for them?",
    contestants={
        FOUR_THREADS: "The giant's list is in the worker's memory. gearmand with the I/O threads of its default.",
        NO_THREADS: "The same with a gearmand that does everything in one thread.",
        COLD: "The worker has no room for the giant's list (`cache_subscribers`) and reads it for each giant.",
    },
    run=run,
    plots=(Plot("ms", is_log=True), Plot("s")),
)
