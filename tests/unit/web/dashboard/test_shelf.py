"""The shelf: made once, kept a while, made seldom where it costs much."""

import asyncio
from collections.abc import Callable, Coroutine

import pytest

from gearhorn.web.dashboard.shelf import Shelf, ShelfLimits, TooBusy


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


class Maker:
    """Makes the numbers from 1 on, each of which takes so many seconds of the clock."""

    def __init__(self, clock: Clock, takes_s: float = 0.0) -> None:
        self.made = 0
        self._clock = clock
        self._takes_s = takes_s

    async def __call__(self) -> int:
        await asyncio.sleep(0)
        self._clock.now_s += self._takes_s
        self.made += 1
        return self.made


def work_of(event: asyncio.Event) -> Callable[[], Coroutine[None, None, None]]:
    async def work() -> None:
        await event.wait()

    return work


async def test_those_who_ask_at_the_same_time_share_what_is_made() -> None:
    clock = Clock()
    shelf, maker = Shelf(now_s=clock), Maker(clock)
    assert await asyncio.gather(*(shelf.get("a", maker) for _ in range(5))) == [1] * 5


async def test_what_is_kept_is_made_anew_when_its_time_is_over() -> None:
    clock = Clock()
    shelf, maker = Shelf(ShelfLimits(age_s=2.0), clock), Maker(clock)
    assert await shelf.get("a", maker) == 1
    clock.now_s += 1.9
    assert await shelf.get("a", maker) == 1
    clock.now_s += 0.2
    assert await shelf.get("a", maker) == 2


async def test_what_took_long_is_kept_longer() -> None:
    clock = Clock()
    shelf, maker = Shelf(ShelfLimits(age_s=2.0, rests=20.0), clock), Maker(clock, takes_s=1.0)
    await shelf.get("a", maker)
    clock.now_s += 19.0
    assert await shelf.get("a", maker) == 1
    clock.now_s += 2.0
    assert await shelf.get("a", maker) == 2


async def test_one_thing_is_made_after_the_other() -> None:
    shelf, first, began = Shelf(), asyncio.Event(), []

    async def second() -> None:
        began.append("second")

    waiting = asyncio.create_task(shelf.get("a", work_of(first)))
    other = asyncio.create_task(shelf.get("b", second))
    for _ in range(10):
        await asyncio.sleep(0)
    assert not began
    first.set()
    await asyncio.gather(waiting, other)
    assert began == ["second"]


async def test_when_too_many_things_are_wanted_the_next_one_is_refused() -> None:
    shelf, never = Shelf(ShelfLimits(wanted=2)), asyncio.Event()
    tasks = [asyncio.create_task(shelf.get(key, work_of(never))) for key in "ab"]
    await asyncio.sleep(0)
    with pytest.raises(TooBusy):
        await shelf.get("c", work_of(never))
    same = asyncio.create_task(shelf.get("a", work_of(never)))  # is being made already
    await asyncio.sleep(0)
    assert not same.done()
    await shelf.close()
    await asyncio.gather(same, *tasks, return_exceptions=True)


async def test_who_goes_away_takes_nothing_from_the_others() -> None:
    shelf, event = Shelf(), asyncio.Event()
    impatient = asyncio.create_task(shelf.get("a", work_of(event)))
    patient = asyncio.create_task(shelf.get("a", work_of(event)))
    await asyncio.sleep(0)
    impatient.cancel()
    await asyncio.gather(impatient, return_exceptions=True)
    event.set()
    await patient


async def test_what_fails_is_tried_again() -> None:
    shelf, calls = Shelf(), []

    async def fail() -> None:
        calls.append(1)
        raise LookupError

    for _ in range(2):
        with pytest.raises(LookupError):
            await shelf.get("a", fail)
    assert len(calls) == 2


async def test_only_so_much_is_kept_and_nothing_that_nobody_asks_for_any_more() -> None:
    clock = Clock()
    shelf, maker = Shelf(ShelfLimits(age_s=0.01, things=3), clock), Maker(clock)
    for key in range(10):
        await shelf.get(key, maker)
    assert len(shelf._kept) <= 4
    clock.now_s += 1.0
    while shelf._kept:  # noqa: ASYNC110 - a timer that nobody is told of
        await asyncio.sleep(0.01)


async def test_before_the_next_thing_is_made_as_much_time_goes_by_as_the_last_one_took() -> None:
    shelf, order = Shelf(), []

    async def slow() -> None:
        await asyncio.sleep(0.5)

    async def quick() -> None:
        order.append("quick")

    await shelf.get("slow", slow)
    next_one = asyncio.create_task(shelf.get("quick", quick))
    for _ in range(10):
        await asyncio.sleep(0)
    assert not order
    await next_one


async def test_what_is_large_makes_room_for_what_is_newer() -> None:
    shelf = Shelf(ShelfLimits(weight=10), weigh=len)

    async def make() -> str:
        return "x" * 6

    for key in "abc":
        await shelf.get(key, make)
    assert [*shelf._kept] == ["c"]

    async def make_huge() -> str:
        return "x" * 60

    assert await shelf.get("huge", make_huge) == "x" * 60
