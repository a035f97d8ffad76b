"""What it costs to be watched over: metrics that are asked for, health, the watchdog, and a log in JSON."""

import contextlib
import shlex
import signal
import statistics
import sys
import tempfile
import threading
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import inside
from harness import lists, sites
from harness.rounds import ratio
from harness.scenario import OURS, Aim, Outcome, Pace, Plot, Scenario, Series
from harness.topics import Topic

from tests.servers.process import free_port, wait_until

ALONE = "gearhorn, not watched"
LEAST_SHARE = 0.95
PAYLOAD_BYTES = 100
WORKER = Path(inside.__file__).with_name("sometimes_watched.py")
PAGES = ("metrics", "readyz", "livez")
# Prometheus asks four times a minute as it comes.
ASKED_EVERY_S = 1.0
TICK_S = 0.05


@dataclass(frozen=True, slots=True)
class Load:
    """So many pairs of turns; in each so many fanouts, with so many not answered at a time."""

    name: str
    subscriber_count: int
    fanout_count: int
    in_flight_count: int
    pair_count: int


LOADS = (Load("intake", 3, 20_000, 256, 10), Load("copies", 10_000, 40, 2, 10))
QUICK_LOADS = (Load("intake", 3, 2_000, 256, 2), Load("copies", 10_000, 5, 2, 2))


@dataclass(frozen=True, slots=True)
class Taken:
    """Of one turn: fanouts per second, and what one of them took of the worker's processor time."""

    rate: float
    processor_us: float


def measure(setup: sites.Setup, load: Load) -> Mapping[str, list[Taken]]:
    """Copies stay in their queues: all fanouts after the first ones find these."""
    topic = Topic("news", load.subscriber_count)
    with (
        tempfile.TemporaryDirectory(prefix="gearhorn-benchmark-") as folder,
        _open_site(setup, Path(folder)) as place,
        Asker(place.port) as asker,
    ):
        lists.fill(place.site, topic)
        body = topic.write_fanout(place.site.folder, PAYLOAD_BYTES, background=True)
        taken: dict[str, list[Taken]] = {ALONE: [], OURS: []}
        for number in range(load.pair_count + 1):  # the first pair warms up
            for name, each in taken.items():
                place.turn_to("watched" if name == OURS else "alone")
                with asker.wanted() if name == OURS else contextlib.nullcontext():
                    one = _publish(place.site, body, load)
                each += [one] if number else []
    return taken


@dataclass(frozen=True, slots=True)
class Place:
    """A site whose worker takes turns, and has its pages on `port`."""

    site: sites.Site
    folder: Path
    port: int

    def turn_to(self, turn: str) -> None:
        file = self.folder / "turn"
        wait_until(file.exists, "the worker's first turn")
        if file.read_text() != turn:
            self.site.worker.signal(signal.SIGUSR1)
            wait_until(lambda: file.read_text() == turn, "the worker's turn")


@contextlib.contextmanager
def _open_site(setup: sites.Setup, folder: Path) -> Iterator[Place]:
    port = free_port()
    settings = folder / "watched.conf"
    settings.write_text(f"[metrics]\nlisten = 127.0.0.1:{port}\n")
    command = f"{shlex.quote(sys.executable)} {shlex.quote(str(WORKER))} {shlex.quote(str(folder))} worker"
    options = (*setup.worker_options, "--config-file", str(settings))
    with sites.open_site(replace(setup, worker=command, worker_options=options)) as site:
        yield Place(site, folder, port)


def _publish(site: sites.Site, body: Path, load: Load) -> Taken:
    before_s = site.worker.processor_s()
    published = site.publish(body, "-c", load.fanout_count, "-w", load.in_flight_count, "-e", load.subscriber_count)
    spent_s = site.worker.processor_s() - before_s
    return Taken(published.rate, spent_s / load.fanout_count * 1e6)


class Asker:
    """Asks for all pages, once in each second of the turns in which it is to: turns are shorter than that."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._is_over = threading.Event()
        self._is_wanted = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    @contextlib.contextmanager
    def wanted(self) -> Iterator[None]:
        self._is_wanted.set()
        try:
            yield
        finally:
            self._is_wanted.clear()

    def _run(self) -> None:
        waited_s = 0.0
        while not self._is_over.wait(TICK_S):
            waited_s += TICK_S * self._is_wanted.is_set()
            if waited_s >= ASKED_EVERY_S:
                waited_s = 0.0
                for page in PAGES:
                    with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/{page}", timeout=10) as answer:
                        answer.read()


def run(pace: Pace) -> Outcome:
    series: list[Series] = []
    aims: list[Aim] = []
    notes: list[str] = []
    for load in QUICK_LOADS if pace.is_quick else LOADS:
        rounds = [measure(pace.setup, load) for _ in range(pace.round_count)]
        rates = {name: [_middle(one.rate for one in each[name]) for each in rounds] for name in rounds[0]}
        point = f"{load.name}: {load.subscriber_count:,} subscribers"
        series += [Series(name, point, "fanouts/s", each) for name, each in rates.items()]
        aims.append(Aim(f"fanouts/s beside one not watched, {point}", ratio(rates[OURS], rates[ALONE]), LEAST_SHARE))
        spent = {name: _middle(one.processor_us for each in rounds for one in each[name]) for name in rounds[0]}
        notes.append(
            f"{point}: a fanout takes {spent[OURS]:.1f} µs of the worker's processor time when watched, "
            f"{spent[ALONE]:.1f} µs when not."
        )
        print(notes[-1], {name: [round(rate) for rate in each] for name, each in rates.items()}, file=sys.stderr)
    return Outcome(series, aims, notes)


def _middle(figures: Iterator[float]) -> float:
    return statistics.median(figures)


SCENARIO = Scenario(
    name="watched",
    title="Being watched over",
    question="A worker counts and times what it does, is asked for its metrics and its health each second, feeds "
    "systemd's watchdog and logs in JSON. What does all that cost? One worker does it in turns; so the two are "
    "measured in one process, on the same server and with the same list.",
    contestants={OURS: "everything on", ALONE: "counts nothing, is asked nothing, and logs text"},
    run=run,
    plots=[Plot("fanouts/s")],
)
