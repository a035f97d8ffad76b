"""All topics; and one topic with its subscribers, of which there may be 100,000."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from gearhorn.core.health import DEAD, IDLE, LIVE, SUSPECT
from gearhorn.overview.rendering import render_subscriber, render_topic, render_totals, time_of
from gearhorn.overview.views import PAUSED, Lookup, SubscriberView, TopicView, Totals
from gearhorn.subscribers.aside import reckon
from gearhorn.web.dashboard.pages.front import most_backlog
from gearhorn.web.dashboard.pages.page import Page, Request
from gearhorn.web.dashboard.paging import Slice, cut_sorted

WAITING = "waiting"
STATES = (LIVE, IDLE, SUSPECT, DEAD, PAUSED, WAITING)

_BADNESS = {DEAD: 0, PAUSED: 1, SUSPECT: 2}
_GOOD = 3


@dataclass(frozen=True, slots=True)
class Topics:
    """`known_count` are those that the picture has; of more than it takes the others are only counted."""

    taken_at_s: float
    totals: Totals
    known_count: int
    q: str
    sort: str
    slice: Slice[TopicView]
    most_backlog: int

    def as_json(self) -> dict[str, Any]:
        return {
            "taken_at": time_of(self.taken_at_s),
            "totals": render_totals(self.totals),
            **self.slice.as_json("topics", render_topic),
        }


_TOPIC_ORDERS: dict[str, Callable[[TopicView], Any]] = {
    "backlog": lambda topic: (-(topic.backlog_count or 0), -topic.subscribers_count, topic.topic),
    "subscribers": lambda topic: (-topic.subscribers_count, topic.topic),
    "trouble": lambda topic: (-topic.dead_count, -topic.suspect_count, -topic.paused_count, topic.topic),
    "name": lambda topic: topic.topic,
}


async def build_topics(request: Request) -> Page:
    overview, query = request.sight.overview, request.query
    q, sort = query.text("q"), query.choice("sort", _TOPIC_ORDERS, "backlog")
    number = query.number("page")
    shown = await reckon(
        len(overview.topics),
        lambda: cut_sorted(_pick_topics(overview.topics, q), number, _TOPIC_ORDERS[sort]),
    )
    data = Topics(
        overview.taken_at_s,
        overview.totals,
        len(overview.topics),
        q,
        sort,
        shown,
        most_backlog(overview),
    )
    return Page("topics.html", "Topics", "Topics", data)


def _pick_topics(topics: Sequence[TopicView], q: str) -> list[TopicView]:
    wanted = q.casefold()
    return [topic for topic in topics if wanted in topic.topic.casefold()]


@dataclass(frozen=True, slots=True)
class TopicPage:
    """`topic` is None where the picture has not got it. `counts` are subscribers by state, all of them; `slice` has
    those that fit `q` and `state`.
    """

    taken_at_s: float
    name: str
    topic: TopicView | None
    counts: dict[str, int]
    subscribers_count: int
    backlog_count: int | None
    running_count: int | None
    is_complete: bool
    trouble: str
    q: str
    state: str
    sort: str
    slice: Slice[SubscriberView]

    def as_json(self) -> dict[str, Any]:
        return {
            "taken_at": time_of(self.taken_at_s),
            "topic": self.name,
            "subscribers_count": self.subscribers_count,
            "states": self.counts,
            "backlog": self.backlog_count,
            "running": self.running_count,
            "complete": self.is_complete,
            "trouble": self.trouble or None,
            **self.slice.as_json("subscribers", render_subscriber),
        }


_SUBSCRIBER_ORDERS: dict[str, Callable[[SubscriberView], Any]] = {
    "trouble": lambda one: (_BADNESS.get(one.state or "", _GOOD), -(one.backlog_count or 0), one.client_id),
    "backlog": lambda one: (-(one.backlog_count or 0), one.client_id),
    "since": lambda one: (one.since_s is None, one.since_s or 0.0, one.client_id),
    "name": lambda one: one.client_id,
}


async def build_topic(request: Request) -> Page:
    query, name = request.query, request.query.text("name")
    q, state = query.text("q"), query.choice("state", STATES, "")
    sort = query.choice("sort", _SUBSCRIBER_ORDERS, "trouble")
    lookup = await request.source.look_at_topic(name)
    subscribers = lookup.subscribers
    number, order = query.number("page"), _SUBSCRIBER_ORDERS[sort]
    shown, sums = await reckon(
        len(subscribers),
        lambda: (cut_sorted(_pick(subscribers, q, state), number, order), _sum_up(subscribers)),
    )
    return _topic_page(request, name, lookup, sums, (q, state, sort), shown)


def _topic_page(
    request: Request,
    name: str,
    lookup: Lookup,
    sums: tuple[dict[str, int], int | None, int | None],
    wish: tuple[str, str, str],
    shown: Slice[SubscriberView],
) -> Page:
    overview = request.sight.overview
    topic = next((topic for topic in overview.topics if topic.topic == name), None)
    data = TopicPage(
        overview.taken_at_s,
        name,
        topic,
        sums[0],
        len(lookup.subscribers),
        *sums[1:],
        lookup.is_complete,
        lookup.trouble,
        *wish,
        shown,
    )
    is_there = bool(lookup.subscribers or topic or lookup.trouble)
    return Page("topic.html", name, "Topics", data, status=200 if is_there else 404)


def _pick(subscribers: Sequence[SubscriberView], q: str, state: str) -> list[SubscriberView]:
    wanted = q.casefold()
    return [one for one in subscribers if _fits(one, state) and wanted in one.client_id.casefold()]


def _fits(one: SubscriberView, state: str) -> bool:
    if not state:
        return True
    return bool(one.backlog_count) if state == WAITING else one.state == state


def _sum_up(subscribers: Sequence[SubscriberView]) -> tuple[dict[str, int], int | None, int | None]:
    """How many are in each state; and what waits and runs, None where nobody can tell."""
    counts: dict[str, int] = {}
    for one in subscribers:
        state = one.state or "not known"
        counts[state] = counts.get(state, 0) + 1
    return (
        counts,
        _total([one.backlog_count for one in subscribers]),
        _total([one.running_count for one in subscribers]),
    )


def _total(numbers: Sequence[int | None]) -> int | None:
    known = [number for number in numbers if number is not None]
    return sum(known) if known or not numbers else None
