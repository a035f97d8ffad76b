"""Addresses of pages, relative to the page that they stand on: so all of it works below any path of a proxy.

Names go into the query, never into the path: a topic may be called `..`, or have slashes, which browsers and proxies
would take for their own.
"""

from collections.abc import Callable
from urllib.parse import urlencode

from gearhorn.overview.verdict import SERVER, SUBSCRIBERS, WORKER

# The first page.
OVERVIEW = "./"


def link(page: str, /, **query: object) -> str:
    """What is empty is left out. To be escaped as any text where it goes into HTML."""
    given = {key: value for key, value in query.items() if value not in ("", None)}
    return f"{page}?{urlencode(given)}" if given else page


def topic(name: str, /, **query: object) -> str:
    return link("topic", name=name, **query)


def host(client_id: str, /) -> str:
    return link("hosts", q=client_id, match="exact")


def worker(worker_id: str, /) -> str:
    return link("worker", id=worker_id)


def server(address: str, /) -> str:
    return link("server", address=address)


def troubled(state: str, /) -> str:
    return link("troubled", state=state)


def about(kind: str, name: str) -> str:
    """Where more stands of what a trouble is about; empty if nowhere."""
    page = {SERVER: server, WORKER: worker, SUBSCRIBERS: troubled}.get(kind)
    return page(name) if page else ""


def pages_of(page: str, /, **query: object) -> Callable[[int], str]:
    """The address of each page of a list, by its number."""
    return lambda number: link(page, **query, page=number if number > 1 else None)
