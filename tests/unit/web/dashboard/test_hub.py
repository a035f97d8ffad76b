"""The hub: one observation for all who look, and none while nobody does."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from gearhorn.overview.views import Overview, Totals
from gearhorn.web.dashboard.hub import FullHouse, Hub, HubLimits, Sight
from tests.unit.web.dashboard.pictures import FakeSource, overview

QUICK = HubLimits(pause_s=0.01, rests=0.0, streams=2)


async def first(count: int, sights: AsyncIterator[Sight]) -> list[Sight]:
    found = []
    async for sight in sights:
        found.append(sight)
        if len(found) == count:
            break
    return found


async def test_viewers_share_one_observation() -> None:
    source = FakeSource()
    hub = Hub(source.observe, HubLimits(pause_s=60.0))
    sights = await asyncio.gather(*(hub.look() for _ in range(10)))
    assert source.asked == ["observe"]
    assert len(set(map(id, sights))) == 1


async def test_followers_see_every_new_sight_and_share_them() -> None:
    source = FakeSource()
    hub = Hub(source.observe, QUICK)
    one, two = await asyncio.gather(first(5, hub.follow()), first(5, hub.follow()))
    assert [sight.number for sight in one] == [sight.number for sight in two] == [1, 2, 3, 4, 5]
    assert len(source.asked) == 5


async def test_nobody_is_asked_while_nobody_looks() -> None:
    source = FakeSource()
    hub = Hub(source.observe, QUICK)
    await first(2, hub.follow())
    asked = len(source.asked)
    await asyncio.sleep(0.1)
    assert len(source.asked) == asked


async def test_a_look_that_takes_long_is_taken_seldom() -> None:
    now_s, source = [0.0], FakeSource()

    async def observe() -> Overview:
        now_s[0] += 1.0
        return await source.observe()

    hub = Hub(observe, HubLimits(pause_s=2.0, rests=9.0), lambda: now_s[0])
    await hub.look()
    now_s[0] += 8.9
    await hub.look()
    assert len(source.asked) == 1
    now_s[0] += 0.2
    await hub.look()
    assert len(source.asked) == 2


async def test_there_are_only_so_many_seats() -> None:
    hub = Hub(FakeSource().observe, QUICK)
    with hub.seat(), hub.seat(), pytest.raises(FullHouse), hub.seat():
        pass
    with hub.seat():
        pass


async def test_the_figures_of_each_look_are_remembered_for_the_charts() -> None:
    source = FakeSource()
    hub = Hub(source.observe, QUICK)
    await hub.look()
    source.picture = overview(totals=Totals(2, 1203, 9000, 10, 0))
    await asyncio.sleep(0.02)
    sight = await hub.look()
    assert sight.history.chart("backlog").peak == 9000
    assert sight.rates.copies == pytest.approx((1000 + 2500) / 10)
    assert sight.history.chart("copies").peak == pytest.approx(350)
    assert sight.history.chart("nothing of that name").line == ""
