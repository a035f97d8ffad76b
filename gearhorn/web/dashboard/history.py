"""The figures of the last minutes, for the charts."""

from collections import deque
from collections.abc import Mapping

from gearhorn.web.dashboard.charts import Chart, Point, draw

SPAN_S = 300.0
# At most so many moments are kept, however often somebody looks.
MOMENTS = 300
# Points further apart than this many of the usual pauses are not joined: nobody looked in between.
GAP_PAUSES = 4


class History:
    """Figures by name; one that could not be told at a moment has no point there."""

    def __init__(self, pause_s: float) -> None:
        self._pause_s = pause_s
        self._moments: deque[tuple[float, Mapping[str, float | None]]] = deque(maxlen=MOMENTS)

    def note(self, at_s: float, figures: Mapping[str, float | None]) -> None:
        """Moments come in their order."""
        while self._moments and self._moments[0][0] < at_s - SPAN_S:
            self._moments.popleft()
        self._moments.append((at_s, figures))

    def chart(self, name: str) -> Chart:
        """Up to the last moment that was noted."""
        now_s = self._moments[-1][0] if self._moments else 0.0
        points = [Point(at_s, value) for at_s, known in self._moments if (value := known.get(name)) is not None]
        return draw(points, now_s=now_s, span_s=SPAN_S, gap_s=GAP_PAUSES * self._pause_s)
