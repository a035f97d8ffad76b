"""All that one worker counts, in one place that is handed to whoever has something to count."""

from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

from gearhorn.metrics.histogram import SHORT_S, Histogram
from gearhorn.metrics.meters import Meters

TOPICS_SHOWN = 200

# Names of counters with labels, which those who count need.
CHANGES = "gearhorn_subscription_changes_total"
CHANGED = "changed"
LIST_READS = "gearhorn_list_reads_total"
REFUSED = "gearhorn_jobs_refused_total"
STORE_ERRORS = "gearhorn_store_errors_total"


class Labelled(NamedTuple):
    """A counter of the catalogue, and the values of its labels."""

    name: str
    labels: tuple[str, ...]


class Counters:
    """Plain numbers by name, from the start of the process on; `add` costs no more than a dictionary does.

    A name that was never added to is not among those shown. `meters` and the histograms belong to the hot paths.
    """

    def __init__(self, topics_limit_count: int = TOPICS_SHOWN) -> None:
        self.meters = Meters(topics_limit_count)
        self.cache_hits = self.cache_misses = 0
        self.matchmaking_s = Histogram(SHORT_S)
        self.store_s: dict[str, Histogram] = {}  # by the name of the call
        self._counts: Counter[str] = Counter()
        self._labelled: Counter[Labelled] = Counter()
        self._gauges: dict[str, Callable[[], int]] = {}

    def add(self, name: str, count: int = 1) -> None:
        self._counts[name] += count

    def set(self, name: str, count: int) -> None:
        """For what goes up and down."""
        self._counts[name] = count

    def count(self, name: str, *labels: str, count: int = 1) -> None:
        """A counter with labels. Not for hot paths."""
        self._labelled[Labelled(name, labels)] += count

    def labelled(self, name: str) -> dict[tuple[str, ...], int]:
        return {key.labels: count for key, count in self._labelled.items() if key.name == name}

    def read_for_others(self, name: str, read: Callable[[], int]) -> None:
        """What is to be read when `told` is asked."""
        self._gauges[name] = read

    def __getitem__(self, name: str) -> int:
        return self._counts[name]

    def shown(self) -> dict[str, int]:
        return dict(sorted(self._counts.items()))

    def told(self) -> dict[str, int]:
        """What a worker tells beside its lease, for `gearhorn workers` and for the rates of `gearhorn status`."""
        totals = self.meters.totals()._asdict()
        changes = sum(count for labels, count in self.labelled(CHANGES).items() if labels[1] == CHANGED)
        gauges = {name: read() for name, read in self._gauges.items()}
        return dict(sorted({**self._counts, **totals, "changes": changes, **gauges}.items()))
