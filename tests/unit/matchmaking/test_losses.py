"""A worker tells lists that the store has lost from lists that are empty."""

import asyncio
import logging

import pytest

from gearhorn.core.matchmaking import Matchmaking, MatchmakingLimits
from gearhorn.errors import ListLost, StoreUnavailable
from gearhorn.matchmaking.lookups import Lookups
from gearhorn.matchmaking.losses import LOSS, Losses, find_loss, forget_loss
from gearhorn.patience import Patience, PatienceSettings
from gearhorn.store.base import Evidence, Subscribe, Unsubscribe
from gearhorn.store.memory import MemoryLists
from tests.unit.directories import take_lease
from tests.unit.moody_store import MoodyStore
from tests.unit.virtual_time import in_virtual_time, now_s

SINCE_MONDAY = Evidence({"since": "monday"})
SINCE_FRIDAY = Evidence({"since": "friday"})
NOTHING = Evidence({"since": ""})


class Worker:
    """With what it takes to answer who is subscribed. It holds a lease if it is told to take one."""

    def __init__(self, name: str, lists: MemoryLists) -> None:
        self.store = MoodyStore(now_s, lists)
        self.matchmaking = Matchmaking(MatchmakingLimits())
        self.losses = Losses(self.store, self.matchmaking, name, now_s)
        patience = Patience(PatienceSettings(retry_timeout_s=0.0))
        self.lookups = Lookups(self.store, patience, self.matchmaking, now_s, self.losses)

    async def count(self, topic: str = "news") -> int:
        return len(await self.lookups.members(topic))


class Scene:
    """Workers that share a store, in which `bob` is subscribed to `news`."""

    def __init__(self) -> None:
        self.lists = MemoryLists()
        self.lists.evidence = SINCE_MONDAY

    async def begin(self) -> Worker:
        worker = await self.hire()
        await worker.store.apply([Subscribe("news", "bob"), Subscribe("left", "bob"), Unsubscribe("left", "bob")])
        return worker

    async def hire(self, name: str = "ann") -> Worker:
        worker = Worker(name, self.lists)
        await worker.losses.look()
        return worker

    async def lose(self, since: Evidence = SINCE_FRIDAY) -> None:
        self.lists.__dict__.update(MemoryLists().__dict__)
        self.lists.evidence = since
        await asyncio.sleep(1)


async def is_refused(worker: Worker, topic: str = "news") -> bool:
    try:
        assert await worker.count(topic) == 0
    except ListLost:
        return True
    return False


@in_virtual_time
async def test_where_nothing_was_lost_a_topic_without_subscribers_has_none() -> None:
    worker = await Scene().begin()
    for topic in ("never", "left"):
        assert await worker.count(topic) == 0
    assert await find_loss(worker.store) is None


@pytest.mark.parametrize("since", [SINCE_FRIDAY, NOTHING])
@in_virtual_time
async def test_the_first_read_after_the_loss_is_refused(since: Evidence) -> None:
    scene = Scene()
    worker = await scene.begin()
    await scene.lose(since)
    with pytest.raises(ListLost, match="nobody has subscribed to 'news' since"):
        await worker.count()


@in_virtual_time
async def test_others_and_later_ones_hear_of_it() -> None:
    scene = Scene()
    worker, other = await scene.begin(), await scene.hire("ben")
    await scene.lose()
    await worker.losses.look()
    assert await is_refused(other)
    assert await is_refused(await scene.hire("carl"))


@in_virtual_time
async def test_one_who_knows_of_nothing_drops_its_empty_lists_when_it_hears_of_it() -> None:
    scene = Scene()
    worker = await scene.begin()
    await scene.lose()
    later = await scene.hire("carl")
    await take_lease(later.store, later.matchmaking, now_s())
    assert not await is_refused(later)  # it takes the store for new
    await worker.losses.look()
    assert not await is_refused(later)  # from memory
    await later.losses.look()
    assert await is_refused(later)


@in_virtual_time
async def test_lists_in_memory_are_served_for_as_long_as_the_lease_is_good() -> None:
    scene = Scene()
    worker = await scene.begin()
    await take_lease(worker.store, worker.matchmaking, now_s())
    assert await worker.count() == 1
    await scene.lose()
    assert await is_refused(worker, "other")
    assert await worker.count() == 1
    worker.matchmaking.lease_lost()
    assert await is_refused(worker)


@in_virtual_time
async def test_a_topic_is_served_again_when_somebody_subscribes() -> None:
    scene = Scene()
    worker = await scene.begin()
    await scene.lose()
    assert await is_refused(worker)
    await worker.store.apply([Subscribe("news", "eve")])
    assert await worker.count() == 1
    await worker.store.apply([Unsubscribe("news", "eve")])
    assert await worker.count() == 0
    assert await is_refused(worker, "other")


@in_virtual_time
async def test_when_the_loss_is_forgotten_everybody_goes_on() -> None:
    scene = Scene()
    worker, other = await scene.begin(), await scene.hire("ben")
    await take_lease(worker.store, worker.matchmaking, now_s())
    assert await worker.count() == 1
    await scene.lose()
    worker.matchmaking.lease_lost()
    assert await is_refused(worker)
    await asyncio.sleep(5)
    await forget_loss(worker.store, now_s())
    for one in (worker, other, await scene.hire("carl")):
        await asyncio.sleep(1)
        assert await one.count() == 0
        await asyncio.sleep(1)
        await one.losses.look()
        assert await one.count() == 0


@in_virtual_time
async def test_the_next_loss_is_another_one() -> None:
    """Also where the record of the first one, or that it was forgotten, is still there."""
    scene = Scene()
    worker = await scene.begin()
    await scene.lose()
    assert await is_refused(worker)
    await forget_loss(worker.store, now_s())
    await asyncio.sleep(1)
    await worker.losses.look()
    assert await worker.count() == 0
    scene.lists.evidence = SINCE_MONDAY
    await asyncio.sleep(1)
    assert await is_refused(worker)


@in_virtual_time
async def test_a_loss_that_the_store_has_forgotten_itself_is_put_down_again() -> None:
    scene = Scene()
    worker = await scene.begin()
    await scene.lose(NOTHING)
    assert await is_refused(worker)
    await worker.store.drop_record(LOSS)
    assert await is_refused(worker)
    assert await find_loss(worker.store) is not None


@in_virtual_time
async def test_who_notices_later_what_was_forgotten_since_leaves_it_at_that() -> None:
    scene = Scene()
    worker, asleep = await scene.begin(), await scene.hire("ben")
    await asyncio.sleep(1)
    await scene.lose()
    assert await is_refused(worker)
    await asyncio.sleep(1)
    await forget_loss(worker.store, now_s())
    await asyncio.sleep(1)
    assert not await is_refused(asleep)


@in_virtual_time
async def test_a_store_that_cannot_be_asked_makes_no_zero() -> None:
    scene = Scene()
    worker = await scene.begin()
    await scene.lose()
    worker.store.fail("read_record", StoreUnavailable("away"))
    with pytest.raises(StoreUnavailable):
        await worker.count()
    assert await is_refused(worker)


@in_virtual_time
async def test_a_list_that_is_missing_alone_is_refused_alone() -> None:
    scene = Scene()
    worker = await scene.begin()
    scene.lists.evidence = SINCE_MONDAY._replace(torn_topics=["left"])
    with pytest.raises(ListLost, match="the store has lost the list of subscribers of 'left'"):
        await worker.count("left")
    assert await worker.count("news") == 1
    assert await worker.count("never") == 0


@in_virtual_time
async def test_a_store_without_marks_that_went_back_is_found_out_by_what_was_in_memory() -> None:
    scene = Scene()
    scene.lists.evidence = Evidence()
    worker = await scene.begin()
    await take_lease(worker.store, worker.matchmaking, now_s())
    assert await worker.count() == 1
    await scene.lose(Evidence())
    worker.matchmaking.lease_lost()
    assert await is_refused(worker)
    assert await is_refused(await scene.hire("carl"))


@in_virtual_time
async def test_the_list_where_workers_meet_is_never_refused() -> None:
    scene = Scene()
    worker = await scene.begin()
    await scene.lose()
    assert await worker.count("__matchmaking") == 0


@in_virtual_time
async def test_it_is_said_once_and_of_each_topic_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    scene = Scene()
    worker = await scene.begin()
    await scene.lose()
    for _ in range(5):
        assert await is_refused(worker)
        assert await is_refused(worker, "other")
    assert [record.levelno for record in caplog.records] == [logging.ERROR, logging.WARNING, logging.WARNING]
    await asyncio.sleep(60)
    assert await is_refused(worker)
    assert len(caplog.records) == 4


@in_virtual_time
async def test_a_list_that_is_shorter_than_it_was_in_memory_is_spoken_of(caplog: pytest.LogCaptureFixture) -> None:
    scene = Scene()
    worker = await scene.begin()
    await worker.store.apply([Subscribe("news", "ann")])
    await take_lease(worker.store, worker.matchmaking, now_s())
    assert await worker.count() == 2
    await scene.lose()
    worker.matchmaking.lease_lost()
    assert await is_refused(worker)
    await worker.store.apply([Subscribe("news", "eve")])
    for _ in range(2):
        assert await worker.count() == 1
    assert caplog.text.count("topic 'news' had 2 subscribers before the store lost lists, and has 1 now") == 1


@in_virtual_time
async def test_a_list_that_became_shorter_without_any_loss_is_nothing_to_speak_of(
    caplog: pytest.LogCaptureFixture,
) -> None:
    worker = await Scene().begin()
    await take_lease(worker.store, worker.matchmaking, now_s())
    assert await worker.count() == 1
    worker.matchmaking.lease_lost()
    await worker.store.apply([Unsubscribe("news", "bob")])
    assert await worker.count() == 0
    assert not caplog.records


@in_virtual_time
async def test_a_record_that_cannot_be_read_tells_of_a_loss() -> None:
    worker = await Scene().begin()
    await worker.store.keep_record(LOSS, b"{", 100.0)
    assert await is_refused(worker, "never")
