"""What keys do to the live screen."""

import asyncio
from typing import Any, cast

from gearhorn.cmd.screen.keyboard import _plain
from gearhorn.cmd.screen.live import LONGEST_INTERVAL_S, SHORTEST_INTERVAL_S, LiveView
from gearhorn.overview.observer import Observer


def view(interval_s: float = 2.0) -> LiveView:
    return LiveView(cast(Observer, None), interval_s, "b")


async def test_q_ends_it() -> None:
    live = view()
    live.press("x")
    assert not live.over.is_set()
    live.press("q")
    assert live.over.is_set()


async def test_letters_sort() -> None:
    live = view()
    for key in "snd":
        live.press(key)
        assert live.sort == key


async def test_the_interval_has_bounds() -> None:
    live = view()
    for _ in range(20):
        live.press("-")
    assert live.interval_s == SHORTEST_INTERVAL_S
    for _ in range(20):
        live.press("+")
    assert live.interval_s == LONGEST_INTERVAL_S


async def test_every_key_draws_anew() -> None:
    live = view()
    live.press("s")
    async with asyncio.timeout(10):
        await live.wait_for_news()


async def test_space_looks_at_once(monkeypatch: Any) -> None:
    looks = asyncio.Queue[None]()

    async def look(*_: object) -> None:
        looks.put_nowait(None)

    monkeypatch.setattr("gearhorn.cmd.screen.live.look", look)
    live = view(600.0)
    looking = asyncio.create_task(live.keep_looking())
    async with asyncio.timeout(10):
        await looks.get()
        await asyncio.sleep(0)
        live.press(" ")
        await looks.get()
    looking.cancel()


def test_arrows_are_no_letters() -> None:
    assert _plain("\x1b[B") == ""
    assert _plain("q") == "q"
