"""The overview: what is wrong, what goes on, who takes part."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from gearhorn.overview.rates import Rates, measure_worker
from gearhorn.overview.rendering import render_overview
from gearhorn.overview.verdict import WARNING, Trouble, judge, worst_of
from gearhorn.overview.views import Overview
from gearhorn.web.dashboard.charts import Chart
from gearhorn.web.dashboard.hub import Sight, figures_of
from gearhorn.web.dashboard.pages.page import Page, Request
from gearhorn.web.dashboard.pages.workers import WorkerRow, row_of
from gearhorn.web.dashboard.words import count, plural, rate

# The first ones; there are pages for the others.
TOPICS_SHOWN = 25
TROUBLED_SHOWN = 10
WORKERS_SHOWN = 50


@dataclass(frozen=True, slots=True)
class Tile:
    """A figure with its chart. `words` writes it."""

    key: str
    label: str
    unit: str
    value: float | None
    chart: Chart
    words: Callable[[Any], str]


@dataclass(frozen=True, slots=True)
class Front:
    """`overview` has no more topics, and no more subscribers in trouble, than are shown."""

    taken_at_s: float
    overview: Overview
    rates: Rates
    troubles: list[Trouble]
    workers: tuple[WorkerRow, ...]
    tiles: tuple[Tile, ...]
    most_backlog: int

    @property
    def level(self) -> str:
        return worst_of(self.troubles)

    @property
    def headline(self) -> str:
        if not self.troubles:
            return "All is well"
        if not self.overview.is_anything_reachable:
            return "Nothing can be reached"
        if self.level == WARNING:
            return plural(len(self.troubles), "thing to look at", "things to look at")
        return plural(len(self.troubles), "thing is wrong", "things are wrong")

    def as_json(self) -> dict[str, Any]:
        return render_overview(self.overview, self.rates, self.troubles)


async def build_front(request: Request) -> Page:
    overview, rates = request.sight.overview, request.sight.rates
    shown = replace(overview, topics=overview.topics[:TOPICS_SHOWN], troubled=overview.troubled[:TROUBLED_SHOWN])
    workers = tuple(row_of(worker, measure_worker(worker)) for worker in overview.workers[:WORKERS_SHOWN])
    troubles = judge(overview)
    front = Front(overview.taken_at_s, shown, rates, troubles, workers, _tiles(request.sight), most_backlog(overview))
    return Page("front.html", "Overview", "Overview", front)


def most_backlog(overview: Overview) -> int:
    return max((topic.backlog_count or 0 for topic in overview.topics), default=0)


def _tiles(sight: Sight) -> tuple[Tile, ...]:
    figures = figures_of(sight.overview, sight.rates)
    return tuple(
        Tile(key, label, unit, figures[key], sight.history.chart(key), words)
        for key, label, unit, words in (
            ("fanouts", "Fanouts", "/s", rate),
            ("copies", "Copies", "/s", rate),
            ("failures", "Receivers failed", "/s", rate),
            ("backlog", "Copies waiting", "", _whole),
        )
    )


def _whole(number: float | None) -> str:
    return count(None if number is None else round(number))
