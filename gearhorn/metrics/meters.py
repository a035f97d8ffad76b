"""What is counted topic by topic. A fanout looks its topic's meter up once, and everything it does goes there.

So many topics have a meter of their own, first come, first served; the others share one. Nobody gets one by publishing
to names on whose lists nobody is: a program that makes up names would use up the places.
"""

from bisect import bisect_left
from collections.abc import Sequence
from time import monotonic
from typing import NamedTuple, Protocol

from gearhorn.metrics.histogram import LONG_S, SHORT_S, Histogram

# How a fanout may end, in the order of `Meter.fanouts`: first those in the background, then those that wait.
COMPLETE, FAILED, NOBODY, EXPIRED, BUG = range(5)
OUTCOMES = ("complete", "failed", "nobody", "expired", "bug")
MODES = ("background", "foreground")

# What may become of a receiver that is waited for, in the order of `Meter.receivers`.
RECEIVER_OUTCOMES = ("complete", "failed", "exception", "timeout", "not sent")

# Where topics without a meter of their own are counted. A topic of this very name is counted there, too.
OTHER = "other"


class Ended(Protocol):
    """A run as it is when nothing of it is open any more."""

    @property
    def foreground(self) -> bool: ...

    @property
    def total_count(self) -> int: ...

    @property
    def done_count(self) -> int: ...

    @property
    def failures(self) -> Sequence[tuple[bytes, str]]: ...


class Begun(Protocol):
    """What else there is to know of it: when it began and last heard of a server, by the monotonic clock, and how much
    of it was done when it began. Both times are 0 where nothing was to be sent.
    """

    @property
    def started_s(self) -> float: ...

    @property
    def heard_s(self) -> float: ...

    @property
    def done_before_count(self) -> int: ...

    @property
    def is_broken(self) -> bool: ...


class Times:
    """How long things took, over all topics."""

    __slots__ = ("answer", "background", "copy", "foreground")

    def __init__(self) -> None:
        self.background = Histogram(SHORT_S)
        self.foreground = Histogram(LONG_S)
        self.copy = Histogram(SHORT_S)
        self.answer = Histogram(LONG_S)


class Meter:
    """One topic's numbers. Each method is called once for a fanout, a piece of its copies, or an answer; what stands
    there twice saves a call.
    """

    __slots__ = ("_answer", "_background", "_copy", "_times", "copies", "fanouts", "receivers")

    def __init__(self, times: Times) -> None:
        self.copies = 0  # that a Gearman server has confirmed
        self.fanouts = [0] * (len(MODES) * len(OUTCOMES))
        self.receivers = [0] * len(RECEIVER_OUTCOMES)
        self._times = times
        self._copy, self._background, self._answer = times.copy.cells, times.background.cells, times.answer.cells

    def confirmed(self, count: int, took_s: float) -> None:
        self.copies += count
        cells = self._copy
        cells[bisect_left(SHORT_S, took_s)] += count
        cells[-1] += took_s * count

    def answered(self, took_s: float) -> None:
        """A receiver has ended its copy, one way or the other."""
        cells = self._answer
        cells[bisect_left(LONG_S, took_s)] += 1
        cells[-1] += took_s

    def ended(self, run: Ended, begun: Begun) -> None:
        if run.foreground or run.failures or not begun.heard_s or begun.is_broken:
            self._ended_otherwise(run, begun)
            return
        took_s = begun.heard_s - begun.started_s
        self.fanouts[COMPLETE] += 1
        cells = self._background
        cells[bisect_left(SHORT_S, took_s)] += 1
        cells[-1] += took_s

    def _ended_otherwise(self, run: Ended, begun: Begun) -> None:
        took_s = monotonic() - begun.started_s if begun.started_s else 0.0
        self.ended_as(_outcome_of(run, begun), took_s, is_foreground=run.foreground)
        if run.foreground:
            self._count_receivers(run, begun)

    def ended_as(self, outcome: int, took_s: float, *, is_foreground: bool) -> None:
        self.fanouts[len(OUTCOMES) * is_foreground + outcome] += 1
        (self._times.foreground if is_foreground else self._times.background).observe(took_s)

    def _count_receivers(self, run: Ended, begun: Begun) -> None:
        """Reasons begin with the words of RECEIVER_OUTCOMES."""
        self.receivers[0] += run.done_count - begun.done_before_count
        for _, reason in run.failures:
            self.receivers[RECEIVER_OUTCOMES.index(reason.partition(":")[0])] += 1


def _outcome_of(run: Ended, begun: Begun) -> int:
    if begun.is_broken:
        return BUG
    if run.failures:
        return FAILED
    return COMPLETE if run.total_count else NOBODY


class Totals(NamedTuple):
    """Over all topics, also those that are gone."""

    fanouts: int
    copies: int
    receivers_completed: int
    receivers_failed: int


class Meters:
    """`by_topic` is for whoever is in a hurry; `of` is asked where a topic is not in there."""

    def __init__(self, limit_count: int) -> None:
        self.times = Times()
        self.by_topic: dict[str, Meter] = {}
        self.other = Meter(self.times)
        self._gone = Meter(self.times)  # for the totals: what was counted of topics that are shown no more
        self._limit_count = limit_count

    def of(self, topic: str, *, has_subscribers: bool) -> Meter:
        meter = self.by_topic.get(topic)
        if meter is not None:
            return meter
        if not has_subscribers or topic == OTHER or len(self.by_topic) >= self._limit_count:
            return self.other
        meter = self.by_topic[topic] = Meter(self.times)
        return meter

    def forget(self, topic: str) -> None:
        """The topic is shown no more. If it comes back it begins at nothing, as after a restart. `other` is not
        touched: a jump there would look like a flood of copies.
        """
        _add(self._gone, self.by_topic.pop(topic))

    def shown(self) -> dict[str, Meter]:
        """By topic, with those that have none of their own under OTHER."""
        return {**self.by_topic, OTHER: self.other}

    def totals(self) -> Totals:
        total = Meter(self.times)
        for meter in (*self.by_topic.values(), self.other, self._gone):
            _add(total, meter)
        completed, *failed = total.receivers
        return Totals(sum(total.fanouts), total.copies, completed, sum(failed))


def _add(total: Meter, meter: Meter) -> None:
    total.copies += meter.copies
    total.fanouts = [sum(pair) for pair in zip(total.fanouts, meter.fanouts, strict=True)]
    total.receivers = [sum(pair) for pair in zip(total.receivers, meter.receivers, strict=True)]
