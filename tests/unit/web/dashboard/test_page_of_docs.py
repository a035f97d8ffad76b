"""doc/dashboard.md tells the truth about addresses and keys."""

import re
from pathlib import Path

import pytest

from gearhorn.web.dashboard.hub import HubLimits
from gearhorn.web.dashboard.pages.hosts import MATCHES
from gearhorn.web.dashboard.rendering import RELOAD_S
from gearhorn.web.dashboard.routes import PAGES
from gearhorn.web.dashboard.settings import DEFAULT_LISTEN
from gearhorn.web.dashboard.streams import SLOW_S
from tests.unit.web.dashboard.test_routes import full_source, visiting

DOC = (Path(__file__).parents[4] / "doc/dashboard.md").read_text()
ROWS = dict(re.findall(r"^\| `/([^`]*)` \| (.*) \|$", DOC, re.MULTILINE))
OF_EVERY_PAGE = {"taken_at"}
OF_LISTS = {"page", "pages", "found"}
THERE = {"TOPIC": "..", "ID": "east1", "HOST:PORT": "gearman2:4730", "TEXT": "."}


def test_every_page_is_told_of() -> None:
    assert {address.partition("?")[0] for address in ROWS} == set(PAGES)


@pytest.mark.parametrize("address", [address for address in ROWS if address.partition("?")[0]])
async def test_the_keys_of_a_page_are_those_told(address: str) -> None:
    path = address
    for word, value in THERE.items():
        path = path.replace(word, value)
    async with visiting(full_source()) as visitor:
        found = set(await (await visitor.get(path)).json()) - OF_EVERY_PAGE - OF_LISTS
    assert found == set(re.findall(r"`(\w+)`", ROWS[address].partition(";")[0]))


def test_limits_and_defaults_are_those_of_the_code() -> None:
    words = " ".join(DOC.split())
    assert f"the command: `{DEFAULT_LISTEN}`" in words
    assert f"Up to {HubLimits().streams} pages are live" in words
    assert (HubLimits().pause_s, SLOW_S, RELOAD_S) == (2.0, 10.0, 10)  # "every two seconds", "for ten seconds", "ten"
    assert all(f"`{match}`" in ROWS["hosts?format=json&q=TEXT&match=exact"] for match in MATCHES)
