"""A long list is read by itself. Nobody else waits for it, and who waits for it is treated like anybody who waits."""

import asyncio

import pytest

from gearhorn.core.matchmaking import Matchmaking, MatchmakingLimits
from gearhorn.core.members import Members
from gearhorn.errors import StoreUnavailable
from gearhorn.matchmaking.lookups import Lookups
from gearhorn.patience import Patience, PatienceSettings
from gearhorn.store.base import Subscribe
from tests.unit.directories import take_lease
from tests.unit.moody_store import MoodyStore
from tests.unit.virtual_time import in_virtual_time, let_run, now_s

PATIENT = PatienceSettings(retry_timeout_s=60.0, first_retry_s=0.1, most_retry_s=0.2)
NO_PATIENCE = PatienceSettings(retry_timeout_s=0.0)
AWAY = StoreUnavailable("gone fishing")


class Scene:
    """`ann` and `bob` are subscribed to `giant`, whose list is a long one, and `ann` to `news`."""

    def __init__(self, settings: PatienceSettings = PATIENT) -> None:
        self.store = MoodyStore(now_s)
        self.store.long_topics.add("giant")
        self.matchmaking = Matchmaking(MatchmakingLimits())
        self.lookups = Lookups(self.store, Patience(settings), self.matchmaking, now_s)

    async def begin(self, *, with_lease: bool = True) -> "Scene":
        await self.store.apply([Subscribe("giant", "ann"), Subscribe("giant", "bob"), Subscribe("news", "ann")])
        if with_lease:
            await take_lease(self.store, self.matchmaking, now_s())
        return self

    def ask(self, topic: str = "giant") -> "asyncio.Task[Members]":
        return asyncio.create_task(self.lookups.members(topic))

    @property
    def is_tidy(self) -> bool:
        lookups = self.lookups
        return not (lookups._asked or lookups._unanswered or lookups._long_lookups)


@in_virtual_time
async def test_nobody_waits_for_a_long_list_of_another_topic() -> None:
    scene = await Scene().begin()
    go_on = scene.store.hold("read_long")
    giant, together = scene.ask(), scene.ask("news")
    assert set(await together) == {b"ann"}
    assert not await scene.ask("nobody")
    assert not giant.done()
    go_on()
    assert set(await giant) == {b"ann", b"bob"}
    assert scene.store.asked["read_long"] == [["giant"]]


@in_virtual_time
async def test_a_long_list_is_answered_from_memory_once_it_was_read() -> None:
    scene = await Scene().begin()
    for _ in range(3):
        assert set(await scene.ask()) == {b"ann", b"bob"}
    found = scene.lookups.find("giant")
    assert found is not None
    assert set(found) == {b"ann", b"bob"}
    assert len(scene.store.asked["read_long"]) == 1
    assert scene.is_tidy


@in_virtual_time
async def test_those_who_ask_together_share_a_read_and_who_comes_later_never_shares_theirs() -> None:
    scene = await Scene().begin(with_lease=False)
    go_on = scene.store.hold("read_long")
    early = [scene.ask(), scene.ask()]
    await let_run()
    late = [scene.ask(), scene.ask()]
    await let_run()
    await scene.store.apply([Subscribe("giant", "carl")])
    go_on()
    for task in late:
        assert b"carl" in await task
    assert all(task.done() for task in early)
    assert len(scene.store.asked["read_long"]) == 2
    assert scene.is_tidy


@in_virtual_time
async def test_who_asks_for_a_long_list_later_is_not_answered_earlier() -> None:
    scene = await Scene().begin()
    order: list[int] = []

    async def ask(number: int) -> None:
        await scene.lookups.members("giant")
        order.append(number)

    go_on = scene.store.hold("read_long")
    asked = []
    for number in range(3):
        asked.append(asyncio.create_task(ask(number)))
        await let_run()
    go_on()
    while scene.lookups.find("giant") is None:
        assert len(order) < 3
        await asyncio.sleep(0)
    await ask(3)
    await asyncio.wait(asked)
    assert order == [0, 1, 2, 3]


@in_virtual_time
async def test_a_store_that_is_away_is_waited_for() -> None:
    scene = await Scene().begin()
    scene.store.fail("read_long", AWAY, AWAY)
    assert set(await scene.ask()) == {b"ann", b"bob"}
    assert scene.is_tidy


@in_virtual_time
async def test_all_hear_of_a_failure_and_the_next_question_is_a_new_one() -> None:
    scene = await Scene(NO_PATIENCE).begin()
    scene.store.fail("read_long", AWAY)
    for error in await asyncio.gather(scene.ask(), scene.ask(), return_exceptions=True):
        assert isinstance(error, StoreUnavailable)
    assert scene.is_tidy
    assert len(await scene.ask()) == 2


@pytest.mark.parametrize("fails", [True, False])
@in_virtual_time
async def test_who_goes_away_leaves_nothing_behind_and_takes_nothing_from_others(fails: bool) -> None:
    scene = await Scene(NO_PATIENCE).begin()
    if fails:
        scene.store.fail("read_long", AWAY)
    go_on = scene.store.hold("read_long")
    gone, other = scene.ask(), scene.ask()
    await let_run()
    gone.cancel()
    if fails:
        other.cancel()
    await let_run()
    go_on()
    await asyncio.wait([gone, other])
    await let_run()
    assert gone.cancelled()
    assert fails or len(other.result()) == 2
    assert scene.is_tidy


@in_virtual_time
async def test_closing_leaves_nobody_waiting_for_a_long_list() -> None:
    scene = await Scene().begin()
    scene.store.hold("read_long")
    asked = [scene.ask(), scene.ask("news")]
    await let_run()
    await scene.lookups.close()
    await asyncio.wait(asked)
    assert asked[0].cancelled()
    assert set(asked[1].result()) == {b"ann"}
    assert scene.is_tidy
