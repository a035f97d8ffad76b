"""Turns pages into HTML, events and JSON, in small steps: the loop that runs this may be that of a worker."""

import asyncio
import time
from collections.abc import Callable, Iterable
from functools import cache

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined

from gearhorn import __version__
from gearhorn.web.dashboard import links, words
from gearhorn.web.dashboard.looks import look_of
from gearhorn.web.dashboard.pages.page import Page

# Others wait meanwhile.
TURN_S = 0.001
# Without JavaScript a page is loaded again so often.
RELOAD_S = 10

_WORDS = (words.count, words.rate, words.span, words.moment, words.clock, words.plural)


class Renderer:
    """`asset_href` gives the address of a file by its name."""

    def __init__(self, asset_href: Callable[[str], str]) -> None:
        self._asset_href = asset_href
        self._environment = _environment()

    async def html(self, page: Page, here: str, json_href: str) -> bytes:
        """The whole page. `here` is its own address, and `json_href` that of its data."""
        return await self._render(page, "base", here, json_href)

    async def live_part(self, page: Page, here: str) -> bytes:
        """What changes: the content of <main>."""
        return await self._render(page, "bare", here, "")

    async def _render(self, page: Page, frame: str, here: str, json_href: str) -> bytes:
        template = self._environment.get_template(page.template)
        context = {
            "frame": self._environment.get_template(f"{frame}.html"),
            "asset": self._asset_href,
            "page": page.data,
            "title": page.title,
            "section": page.section,
            "reloads": page.reloads,
            "taken_at_s": page.data.taken_at_s,
            "here": here,
            "json_href": json_href,
        }
        return await _in_turns(template.generate(context))


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader(__package__),
        autoescape=True,  # whatever a template is called
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        {word.__name__: word for word in _WORDS},
        links=links,
        look_of=look_of,
        version=__version__,
        reload_s=RELOAD_S,
    )
    for name in environment.list_templates():
        environment.get_template(name)  # to compile takes some milliseconds, which are better spent at the start
    return environment


async def _in_turns(pieces: Iterable[str]) -> bytes:
    done, began_at_s = [], time.perf_counter()
    for piece in pieces:
        done.append(piece)
        if time.perf_counter() - began_at_s > TURN_S:
            await asyncio.sleep(0)
            began_at_s = time.perf_counter()
    return "".join(done).encode()


def write_json(page: Page) -> bytes:
    """What the page shows, for programs."""
    return msgspec.json.format(msgspec.json.encode(page.data.as_json()), indent=1) + b"\n"


def write_event(name: str, content: bytes) -> bytes:
    """One server-sent event. No line end may be left out: the reader's lines begin anew with each of them."""
    lines = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    return b"event: %b\n" % name.encode() + b"".join(b"data: %b\n" % line for line in lines) + b"\n"
