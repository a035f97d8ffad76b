"""What is web17 subscribed to, and what waits for it?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gearhorn.overview.rendering import render_subscriber, time_of
from gearhorn.overview.views import Lookup, SubscriberView
from gearhorn.subscribers.aside import reckon
from gearhorn.web.dashboard.pages.page import Page, Request
from gearhorn.web.dashboard.paging import Slice, cut

EXACT, PREFIX, SUBSTRING = "exact", "prefix", "substring"
ANY = "any"
MATCHES = (ANY, EXACT, PREFIX, SUBSTRING)


@dataclass(frozen=True, slots=True)
class Hosts:
    """`match` is how `q` was looked for: with "any", which a page may be asked for, it is the narrowest way that finds
    somebody. `hosts_count` and `backlog_count` are of all that was found.
    """

    taken_at_s: float
    q: str
    asked: str
    match: str
    hosts_count: int
    backlog_count: int
    is_complete: bool
    trouble: str
    slice: Slice[SubscriberView]

    def as_json(self) -> dict[str, Any]:
        return {
            "taken_at": time_of(self.taken_at_s),
            "match": self.match,
            "hosts": self.hosts_count,
            "backlog": self.backlog_count,
            "complete": self.is_complete,
            "trouble": self.trouble or None,
            **self.slice.as_json("subscriptions", render_subscriber),
        }


async def build_hosts(request: Request) -> Page:
    asked = request.query.choice("match", MATCHES, ANY)
    q = request.query.text("q")
    q = q if asked == EXACT else q.strip()  # a link knows what it says; a hand may slip
    match, lookup = await _find(request, q, asked)
    found = lookup.subscribers
    hosts_count = await reckon(len(found), lambda: len({one.client_id for one in found}))
    data = Hosts(
        request.sight.overview.taken_at_s,
        q,
        asked,
        match,
        hosts_count,
        sum(one.backlog_count or 0 for one in found),
        lookup.is_complete,
        lookup.trouble,
        cut(found, request.query.number("page")),
    )
    return Page("hosts.html", q or "Hosts", "Hosts", data, reloads=bool(q))


async def _find(request: Request, q: str, asked: str) -> tuple[str, Lookup]:
    if not q:
        return asked, Lookup(())
    lookup = Lookup(())
    ways: Sequence[str] = (EXACT, PREFIX, SUBSTRING) if asked == ANY else (asked,)
    for way in ways:
        lookup = await _look(request, q, way)
        if lookup.subscribers or lookup.trouble:
            return way, lookup
    return ways[-1], lookup


async def _look(request: Request, q: str, way: str) -> Lookup:
    if way == EXACT:
        return await request.source.look_up(q)
    return await request.source.search(q, is_prefix=way == PREFIX)
