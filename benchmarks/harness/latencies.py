"""Small jobs published by the clock meanwhile, and the latency of each of them, to choose from."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from harness import programs
from harness.sites import Site

ENDLESS_COUNT = 1_000_000


class Answered(NamedTuple):
    """A job by the monotonic clock: when it was due, and how long after that its answer came."""

    due_s: float
    latency_s: float

    @property
    def answered_s(self) -> float:
        return self.due_s + self.latency_s


@contextmanager
def publishing(site: Site, bodies: Path, per_s: float, *options: object) -> Iterator[list[Answered]]:
    """Publishes by the clock for as long as the body lasts; the list is filled after it, in the order of submission.

    Raises RuntimeError unless every job was answered as expected. A job has its latency counted from the moment at
    which it was due, so that a stall is counted against all that it delays.
    """
    log = site.folder / f"{bodies.name}.latencies"
    all_options = ("-c", ENDLESS_COUNT, "-i", 1e6 / per_s, "-l", log, *options)
    publisher = programs.start_publishing(site.port, bodies, *all_options)
    answered: list[Answered] = []
    try:
        yield answered
        publisher.process.terminate()  # it waits for the answers that it still has to get
        publisher.published().check()
        answered += read(log)
    finally:
        publisher.kill()


def read(log: Path) -> list[Answered]:
    """What `publish -l` has written."""
    return [Answered(*map(float, line.split())) for line in log.read_text().splitlines()]


def publish_one(site: Site, bodies: Path, *options: object) -> Answered:
    log = site.folder / f"{bodies.name}.latencies"
    site.publish(bodies, "-c", 1, "-l", log, *options)
    return read(log)[0]


def percentile_ms(answered: Sequence[Answered], share: float) -> float:
    """Raises RuntimeError where there is nothing to take it of."""
    if not answered:
        raise RuntimeError("none of the small jobs fell into what was to be measured")
    ordered = sorted(one.latency_s for one in answered)
    return ordered[int((len(ordered) - 1) * share)] * 1e3
