"""Others are told of what has changed, and of what nobody has told them before; of nothing else."""

import asyncio

import pytest

from gearhorn.core.matchmaking import Matchmaking, MatchmakingLimits
from gearhorn.core.news import News
from gearhorn.errors import StoreUnavailable
from gearhorn.matchmaking.directory import Directory, news_of
from gearhorn.patience import PatienceSettings
from gearhorn.store.base import (
    UNKNOWN_VERSION,
    Applied,
    Change,
    ChangeResult,
    Collision,
    Outcome,
    Subscribe,
    TopicState,
    Unsubscribe,
)
from gearhorn.store.leases import LeaseKey, TopicVersion
from tests.unit.directories import directory_of
from tests.unit.letters import Letters
from tests.unit.moody_store import MoodyStore
from tests.unit.virtual_time import in_virtual_time, let_run, now_s

PATIENT = PatienceSettings(retry_timeout_s=60.0, first_retry_s=0.1, most_retry_s=0.2)
MADE, AS_IT_WAS, REFUSED = Applied(7, True), Applied(7, False), Collision("a_b")
STEP, SETTLED, UNSETTLED = TopicState(6, 7, False), TopicState(7, 7, True), TopicState(7, 7, False)
REPEATED = TopicState(UNKNOWN_VERSION, 7, False)
ANN, BOB, NO_ANN = Subscribe("news", "ann"), Subscribe("news", "bob"), Unsubscribe("news", "ann")


def told(*made: tuple[Change, ChangeResult], **topics: TopicState) -> list[News]:
    changes, results = zip(*made, strict=True)
    return list(news_of(changes, Outcome(list(results), topics, [])))


# What there is to tell


def test_a_change_is_told_with_what_it_did() -> None:
    assert told((ANN, MADE), news=STEP) == [News("news", 7, 6, {b"ann": True})]
    assert told((NO_ANN, MADE), news=STEP) == [News("news", 7, 6, {b"ann": False})]


def test_changes_of_one_list_are_told_as_one_and_the_last_word_counts() -> None:
    made = [(ANN, MADE), (BOB, MADE), (NO_ANN, MADE), (Subscribe("news", "cid"), AS_IT_WAS)]
    assert told(*made, news=STEP) == [News("news", 7, 6, {b"ann": False, b"bob": True})]


def test_each_list_is_told_of_by_itself() -> None:
    memo = Subscribe("memos", "ann")
    assert told((ANN, MADE), (memo, MADE), news=STEP, memos=TopicState(2, 3, False)) == [
        News("news", 7, 6, {b"ann": True}),
        News("memos", 3, 2, {b"ann": True}),
    ]


def test_names_are_told_in_utf8() -> None:
    assert told((Subscribe("news", "änn"), MADE), news=STEP) == [News("news", 7, 6, {"änn".encode(): True})]


def test_of_what_was_so_and_is_known_to_all_nothing_is_told() -> None:
    assert told((ANN, AS_IT_WAS), news=SETTLED) == []


def test_of_what_was_so_and_is_not_known_to_all_it_is_told_that_it_changed() -> None:
    assert told((ANN, AS_IT_WAS), news=UNSETTLED) == [News("news", 7)]


@pytest.mark.parametrize("result", [MADE, AS_IT_WAS])
def test_after_a_repeated_call_nobody_knows_what_has_changed(result: ChangeResult) -> None:
    assert told((ANN, result), news=REPEATED) == [News("news", 7)]


def test_a_change_said_to_be_made_that_raised_no_version_is_told_without_what_it_did() -> None:
    assert told((ANN, MADE), news=SETTLED) == [News("news", 7)]
    assert told((ANN, MADE), news=UNSETTLED) == [News("news", 7)]


def test_a_version_that_nobody_admits_to_have_raised_is_told_without_what_was_done() -> None:
    assert told((ANN, AS_IT_WAS), news=STEP) == [News("news", 7)]


def test_of_a_refusal_nothing_is_told_unless_the_list_is_not_known_to_all() -> None:
    assert told((ANN, REFUSED), news=SETTLED) == []
    assert told((ANN, REFUSED), news=UNSETTLED) == [News("news", 7)]
    assert told((ANN, REFUSED), (BOB, MADE), news=STEP) == [News("news", 7, 6, {b"bob": True})]


# Who waits


class Scene:
    """Worker `a`, and worker `b` with a lease."""

    def __init__(self, *answering: str) -> None:
        self.store = MoodyStore(now_s)
        self.post = Letters(*answering)
        matchmaking = Matchmaking(MatchmakingLimits(10.0))
        self.directory: Directory = directory_of(self.store, PATIENT, matchmaking, self.post, now_s)

    async def begin(self) -> "Scene":
        await self.store.take_lease(LeaseKey("b", "token"), 10.0, "{}")
        return self

    def change(self, change: Change) -> "asyncio.Task[ChangeResult]":
        return asyncio.create_task(self.directory.change(change))


@in_virtual_time
async def test_a_change_is_completed_when_the_others_know_of_it() -> None:
    scene = await Scene().begin()
    changing = scene.change(ANN)
    await let_run()
    assert not changing.done()
    (news,) = scene.post.to("b").news
    assert (news.topic, news.difference) == ("news", {b"ann": True})
    scene.post.to("b").acknowledge()
    result = await changing
    assert result == Applied(news.version, True)
    await let_run()
    assert scene.store.asked["settle"] == [[TopicVersion("news", news.version)]]


@in_virtual_time
async def test_who_asks_again_for_what_all_know_costs_one_call_and_no_message() -> None:
    scene = await Scene("b").begin()
    await scene.directory.change(ANN)
    await let_run()
    for _ in range(3):
        result = await scene.directory.change(ANN)
        assert isinstance(result, Applied)
        assert not result.changed
    assert len(scene.post.sent) == 1
    assert len(scene.store.asked["settle"]) == 1
    assert len(scene.store.asked["apply"]) == 4


@in_virtual_time
async def test_who_asks_again_for_what_nobody_was_told_of_waits_for_that() -> None:
    scene = await Scene().begin()
    await scene.store.apply([ANN])  # whoever made the change is gone
    changing = scene.change(ANN)
    await let_run()
    assert not changing.done()
    assert [news.difference for news in scene.post.to("b").news] == [None]
    scene.post.to("b").acknowledge()
    result = await changing
    assert isinstance(result, Applied)
    assert not result.changed


@in_virtual_time
async def test_a_change_that_was_made_though_its_answer_was_lost_is_told_all_the_same() -> None:
    scene = await Scene().begin()
    scene.store.fail_late("apply", StoreUnavailable("away"))
    changing = scene.change(ANN)
    await asyncio.sleep(0.5)
    assert not changing.done()
    assert [news.difference for news in scene.post.to("b").news] == [None]
    scene.post.to("b").acknowledge()
    await changing


@in_virtual_time
async def test_who_wants_what_all_know_does_not_wait_for_changes_of_other_lists() -> None:
    scene = await Scene("b").begin()
    await scene.directory.change(ANN)
    await let_run()
    scene.post.answering = ()
    again, new = scene.change(ANN), scene.change(Subscribe("memos", "ann"))
    await let_run()
    assert len(scene.store.asked["apply"]) == 2  # both went together
    assert (again.done(), new.done()) == (True, False)


@in_virtual_time
async def test_who_wants_what_others_change_at_the_same_time_waits_with_them() -> None:
    scene = await Scene("b").begin()
    await scene.directory.change(ANN)
    await let_run()
    scene.post.answering = ()
    again, new = scene.change(ANN), scene.change(BOB)
    await let_run()
    assert (again.done(), new.done()) == (False, False)


@in_virtual_time
async def test_a_store_that_may_have_lost_leases_makes_changes_wait() -> None:
    scene = Scene()
    scene.store.held_s = 3.0
    began_s = now_s()
    await scene.directory.change(ANN)
    assert now_s() - began_s >= 3.0
