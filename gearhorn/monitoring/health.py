"""Health is the list of what is down, asked of the parts themselves each time: no flag that the last writer wins.

A worker is alive while its event loop turns: it answers. It is ready while it can do all of its work through at least
one Gearman server. So of two servers one may be down: that is listed, and the worker is ready. The same goes for a
lease that was lost, since lists are read from the store then, and what that says is right.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec


class Trouble(NamedTuple):
    """A part that is down, and why; `stops_work`: some of the work cannot be done without it."""

    part: str
    reason: str
    stops_work: bool


class Down(NamedTuple):
    """The same, with the Unix time when it was first seen."""

    part: str
    reason: str
    since_s: float
    stops_work: bool


class Health:
    """`look` asks the parts. To be asked now and then, so that the times are right."""

    def __init__(self, look: Callable[[], Iterable[Trouble]], now_s: Callable[[], float] = time.time) -> None:
        self._look = look
        self._now_s = now_s
        self._since_s: Mapping[str, float] = {}

    def down(self) -> list[Down]:
        now_s = self._now_s()
        troubles = list(self._look())
        self._since_s = {one.part: self._since_s.get(one.part, now_s) for one in troubles}
        return [Down(one.part, one.reason, self._since_s[one.part], one.stops_work) for one in troubles]


def is_ready(down: Iterable[Down]) -> bool:
    return not any(one.stops_work for one in down)


class _Written(msgspec.Struct):
    part: str
    reason: str
    since: str
    stops_work: bool


class _Report(msgspec.Struct):
    status: str
    down: list[_Written]


def render_json(status: str, down: Sequence[Down]) -> bytes:
    written = [_Written(one.part, one.reason, _time_of(one.since_s), one.stops_work) for one in down]
    return msgspec.json.encode(_Report(status, written)) + b"\n"


def render_text(status: str, down: Sequence[Down]) -> bytes:
    lines = [status, *(f"{one.part}: {one.reason} (since {_time_of(one.since_s)})" for one in down)]
    return "".join(" ".join(line.splitlines()) + "\n" for line in lines).encode("utf-8", "replace")


def _time_of(unix_s: float) -> str:
    return datetime.fromtimestamp(unix_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
