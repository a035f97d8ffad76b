"""Keeps what others can cause without end from filling the log: a publisher with a bug sends bad jobs in thousands."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from gearhorn.logs.event import Line, log_for
from gearhorn.logs.events.life import LINES_LEFT_OUT, LINES_LEFT_OUT_SO_FAR

log = log_for(__name__)

# Of one event in so long.
MOST_LINES = 100
WINDOW_S = 10.0


@dataclass(slots=True)
class _Crowd:
    begun_at_s: float
    count: int = 0


class Crowds(logging.Filter):
    """Lets the first lines of an event that may come often through, and says how many it left out."""

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._now_s = now_s
        self._crowds: dict[str, _Crowd] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        event = record.msg.event if isinstance(record.msg, Line) else None
        if event is None or not event.comes_often:
            return True
        crowd = self._crowd(event.name)
        crowd.count += 1
        if crowd.count == MOST_LINES + 1:
            log.say(LINES_LEFT_OUT, event=event.name, window_s=WINDOW_S)
        return crowd.count <= MOST_LINES

    def _crowd(self, name: str) -> _Crowd:
        now_s = self._now_s()
        crowd = self._crowds.get(name)
        if crowd is not None and now_s - crowd.begun_at_s < WINDOW_S:
            return crowd
        new = self._crowds[name] = _Crowd(now_s)
        if crowd is not None and crowd.count > MOST_LINES:
            log.say(LINES_LEFT_OUT_SO_FAR, event=name, lines_count=crowd.count - MOST_LINES)
        return new
