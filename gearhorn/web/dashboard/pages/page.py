"""What every page is made of, and where pages get what the picture of the whole system has not."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

from gearhorn.overview.views import Lookup, Overview
from gearhorn.web.dashboard.hub import Sight
from gearhorn.web.dashboard.query import Query


class Data(Protocol):
    """What is on a page. `taken_at_s` is Unix time."""

    @property
    def taken_at_s(self) -> float: ...

    def as_json(self) -> dict[str, Any]:
        """For programs, with the keys of `gearhorn status --json`."""


@dataclass(frozen=True, slots=True)
class Page:
    """The template gets `data` as `page`. `section` is the place in the navigation. A page that `reloads` is kept up to
    date.
    """

    template: str
    title: str
    section: str
    data: Data
    status: int = 200
    reloads: bool = True


class Source(Protocol):
    """Where everything comes from. None of these raises for what a peer does."""

    async def observe(self) -> Overview: ...

    async def look_at_topic(self, topic: str) -> Lookup:
        """All subscribers of a topic."""

    async def look_up(self, client_id: str) -> Lookup:
        """What a client is subscribed to, and what waits for it."""

    async def search(self, text: str, *, is_prefix: bool) -> Lookup:
        """Subscribers whose id begins with, or has, the text."""


@dataclass(frozen=True, slots=True)
class Request:
    """`source` asks peers only as often as its shelf lets it."""

    sight: Sight
    query: Query
    source: Source


Builder = Callable[[Request], Awaitable[Page]]
