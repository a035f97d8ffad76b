"""The pages, as a browser or a program gets them."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin

import pytest
from aiohttp import ClientResponse, ClientSession, CookieJar

from gearhorn.net.address import Address
from gearhorn.overview.views import SubscriberView, TopicView, Totals
from gearhorn.web.dashboard.guard import HEADERS, Guard
from gearhorn.web.dashboard.hub import Hub, HubLimits
from gearhorn.web.dashboard.routes import PAGES, Dashboard
from gearhorn.web.site import Site
from tests.unit.web.dashboard.pictures import DOWN, GONE, FakeSource, overview, server, subscribers

EVIL = (
    "<script>alert(1)</script>",
    "\" onmouseover='x' y=\"",
    "a/b?c=d&e=f#g",
    "%2e%2e%00%",
    "..",
    ".",
    "+ a  b ",
    "ünï ☃ 話題",
    "{{ 7 * 7 }}{% x %}",
    "&lt;b&gt;",
    "javascript:alert(1)",
    "\u202egnp.exe",
)


class Visitor:
    """A client of one dashboard over a made-up system."""

    def __init__(self, source: FakeSource, site: Site, session: ClientSession) -> None:
        self.source = source
        self.site = site
        self._session = session

    async def get(self, path: str = "", method: str = "GET", **headers: str) -> ClientResponse:
        response = await self._session.request(method, urljoin(self.site.url, path), headers=headers)
        await response.read()
        return response

    async def text(self, path: str = "") -> str:
        return await (await self.get(path)).text()

    async def json(self, path: str = "") -> Any:
        join = "&" if "?" in path else "?"
        return await (await self.get(f"{path}{join}format=json")).json()


@asynccontextmanager
async def visiting(source: FakeSource | None = None, limits: HubLimits | None = None) -> AsyncIterator[Visitor]:
    source = source or FakeSource()
    site = Site(Address("127.0.0.1", 0))
    dashboard = Dashboard(
        source, Guard(), site.closing, Hub(source.observe, limits or HubLimits(pause_s=0.05, rests=0.0))
    )
    site.add(dashboard.routes())
    await site.open()
    try:
        async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as session:
            yield Visitor(source, site, session)
    finally:
        await site.close()
        await dashboard.close()


class Reader(HTMLParser):
    """What a browser makes of a page: its text, its links, and whatever it would load or run."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.links: list[str] = []
        self.link_of: dict[str, str] = {}
        self._link = ""
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "a":
            self._link = dict(attrs)["href"] or ""
            self.links.append(self._link)

    def handle_endtag(self, tag: str) -> None:
        if tag == "a":
            self._link = ""

    def handle_data(self, data: str) -> None:
        self.words.append(data)
        if self._link:
            self.link_of[data] = self._link


def full_source() -> FakeSource:
    """With every kind of row, and names that are out to do harm."""
    trouble = SubscriberView(EVIL[0], EVIL[1], "dead", 12, 0, 0, 1_769_000_000.0)
    picture = overview(
        topics=tuple(TopicView(name, 3, 10, 1, 1, 1, 1) for name in EVIL),
        troubled=(trouble,),
        totals=Totals(len(EVIL), 36, 120, 12, 7, 1, 1, 1),
        servers=(server(), DOWN, server(EVIL[0])),
        workers=(*overview().workers, GONE, overview().workers[0].__class__(EVIL[0], "held", 3.0, version=EVIL[1])),
    )
    return FakeSource(picture, {name: subscribers(name, EVIL) for name in EVIL})


PATHS = [
    "",
    "topics",
    "topic?name=..",
    "hosts",
    "hosts?q=..",
    "worker?id=east1",
    "server?address=gearman2:4730",
    "troubled",
]


def test_every_page_is_among_those_asked_for() -> None:
    assert {path.partition("?")[0] for path in PATHS} == set(PAGES)


@pytest.mark.parametrize("path", PATHS)
async def test_a_page_can_be_had_as_html_and_as_json(path: str) -> None:
    async with visiting(full_source()) as visitor:
        page = await visitor.get(path)
        assert (page.status, page.content_type) == (200, "text/html")
        assert (await page.text()).startswith("<!doctype html>")
        assert "taken_at" in await visitor.json(path)


async def test_the_overview_as_json_has_the_keys_of_the_command() -> None:
    async with visiting(full_source()) as visitor:
        found = await visitor.json()
    assert found["state"] == "error"
    assert [topic["topic"] for topic in found["topics"]] == [*EVIL]
    assert {"store", "workers", "servers", "queues", "rates", "troubles", "troubled"} <= set(found)


async def test_the_overview_says_first_what_is_wrong() -> None:
    async with visiting() as visitor:
        assert "All is well" in await visitor.text()
    async with visiting(FakeSource(overview(servers=(server(), DOWN)))) as visitor:
        words = await visitor.text()
    assert "1 thing is wrong" in words
    assert words.index("Connection refused") < words.index("Workers")
    assert 'href="server?address=gearman2%3A4730"' in words


# Names are anybody's


@pytest.mark.parametrize("path", PATHS)
async def test_no_name_becomes_markup(path: str) -> None:
    async with visiting(full_source()) as visitor:
        reader = Reader(await visitor.text(path))
    assert [attributes["src"].partition("?")[0] for tag, attributes in reader.tags if tag == "script"] == [
        "static/live.js"
    ]
    names = {name for _, attributes in reader.tags for name in attributes}
    assert not {name for name in names if name.startswith("on") or name == "style"}
    assert not [link for link in reader.links if re.match(r"[a-z]+:|//", link)]


@pytest.mark.parametrize("name", EVIL)
async def test_a_name_is_shown_as_it_is_and_its_links_lead_to_it(name: str) -> None:
    async with visiting(full_source()) as visitor:
        link = Reader(await visitor.text("topics")).link_of[name]
        page = await visitor.json(link)
        assert page["topic"] == name
        assert page["found"] == len(EVIL)
        hosts = [link for link in Reader(await visitor.text(link)).links if link.startswith("hosts?")]
        found = [(await visitor.json(link))["subscriptions"][0]["client_id"] for link in hosts]
        assert sorted(found) == sorted(EVIL)


@pytest.mark.parametrize(
    "path", ["topic?name=%ff%fe", "hosts?q=%ed%a0%80", "hosts?q=%00%0a", "topic?name=a%0ab", "topic?name"]
)
async def test_what_is_no_name_is_found_nowhere(path: str) -> None:
    async with visiting(full_source()) as visitor:
        assert (await visitor.get(path)).status in (200, 404)
        assert (await visitor.json(path))["found"] == 0


# Long lists


async def test_a_topic_with_a_hundred_thousand_subscribers_is_shown_page_by_page() -> None:
    ids = [f"host{number:06}" for number in range(100_000)]
    async with visiting(FakeSource(lists={"news": subscribers("news", ids)})) as visitor:
        page = await visitor.json("topic?name=news&page=700")
        assert (page["pages"], page["found"], page["subscribers_count"]) == (1000, 100_000, 100_000)
        assert [one["client_id"] for one in page["subscribers"]] == ids[69_900:70_000]
        html = await visitor.text("topic?name=news&page=700")
        assert len(html) < 100_000
        assert 'href="topic?name=news&amp;sort=trouble&amp;page=701"' in html


async def test_subscribers_can_be_filtered_and_sorted() -> None:
    rows = (
        SubscriberView("news", "Web1", "live", 5, 0, 1),
        SubscriberView("news", "web2", "dead", 1, 0, 0, 10.0),
        SubscriberView("news", "web3", "suspect", 9, 0, 0, 5.0),
        SubscriberView("news", "db1", "paused", 3, 0, 0, 7.0),
        SubscriberView("news", "db2", None, None),
    )
    async with visiting(FakeSource(lists={"news": rows})) as visitor:

        async def found(wish: str) -> list[str]:
            return [one["client_id"] for one in (await visitor.json(f"topic?name=news&{wish}"))["subscribers"]]

        assert await found("") == ["web2", "db1", "web3", "Web1", "db2"]
        assert await found("sort=backlog") == ["web3", "Web1", "db1", "web2", "db2"]
        assert await found("sort=since") == ["web3", "db1", "web2", "Web1", "db2"]
        assert await found("sort=name&q=WEB") == ["Web1", "web2", "web3"]
        assert await found("state=suspect") == ["web3"]
        assert await found("state=waiting&sort=name") == ["Web1", "db1", "web2", "web3"]
        page = await visitor.json("topic?name=news&q=nobody")
        assert (page["found"], page["subscribers_count"]) == (0, 5)
        assert page["states"] == {"live": 1, "dead": 1, "suspect": 1, "paused": 1, "not known": 1}
        assert page["backlog"] == 18


async def test_topics_can_be_filtered_and_sorted() -> None:
    async with visiting(full_source()) as visitor:
        page = await visitor.json("topics?q=SCRIPT&sort=name")
    assert [topic["topic"] for topic in page["topics"]] == [EVIL[0], EVIL[10]]


async def test_of_more_topics_than_are_listed_the_others_are_counted() -> None:
    async with visiting(FakeSource(overview(totals=Totals(5000, 1, 1, 1, 0)))) as visitor:
        assert "4,998 more topics" in await visitor.text("topics")


async def test_a_topic_that_nobody_is_subscribed_to_is_not_found() -> None:
    async with visiting() as visitor:
        page = await visitor.get("topic?name=nothing")
        assert page.status == 404
        assert "Nobody is subscribed to this topic" in await page.text()


async def test_what_cannot_be_told_is_said_to_be_so() -> None:
    async with visiting(FakeSource(trouble="Gearman server b:4730: Connection refused")) as visitor:
        for path in ("topic?name=news", "hosts?q=web"):
            page = await visitor.get(path)
            assert page.status == 200
            assert "b:4730: Connection refused" in await page.text()
            assert (await visitor.json(path))["complete"] is False


@pytest.mark.parametrize("path", ["worker?id=nobody", "server?address=elsewhere:1"])
async def test_a_worker_or_server_that_is_not_there_is_not_found(path: str) -> None:
    async with visiting() as visitor:
        assert (await visitor.get(path)).status == 404
        assert "error" in await visitor.json(path)


# Hosts

HOSTS = {"news": subscribers("news", ["web1", "web17", "web170"]), "logs": subscribers("logs", ["web17", "db-web17"])}


@pytest.mark.parametrize(
    ("wish", "match", "found"),
    [
        ("q=web17", "exact", [("logs", "web17"), ("news", "web17")]),
        ("q=web17&match=prefix", "prefix", [("logs", "web17"), ("news", "web17"), ("news", "web170")]),
        (
            "q=web17&match=substring",
            "substring",
            [("logs", "web17"), ("logs", "db-web17"), ("news", "web17"), ("news", "web170")],
        ),
        ("q=web", "prefix", [("logs", "web17"), ("news", "web1"), ("news", "web17"), ("news", "web170")]),
        ("q=b-w", "substring", [("logs", "db-web17")]),
        ("q=+web1+", "exact", [("news", "web1")]),
        ("q=web1+&match=exact", "exact", []),
        ("q=zzz", "substring", []),
        ("q=", "any", []),
    ],
)
async def test_a_host_is_found_by_its_name_or_a_part_of_it(wish: str, match: str, found: list[tuple[str, str]]) -> None:
    async with visiting(FakeSource(lists=dict(HOSTS))) as visitor:
        page = await visitor.json(f"hosts?{wish}")
    assert [(one["topic"], one["client_id"]) for one in page["subscriptions"]] == found
    assert page["match"] == match


# Safeguards


@pytest.mark.parametrize("path", [*PATHS, "static/style.css", "static/nothing", "nothing", "?format=events"])
async def test_headers_keep_a_browser_from_everything_but_the_page(path: str) -> None:
    async with visiting(full_source()) as visitor:
        method = "HEAD" if "events" in path else "GET"
        response = await visitor.get(path, method)
    if response.status == 200:
        assert {name: response.headers[name] for name in HEADERS} == dict(HEADERS)
    assert "default-src 'self'" in HEADERS["Content-Security-Policy"]
    assert "unsafe" not in HEADERS["Content-Security-Policy"]


@pytest.mark.parametrize("path", [*PATHS, "static/style.css", "?format=json", "?format=events"])
async def test_a_name_of_somebody_else_is_refused_everywhere(path: str) -> None:
    async with visiting(full_source()) as visitor:
        response = await visitor.get(path, Host="evil.example")
        assert response.status == 421
        assert "[dashboard] hosts" in await response.text()
        assert not visitor.source.asked


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_pages_can_only_be_read(method: str) -> None:
    async with visiting() as visitor:
        assert (await visitor.get("", method)).status == 405
        assert not visitor.source.asked


@pytest.mark.parametrize("path", ["", "?format=json", "?format=events"])
async def test_head_is_answered_without_a_body(path: str) -> None:
    async with visiting() as visitor:
        response = await visitor.get(path, "HEAD")
        assert response.status == 200
        assert await response.read() == b""


async def test_pages_are_not_kept_and_their_files_are_kept_for_good() -> None:
    async with visiting() as visitor:
        page = await visitor.get()
        assert page.headers["Cache-Control"] == "no-store"
        reader = Reader(await page.text())
        files = [
            attributes.get("src") or attributes.get("href")
            for tag, attributes in reader.tags
            if tag in ("script", "link")
        ]
        assert len(files) == 3
        for file in files:
            response = await visitor.get(str(file))
            assert response.status == 200
            assert "immutable" in response.headers["Cache-Control"]
            again = await visitor.get(str(file), **{"If-None-Match": response.headers["ETag"]})
            assert again.status in (200, 304)
        assert (await visitor.get("static/style.css?v=old")).headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize("name", ["../routes.py", "..%2froutes.py", "%2e%2e/guard.py", "style.css/../../routes.py", ""])
async def test_nothing_but_the_few_files_can_be_had(name: str) -> None:
    async with visiting() as visitor:
        assert (await visitor.get(f"static/{name}")).status == 404


async def test_without_javascript_a_page_loads_itself_again() -> None:
    async with visiting() as visitor:
        assert re.search(r'<noscript><meta http-equiv="refresh" content="\d+"></noscript>', await visitor.text())
        # not where somebody types
        assert "http-equiv" not in await visitor.text("hosts")


async def test_many_who_load_a_page_at_once_cost_one_observation() -> None:
    async with visiting(limits=HubLimits(pause_s=30.0)) as visitor:
        pages = await asyncio.gather(*(visitor.text() for _ in range(30)))
        assert len(set(pages)) == 1
        assert visitor.source.asked == ["observe"]
