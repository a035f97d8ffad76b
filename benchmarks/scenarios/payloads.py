"""Payloads from 100 bytes to a megabyte: bytes per second, and the worker's memory meanwhile."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from contestants.copy_race import BLAST_DIFFERENCE
from harness import admin, memory_peaks, programs, sites
from harness.bursts import Bursts
from harness.rounds import ratio, sum_up, take_turns
from harness.scenario import OURS, Aim, Outcome, Pace, Plot, Scenario, Series, Turn
from harness.sites import Setup

BLAST = "blast in C"
LEAST_OF_BLAST, MOST_GROWTH_MB = 0.8, 64.0
RATE_UNIT, MEMORY_UNIT = "MB/s", "MB more at the peak"


@dataclass(frozen=True, slots=True)
class Size:
    payload_bytes: int
    point: str
    fanout_count: int  # the median of them counts
    blast_window: int  # the fastest, as far as one can tell: it makes little difference
    subscriber_count: int = 1_000

    @property
    def bursts(self) -> Bursts:
        return Bursts(self.subscriber_count, self.fanout_count, self.payload_bytes)

    def mb_per_s(self, copies_per_s: float) -> float:
        return copies_per_s * self.payload_bytes / 1e6


# The last one leaves a gigabyte in gearmand's memory, and another one in the blast's.
SIZES = (Size(100, "100 B", 10, 4096), Size(10_000, "10 kB", 5, 256), Size(1_000_000, "1 MB", 1, 64))
QUICK_SIZES = (Size(100, "100 B", 3, 4096), Size(1_000_000, "1 MB", 1, 64, subscriber_count=50))


class Contest:
    """Both contestants with one size. Notes the worker's growth in every round, in MB."""

    def __init__(self, setup: Setup, size: Size) -> None:
        self._setup = setup
        self._size = size
        self._bursts = size.bursts
        self.growths_mb: list[float] = []

    def turns(self) -> Mapping[str, Turn]:
        return {OURS: self._measure_worker, BLAST: self._measure_blast}

    def _measure_worker(self) -> float:
        bursts = self._bursts
        with sites.open_site(self._setup) as site:
            bursts.prepare(site, is_warm=True)
            with memory_peaks.watch(site.worker.pid) as watched:
                published = bursts.publish(site.folder, site.port)
            self.growths_mb.append(watched.growth_bytes / 1e6)
            admin.check_copies(site.port, bursts.queues, 1)
        return self._size.mb_per_s(bursts.copies_per_s(published))

    def _measure_blast(self) -> float:
        bursts, window = self._bursts, self._size.blast_window
        with sites.open_gearmand(self._setup) as (folder, port):
            rate = programs.blast(port, bursts.write_queues(folder), bursts.payload_bytes, window, bursts.count)
            admin.check_copies(port, bursts.queues, 1)
        return self._size.mb_per_s(rate)


def run(pace: Pace) -> Outcome:
    series: list[Series] = []
    aims: list[Aim] = []
    for size in QUICK_SIZES if pace.is_quick else SIZES:
        contest = Contest(pace.setup, size)
        measured = take_turns(contest.turns(), pace.round_count)
        series += _series(size, measured, contest.growths_mb)
        share = ratio(measured[OURS], measured[BLAST])
        aims.append(Aim(f"MB/s beside the {BLAST}, payload of {size.point}", share, LEAST_OF_BLAST))
    what = f"growth of the worker by {size.subscriber_count:,} copies of {size.point}"
    aims.append(Aim(what, sum_up(contest.growths_mb), MOST_GROWTH_MB, is_least=False, unit="MB"))
    return Outcome(series, aims)


def _series(size: Size, measured: Mapping[str, Sequence[float]], growths_mb: Sequence[float]) -> Sequence[Series]:
    rates = [Series(name, size.point, RATE_UNIT, figures) for name, figures in measured.items()]
    return [*rates, Series(OURS, size.point, MEMORY_UNIT, growths_mb)]


SCENARIO = Scenario(
    name="payloads",
    title="Large payloads",
    question="A background fanout to 1,000 subscribers with payloads of 100 bytes, 10 kB and 1 MB: how many bytes "
    "reach the queues in a second, and how much more memory than before has the worker at the peak? It has 4 MB on "
    "their way at a time, and the gigabyte of all copies never in its own memory.",
    contestants={
        OURS: "the list is in the worker's memory. Its memory is the kernel's own count of the peak",
        BLAST: BLAST_DIFFERENCE,
    },
    run=run,
    plots=[Plot(RATE_UNIT, is_log=True), Plot(MEMORY_UNIT)],
)
