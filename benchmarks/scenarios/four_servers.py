"""One fanout of 100,000 copies over four gearmands, and over one."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from contestants.copy_race import BLAST_WINDOW
from harness import fleets, programs
from harness.bursts import Bursts
from harness.rounds import ratio, take_turns
from harness.scenario import OURS, Aim, Outcome, Pace, Plot, Scenario, Series
from harness.sites import Setup

SERVER_COUNT = 4
AIM_TIMES = 3.0
UNIT = "copies/s"
ONE, FOUR = f"{OURS}, one gearmand", f"{OURS}, four gearmands"
ONE_BLAST, FOUR_BLASTS = "blast in C, one gearmand", "blasts in C, four gearmands"


def run(pace: Pace) -> Outcome:
    bursts = Bursts(10_000 if pace.is_quick else 100_000)
    turns = {
        FOUR: lambda: _worker_rate(pace.setup, bursts, SERVER_COUNT),
        ONE: lambda: _worker_rate(pace.setup, bursts, 1),
        FOUR_BLASTS: lambda: _blast_rate(pace.setup, bursts, SERVER_COUNT),
        ONE_BLAST: lambda: _blast_rate(pace.setup, bursts, 1),
    }
    measured = take_turns(turns, pace.round_count)
    point = f"{bursts.subscriber_count:,} subscribers"
    aim = Aim(f"four gearmands beside one, {point}", ratio(measured[FOUR], measured[ONE]), AIM_TIMES)
    blasts = ratio(measured[FOUR_BLASTS], measured[ONE_BLAST])
    remark = f"With four gearmands the blasts are {blasts.text('.1f')} times as fast as with one."
    series = [Series(name, point, UNIT, figures) for name, figures in measured.items()]
    return Outcome(series, [] if pace.is_quick else [aim], [remark])


def _worker_rate(setup: Setup, bursts: Bursts, server_count: int) -> float:
    with fleets.open_fleet(setup, server_count) as (site, ports):
        bursts.prepare(site, is_warm=True)
        published = bursts.publish(site.folder, site.port)
        fleets.check_copies(ports, bursts.queues)
        return bursts.copies_per_s(published)


def _blast_rate(setup: Setup, bursts: Bursts, server_count: int) -> float:
    """All at once, each with an equal share of the queues: from the first one's start to the last one's end."""
    with fleets.open_servers(setup, server_count) as ports, tempfile.TemporaryDirectory() as folder:
        blasts = [
            programs.Running("blast", "-p", port, "-n", names, "-s", bursts.payload_bytes, "-w", BLAST_WINDOW)
            for port, names in zip(ports, _write_shares(bursts.queues, server_count, Path(folder)), strict=True)
        ]
        results = [blast.result() for blast in blasts]
        fleets.check_copies(ports, bursts.queues)
    seconds = max(result["ended_s"] for result in results) - min(result["started_s"] for result in results)
    return float(bursts.subscriber_count / seconds)


def _write_shares(queues: Sequence[str], count: int, folder: Path) -> Sequence[Path]:
    files = [folder / f"share{number}" for number in range(count)]
    for number, file in enumerate(files):
        file.write_text("".join(f"{queue}\n" for queue in queues[number::count]))
    return files


SCENARIO = Scenario(
    name="four_servers",
    title="One fanout over four Gearman servers",
    question="A server gets slower with the number of queues that it knows. What do four of them gain, when one worker "
    "shares out a background fanout among them? They share two cores here with everything else.",
    contestants={
        FOUR: "each queue belongs to one of the servers, by a hash of its name; the list is in memory",
        ONE: "the same worker, with one server",
        FOUR_BLASTS: "four of `c/blast.c` at once with a quarter of the queues each: first start to last end",
        ONE_BLAST: "the limit of one server",
    },
    run=run,
    plots=[Plot(UNIT)],
)
