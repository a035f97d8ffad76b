"""What all metrics read at one moment: taken in one go, so that it can be put into words elsewhere."""

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from gearhorn.logs.event import log_for
from gearhorn.logs.events.pages import METRIC_BUG
from gearhorn.metrics import catalogue
from gearhorn.metrics.catalogue import Metric
from gearhorn.metrics.counters import Counters
from gearhorn.metrics.histogram import Histogram
from gearhorn.metrics.meters import MODES, OUTCOMES, RECEIVER_OUTCOMES, Meter

log = log_for(__name__)

Labels = tuple[str, ...]


class Spread(NamedTuple):
    """A histogram as it was: how many took no longer than each bound, infinity being the last; and all seconds."""

    rising: tuple[tuple[float, int], ...]
    sum_s: float

    @property
    def total_count(self) -> int:
        return self.rising[-1][1]


class Reading(NamedTuple):
    """One metric's values by those of its labels. Without any, it has nothing to tell."""

    metric: Metric
    values: dict[Labels, float]
    spreads: dict[Labels, Spread]


# Reads what goes up and down. An empty answer: there is nothing to tell here.
ReadGauge = Callable[[], Mapping[Labels, float]]


class Readings:
    """`take` reads everything. A gauge that fails is left out, and the log told once: the others are still wanted."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters
        self._gauges: dict[str, tuple[Metric, ReadGauge]] = {}
        self._told: set[str] = set()

    def add(self, metric: Metric, read: ReadGauge) -> None:
        self._gauges[metric.name] = (metric, read)

    def take(self) -> list[Reading]:
        return [*self._counted(), *self._timed(), *self._gauged()]

    def _counted(self) -> Iterator[Reading]:
        counters = self._counters
        meters = counters.meters.shown()
        yield _values(catalogue.FANOUTS, _fanouts(meters))
        yield _values(catalogue.COPIES, {(topic,): meter.copies for topic, meter in meters.items()})
        yield _values(catalogue.RECEIVERS, _receivers(meters))
        for metric in _LABELLED:
            yield _values(metric, {**dict.fromkeys(metric.known, 0), **counters.labelled(metric.name)})
        for metric, count in self._plain():
            yield _values(metric, {(): count})

    def _plain(self) -> Iterator[tuple[Metric, int]]:
        counters = self._counters
        yield catalogue.PAUSED_COPIES, counters["paused_copies"]
        yield catalogue.CACHE_HITS, counters.cache_hits
        yield catalogue.CACHE_MISSES, counters.cache_misses
        yield catalogue.DROPPED, counters["reaper_dropped_subscribers"]
        yield catalogue.DRAINED, counters["reaper_drained_copies"]

    def _timed(self) -> Iterator[Reading]:
        times = self._counters.meters.times
        modes = zip(MODES, (times.background, times.foreground), strict=True)
        yield _spreads(catalogue.FANOUT_SECONDS, {(mode,): histogram for mode, histogram in modes})
        yield _spreads(catalogue.COPY_SECONDS, {(): times.copy})
        yield _spreads(catalogue.ANSWER_SECONDS, {(): times.answer})
        yield _spreads(catalogue.MATCHMAKING_SECONDS, {(): self._counters.matchmaking_s})
        calls = self._counters.store_s.items()
        yield _spreads(catalogue.STORE_SECONDS, {(call,): histogram for call, histogram in calls})

    def _gauged(self) -> Iterator[Reading]:
        for name, (metric, read) in self._gauges.items():
            try:
                yield Reading(metric, dict(read()), {})
            except Exception as error:  # noqa: BLE001 - the others are wanted all the same
                if name not in self._told:
                    log.say(METRIC_BUG, because=error, metric=name)
                self._told.add(name)


_LABELLED = (
    catalogue.SUBSCRIPTION_CHANGES,
    catalogue.JOBS_REFUSED,
    catalogue.STORE_READS,
    catalogue.STORE_FAILURES,
)

# What may happen is told also while it has not: Prometheus sees a growth only between two numbers. But not of what a
# topic is never used for.


def _fanouts(meters: Mapping[str, Meter]) -> dict[Labels, int]:
    found: dict[Labels, int] = {}
    for topic, meter in meters.items():
        for number, mode in enumerate(MODES):
            counts = meter.fanouts[number * len(OUTCOMES) : (number + 1) * len(OUTCOMES)]
            if any(counts):
                found |= {(topic, mode, outcome): count for outcome, count in zip(OUTCOMES, counts, strict=True)}
    return found


def _receivers(meters: Mapping[str, Meter]) -> dict[Labels, int]:
    found: dict[Labels, int] = {}
    for topic, meter in meters.items():
        if any(meter.receivers):
            counts = zip(RECEIVER_OUTCOMES, meter.receivers, strict=True)
            found |= {(topic, outcome): count for outcome, count in counts}
    return found


def _values(metric: Metric, counts: Mapping[Labels, int]) -> Reading:
    return Reading(metric, dict(counts), {})


def _spreads(metric: Metric, histograms: Mapping[Labels, Histogram]) -> Reading:
    spreads = {labels: Spread(tuple(each.rising()), each.sum_s) for labels, each in histograms.items()}
    return Reading(metric, {}, spreads)
