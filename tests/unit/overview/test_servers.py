"""What servers have said, put together; and servers that must not be asked too often."""

from typing import Any

import pytest

from gearhorn.errors import ServerUnavailable
from gearhorn.net.address import parse_addresses
from gearhorn.net.connection import LinkSettings
from gearhorn.overview import servers as module
from gearhorn.overview.servers import Answer, Servers, sum_loads, view_server
from gearhorn.wire.loads import Load

ADDRESSES = parse_addresses(["a:1", "b:1"])


def asked(monkeypatch: pytest.MonkeyPatch, took_s: float) -> list[str]:
    """Which servers are asked, each of which takes so long; `b` is away."""
    names: list[str] = []

    async def ask(address: Any, link: LinkSettings, role: Any) -> float:
        names.append(address.host)
        if address.host == "b":
            raise ServerUnavailable("gone")
        role.loads = {b"fanout": Load(1, 2, 3)}
        return took_s

    monkeypatch.setattr(module, "ask_status", ask)
    return names


async def test_a_server_that_is_away_says_why_and_the_other_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    asked(monkeypatch, 0.01)
    one, two = await Servers(ADDRESSES, LinkSettings(), 5.0).ask([])
    assert view_server(one, b"fanout").fanout_workers_count == 3
    assert (two.trouble, two.loads) == ("gone", {})
    assert view_server(two, b"fanout").is_reachable is False


async def test_a_quick_server_is_asked_again_and_one_that_stood_still_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    names = asked(monkeypatch, 0.01)
    servers = Servers(ADDRESSES[:1], LinkSettings(), 5.0)
    await servers.ask([])
    await servers.ask([])
    assert names == ["a", "a"]
    names = asked(monkeypatch, 2.0)
    servers = Servers(ADDRESSES[:1], LinkSettings(), 5.0)
    first = await servers.ask([])
    assert await servers.ask([]) == first
    assert names == ["a"]
    await servers.ask_anew([])
    assert names == ["a", "a"]


async def test_patience_bounds_what_the_link_would_wait_for() -> None:
    for given_s, expected_s in ((60.0, 5.0), (1.0, 1.0)):
        link = Servers(ADDRESSES, LinkSettings(connect_timeout_s=given_s, answer_timeout_s=given_s), 5.0).link
        assert (link.connect_timeout_s, link.answer_timeout_s) == (expected_s, expected_s)


def test_loads_of_all_servers_are_added() -> None:
    one = Answer("a", 0.0, loads={b"x": Load(1, 1, 1), b"y": Load(2, 0, 0)})
    two = Answer("b", 0.0, loads={b"x": Load(10, 0, 0)})
    assert sum_loads([one, two]) == {b"x": Load(11, 1, 1), b"y": Load(2, 0, 0)}
