"""Finds topics whose figures need not be shown any more, so that a list of series does not grow for ever."""

from collections.abc import Callable, Iterator, Mapping

from gearhorn.metrics.meters import Meter, Meters

# Nobody is subscribed, and nothing was published for so long: whoever collects the figures has seen the last of them.
EMPTY_AFTER_S = 300.0
# Nothing is known of the list, because nobody has published for so long.
UNUSED_AFTER_S = 3600.0

# How many subscribers a topic has; None: it is not known here.
Count = Callable[[str], int | None]


class Forgetting:
    """`look` is to be called now and then."""

    def __init__(self, meters: Meters, count: Count, now_s: Callable[[], float]) -> None:
        self._meters = meters
        self._count = count
        self._now_s = now_s
        self._seen: Mapping[str, tuple[tuple[int, ...], float]] = {}  # the figures, and since when they are the same

    def look(self) -> None:
        now_s = self._now_s()
        seen = {topic: self._see(topic, meter, now_s) for topic, meter in self._meters.by_topic.items()}
        self._seen = seen
        for topic in list(self._gone(now_s)):
            self._meters.forget(topic)

    def _see(self, topic: str, meter: Meter, now_s: float) -> tuple[tuple[int, ...], float]:
        figures = (meter.copies, *meter.fanouts, *meter.receivers)
        before, since_s = self._seen.get(topic, (None, now_s))
        return figures, since_s if figures == before else now_s

    def _gone(self, now_s: float) -> Iterator[str]:
        for topic, (_, since_s) in self._seen.items():
            count = self._count(topic)
            limit_s = UNUSED_AFTER_S if count is None else EMPTY_AFTER_S
            if not count and now_s - since_s >= limit_s:
                yield topic
