"""What is answered from memory is never older than what was completed, or heard of, and costs no call of the store."""

import asyncio
from collections.abc import Sequence

import pytest

from gearhorn.core.lease import CLOCK_MARGIN
from gearhorn.core.matchmaking import Matchmaking, MatchmakingLimits
from gearhorn.core.members import Members
from gearhorn.core.news import News
from gearhorn.errors import StoreUnavailable
from gearhorn.matchmaking.directory import Directory
from gearhorn.patience import PatienceSettings
from gearhorn.store.base import Subscribe, TopicList, Unsubscribe
from gearhorn.store.leases import LeaseKey
from tests.unit.directories import directory_of, take_lease
from tests.unit.letters import Letters
from tests.unit.moody_store import MoodyStore
from tests.unit.virtual_time import in_virtual_time, let_run, now_s

TTL_S = 10.0
PATIENT = PatienceSettings(retry_timeout_s=60.0, first_retry_s=0.1, most_retry_s=0.2)
NO_PATIENCE = PatienceSettings(retry_timeout_s=0.0)
AWAY = StoreUnavailable("gone fishing")


class Scene:
    """Worker `a` with a lease, if it has taken one, and a store where `ann` is subscribed to `news`."""

    def __init__(self, settings: PatienceSettings = PATIENT, subscriber_limit: int = 100) -> None:
        self.store = MoodyStore(now_s)
        self.matchmaking = Matchmaking(MatchmakingLimits(TTL_S, cache_subscribers=subscriber_limit))
        self.post = Letters()
        self.directory: Directory = directory_of(self.store, settings, self.matchmaking, self.post, now_s)

    async def begin(self) -> "Scene":
        await self.store.apply([Subscribe("news", "ann")])
        await take_lease(self.store, self.matchmaking, now_s())
        return self

    def found(self, topic: str = "news") -> set[bytes] | None:
        members = self.directory.find(topic)
        return None if members is None else set(members)

    def ask(self, topic: str = "news") -> "asyncio.Task[Members]":
        return asyncio.create_task(self.directory.members(topic))

    @property
    def read_count(self) -> int:
        return len(self.store.asked["read"])

    @property
    def kept_count(self) -> int:
        """Lists, and reads that have not ended."""
        return len(self.matchmaking.lists._entries)


# Keeping lists


@in_virtual_time
async def test_a_list_is_read_once_and_then_answered_from_memory() -> None:
    scene = await Scene().begin()
    assert scene.found() is None
    for _ in range(3):
        assert set(await scene.directory.members("news")) == {b"ann"}
        assert scene.found() == {b"ann"}
    assert scene.read_count == 1


@in_virtual_time
async def test_a_list_without_subscribers_is_answered_from_memory_too() -> None:
    scene = await Scene().begin()
    for _ in range(3):
        assert not await scene.directory.members("nobody")
    assert scene.found("nobody") == set()
    assert scene.read_count == 1


@in_virtual_time
async def test_without_a_lease_each_list_is_read_anew() -> None:
    scene = Scene()
    for client_id in ("ann", "bob"):
        await scene.store.apply([Subscribe("news", client_id)])
        assert client_id.encode() in set(await scene.directory.members("news"))
        assert scene.found() is None
    assert scene.read_count == 2
    assert scene.kept_count == 0


@in_virtual_time
async def test_memory_is_good_until_the_very_end_of_the_lease_and_no_longer() -> None:
    scene = await Scene().begin()
    await scene.directory.members("news")
    await asyncio.sleep(TTL_S * (1 - CLOCK_MARGIN) - 0.001)
    assert scene.found() == {b"ann"}
    await asyncio.sleep(0.002)
    assert scene.found() is None
    assert set(await scene.directory.members("news")) == {b"ann"}
    assert scene.read_count == 2


@in_virtual_time
async def test_a_list_that_was_read_under_a_lost_lease_is_not_kept_under_the_next_one() -> None:
    scene = await Scene().begin()
    go_on = scene.store.hold("read")
    asked = scene.ask()
    await let_run()
    scene.matchmaking.lease_lost()
    await scene.store.release_lease(LeaseKey("a", "held"))
    await take_lease(scene.store, scene.matchmaking, now_s(), "next")
    go_on()
    assert set(await asked) == {b"ann"}
    assert scene.found() is None


@in_virtual_time
async def test_what_came_into_memory_since_the_question_is_not_read_again() -> None:
    scene = await Scene().begin()
    go_on = scene.store.hold("read")
    first = scene.ask()
    await let_run()
    others = [scene.ask(), scene.ask("memos")]
    await let_run()
    go_on()
    assert [set(await asked) for asked in (first, *others)] == [{b"ann"}, {b"ann"}, set()]
    assert scene.store.asked["read"] == [["news"], ["memos"]]


@in_virtual_time
async def test_who_asks_while_others_wait_for_the_list_has_its_turn_after_them() -> None:
    scene = await Scene().begin()
    order: list[int] = []

    async def ask(number: int) -> None:
        await scene.directory.members("news")
        order.append(number)

    go_on = scene.store.hold("read")
    asked = [asyncio.create_task(ask(number)) for number in range(3)]
    await let_run()
    asked.append(asyncio.create_task(ask(3)))
    await let_run()
    go_on()
    while scene.directory.find("news") is None:
        assert len(order) < 4
        await asyncio.sleep(0)
    assert order == [0, 1, 2, 3]
    assert all(task.done() for task in asked)


@in_virtual_time
async def test_who_waits_together_with_other_lists_is_not_overtaken_either() -> None:
    scene = await Scene().begin()
    order: list[int] = []

    async def ask(number: int, topic: str = "news") -> None:
        await scene.directory.members(topic)
        order.append(number)

    read_news = scene.store.hold("read")
    asked = [asyncio.create_task(ask(1))]
    await let_run()
    asked += [asyncio.create_task(ask(2)), asyncio.create_task(ask(0, "memos"))]
    await let_run()
    read_memos = scene.store.hold("read")
    read_news()
    await let_run()
    assert order == [1]
    asked.append(asyncio.create_task(ask(3)))
    await let_run()
    assert order == [1]
    read_memos()
    await asyncio.wait(asked)
    assert order.index(2) < order.index(3)


@pytest.mark.parametrize("count_at_once", [1, 3])
@in_virtual_time
async def test_memory_answers_again_although_questions_come_all_the_time(count_at_once: int) -> None:
    scene = await Scene().begin()
    asked = [scene.ask()]
    for _ in range(20):
        await asyncio.sleep(0)
        if scene.found() is not None:
            break
        asked += [scene.ask() for _ in range(count_at_once)]
    assert scene.found() == {b"ann"}
    assert all(task.done() for task in asked)
    assert scene.read_count == 1


@in_virtual_time
async def test_a_read_that_failed_does_not_keep_anybody_in_line() -> None:
    scene = await Scene(NO_PATIENCE).begin()
    scene.store.fail("read", AWAY)
    for error in await asyncio.gather(scene.ask(), scene.ask(), return_exceptions=True):
        assert isinstance(error, StoreUnavailable)
    await scene.directory.members("news")
    assert scene.found() == {b"ann"}
    assert not scene.directory._lookups._unanswered
    assert not scene.directory._lookups._asked


@in_virtual_time
async def test_who_went_away_holds_up_nobody() -> None:
    scene = await Scene().begin()
    go_on = scene.store.hold("read")
    gone, patient = scene.ask(), scene.ask()
    await let_run()
    gone.cancel()
    await let_run()
    go_on()
    while scene.found() is None:
        assert not patient.done()
        await asyncio.sleep(0)
    assert patient.done()  # nor does anybody overtake who waits still


# Changes that others make while a list is being read


@in_virtual_time
async def test_a_list_from_before_the_news_is_not_kept() -> None:
    """The news overtook the answer: what is kept would be old for ever."""
    scene = await Scene().begin()
    (old,) = await scene.store.read(["news"])
    answer = hold_answer(scene)
    asked = scene.ask()
    await let_run()
    scene.matchmaking.hear([News("news", old.version + 1)])
    answer.set_result([old])
    assert set(await asked) == {b"ann"}  # whoever asked before the change completed may get the list from before
    assert scene.found() is None


@in_virtual_time
async def test_news_that_came_while_the_store_was_away_count_too() -> None:
    scene = await Scene().begin()
    scene.store.fail("read", AWAY)
    asked = scene.ask()
    await let_run()
    scene.matchmaking.hear([News("news", 10**18)])
    await asked
    assert scene.read_count == 2
    assert scene.found() == {b"ann"}  # the second read began after them


def hold_answer(scene: Scene) -> "asyncio.Future[list[TopicList]]":
    """The next reads get this answer when it is there."""
    answer: asyncio.Future[list[TopicList]] = asyncio.get_running_loop().create_future()
    read = scene.store.read

    async def answer_late(topics: Sequence[str]) -> list[TopicList]:
        scene.store.read = read  # type: ignore[method-assign]
        return await answer

    scene.store.read = answer_late  # type: ignore[method-assign]
    return answer


# Reads that fail


@pytest.mark.parametrize("count", [1, 3])
@in_virtual_time
async def test_a_read_that_fails_leaves_nothing_behind(count: int) -> None:
    scene = await Scene(NO_PATIENCE).begin()
    for _ in range(count):
        scene.store.fail("read", AWAY)
        with pytest.raises(StoreUnavailable):
            await scene.directory.members("news")
    assert scene.kept_count == 0
    assert set(await scene.directory.members("news")) == {b"ann"}
    assert scene.found() == {b"ann"}


@in_virtual_time
async def test_a_read_that_is_cut_off_leaves_nothing_behind() -> None:
    scene = await Scene().begin()
    scene.store.hold("read")
    asked = scene.ask()
    await let_run()
    assert scene.kept_count == 1
    await scene.directory.close()
    await asyncio.wait([asked])
    assert scene.kept_count == 0


@in_virtual_time
async def test_an_answer_that_lacks_a_list_is_an_error_and_not_an_empty_list() -> None:
    scene = await Scene().begin()
    hold_answer(scene).set_result([])
    with pytest.raises(ValueError, match="shorter"):
        await scene.directory.members("news")
    assert scene.kept_count == 0


# Lists that are too large


@in_virtual_time
async def test_a_list_that_is_too_large_is_said_once_and_read_each_time(caplog: pytest.LogCaptureFixture) -> None:
    scene = await Scene(subscriber_limit=2).begin()
    await scene.store.apply([Subscribe("news", "bob"), Subscribe("news", "cid"), Subscribe("memos", "ann")])
    for _ in range(3):
        assert len(await scene.directory.members("news")) == 3
        assert len(await scene.directory.members("memos")) == 1
    assert [record.getMessage() for record in caplog.records] == [
        "the list of 'news' is too large to be kept in memory: each fanout reads it"
    ]
    assert scene.store.asked["read"] == [["news"], ["memos"], ["news"], ["news"]]


# Own changes


@in_virtual_time
async def test_an_own_change_is_in_memory_before_it_is_completed_and_nothing_is_read_for_it() -> None:
    scene = await Scene().begin()
    await scene.directory.members("news")
    await scene.store.take_lease(LeaseKey("b", "token"), TTL_S, "{}")
    changing = asyncio.create_task(scene.directory.change(Subscribe("news", "bob")))
    await let_run()
    assert not changing.done()  # the other worker does not know yet
    assert scene.found() == {b"ann", b"bob"}
    scene.post.to("b").acknowledge()
    await changing
    scene.post.answering = ("b",)
    await scene.directory.change(Unsubscribe("news", "ann"))
    assert scene.found() == {b"bob"}
    assert scene.read_count == 1


@in_virtual_time
async def test_an_own_change_that_was_made_under_an_earlier_lease_is_not_worked_in() -> None:
    """A store that lost the change went back to the version that it starts from."""
    scene = await Scene().begin()
    (old,) = await scene.store.read(["news"])
    go_on = scene.store.hold("apply")
    changing = asyncio.create_task(scene.directory.change(Subscribe("news", "bob")))
    await let_run()
    await scene.store.release_lease(LeaseKey("a", "held"))
    go_on()
    reading = scene.matchmaking.begin_read(["news"])
    scene.matchmaking.end_read(reading, {"news": (old.version, Members.of([b"ann"]))})
    await changing
    assert scene.found() == {b"ann"}
