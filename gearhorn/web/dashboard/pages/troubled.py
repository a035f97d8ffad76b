"""Subscribers in trouble, of all topics, the worst first."""

from dataclasses import dataclass
from typing import Any

from gearhorn.core.health import DEAD, SUSPECT
from gearhorn.overview.rendering import render_subscriber, render_totals, time_of
from gearhorn.overview.views import PAUSED, SubscriberView, Totals
from gearhorn.web.dashboard.pages.page import Page, Request
from gearhorn.web.dashboard.paging import Slice, cut

STATES = (DEAD, SUSPECT, PAUSED)


@dataclass(frozen=True, slots=True)
class Troubled:
    """Not `is_watched`: no worker's word on the subscribers could be read. Of very many the worst are in the list."""

    taken_at_s: float
    totals: Totals
    is_watched: bool
    state: str
    slice: Slice[SubscriberView]

    def as_json(self) -> dict[str, Any]:
        return {
            "taken_at": time_of(self.taken_at_s),
            "totals": render_totals(self.totals),
            "watched": self.is_watched,
            **self.slice.as_json("troubled", render_subscriber),
        }


async def build_troubled(request: Request) -> Page:
    overview, state = request.sight.overview, request.query.choice("state", STATES, "")
    rows = [one for one in overview.troubled if state in ("", one.state)]
    data = Troubled(
        overview.taken_at_s, overview.totals, overview.is_watched, state, cut(rows, request.query.number("page"))
    )
    return Page("troubled.html", "Subscribers in trouble", "Overview", data)
