"""One round at a time tells all that has come, in one message to each worker, also for workers that are gone."""

import asyncio

import pytest

from gearhorn.core.news import News
from gearhorn.store.leases import TopicVersion
from tests.unit.rounds_scene import EIGHT, LONGER, MEMO, SEVEN, TTL_S, Scene, about
from tests.unit.virtual_time import in_virtual_time, let_run

# One round at a time


@in_virtual_time
async def test_what_comes_during_a_round_goes_with_the_next_one_in_one_message_to_each_worker() -> None:
    scene = Scene()
    holders = [await scene.lease("b"), await scene.lease("c")]
    first = scene.tell(SEVEN, holders)
    await let_run()
    second, third = scene.tell(EIGHT, holders), scene.tell(MEMO, holders)
    scene.post.to("b").acknowledge()
    assert await scene.is_over(first, second, third) == [False, False, False]
    assert len(scene.post.sent) == 2
    scene.post.to("c").acknowledge()
    assert await scene.is_over(first, second, third) == [True, False, False]
    assert [(letter.lease.key.worker_id, letter.news) for letter in scene.post.sent[2:]] == [
        ("b", [EIGHT, MEMO]),
        ("c", [EIGHT, MEMO]),
    ]
    scene.post.to("b").acknowledge()
    scene.post.to("c").acknowledge()
    assert await scene.is_over(second, third) == [True, True]


@in_virtual_time
async def test_what_comes_in_one_moment_goes_in_one_round() -> None:
    scene = Scene("b")
    lease = await scene.lease("b")
    await asyncio.gather(scene.tell(SEVEN, [lease]).wait(), scene.tell(MEMO, [lease]).wait())
    assert [letter.news for letter in scene.post.sent] == [[SEVEN, MEMO]]


@in_virtual_time
async def test_the_leases_of_the_latest_answer_do_for_the_earlier_ones() -> None:
    scene = Scene()
    scene.tell(SEVEN, [await scene.lease("b")], held_s=50.0)
    lot = scene.tell(EIGHT, [await scene.lease("c")])
    await let_run()
    assert [letter.lease.key.worker_id for letter in scene.post.sent] == ["c"]
    scene.post.to("c").acknowledge()
    assert await scene.is_over(lot) == [True]


@in_virtual_time
async def test_one_who_goes_away_takes_nobody_along() -> None:
    scene = Scene()
    lot = scene.tell(SEVEN, [await scene.lease("b")])
    gone, patient = asyncio.create_task(lot.wait()), asyncio.create_task(lot.wait())
    await let_run()
    gone.cancel()
    await let_run()
    assert not patient.done()
    scene.post.to("b").acknowledge()
    await patient


@in_virtual_time
async def test_those_who_watch_are_told_without_the_holders_of_leases_own_ones_among_them() -> None:
    scene = Scene("b")
    scene.matchmaking.lease.asked("held")
    await scene.tell(SEVEN, [await scene.lease("a", "held"), await scene.lease("b")]).wait()
    assert scene.post.published == [([SEVEN], {"a", "b"})]


@in_virtual_time
async def test_a_worker_is_not_told_of_changes_from_before_its_lease() -> None:
    scene = Scene("b", "c")
    b = await scene.lease("b")
    scene.tell(SEVEN, [b])
    await scene.tell(MEMO, [b, await scene.lease("c")]).wait()
    assert scene.post.to("b").news == [SEVEN, MEMO]
    assert scene.post.to("c").news == [MEMO]
    assert scene.post.published == [([SEVEN, MEMO], {"b", "c"})]


# Changes that others have made


SEEN = News("news", 7)


@in_virtual_time
async def test_for_others_the_store_is_asked_who_holds_a_lease() -> None:
    scene = Scene()
    await scene.lease("gone")
    await asyncio.sleep(TTL_S + 1)
    await scene.hold_lease()
    await scene.lease("b")
    lot = scene.rounds.tell_for_others([SEEN])
    await let_run()
    assert [(letter.lease.key.worker_id, letter.news) for letter in scene.post.sent] == [("b", [SEEN])]
    assert scene.post.published == [([SEEN], {"a", "b"})]
    assert scene.store.asked["settle"] == []
    scene.post.to("b").acknowledge()
    assert await scene.is_over(lot) == [True]
    assert scene.store.asked["settle"] == [[TopicVersion("news", 7)]]


@pytest.mark.parametrize("is_first", [True, False])
@in_virtual_time
async def test_what_a_change_was_answered_does_not_do_for_others(is_first: bool) -> None:
    scene = Scene("b")
    held = await scene.hold_lease()
    await scene.lease("b")
    if is_first:
        scene.rounds.tell_for_others([SEEN])
    lot = scene.tell(MEMO, [held])
    if not is_first:
        scene.rounds.tell_for_others([SEEN])
    await lot.wait()
    assert scene.post.to("b").news == [SEEN]
    await let_run()
    assert scene.store.asked["settle"] == [[TopicVersion("memos", 3), TopicVersion("news", 7)]]


@in_virtual_time
async def test_what_came_with_a_lease_that_is_lost_by_now_is_neither_told_nor_settled() -> None:
    """It may be from before a loss of the store's."""
    scene = Scene("b")
    held = await scene.hold_lease()
    await scene.lease("b")
    await scene.store.release_lease(held.key)
    await scene.rounds.tell_for_others([SEEN]).wait()
    await let_run()
    assert [news for letter in scene.post.sent for news in letter.news] == []
    assert [version for versions in scene.store.asked["settle"] for version in versions] == []  # type: ignore[attr-defined]


@in_virtual_time
async def test_what_the_store_may_have_lost_is_waited_out_for_others_too() -> None:
    scene = Scene()
    scene.store.held_s = 3.0
    await scene.rounds.tell_for_others([SEEN]).wait()
    assert scene.took_s() == about(3 * LONGER)


@in_virtual_time
async def test_leases_that_are_asked_for_count_from_the_answer() -> None:
    scene = Scene()
    lease = await scene.lease("b")
    await scene.store.revoke_leases([lease.key])
    go_on = scene.store.hold("apply")
    lot = scene.rounds.tell_for_others([SEEN])
    await asyncio.sleep(4)
    go_on()
    await lot.wait()
    assert scene.took_s() == about(4 + (TTL_S - 4) * LONGER)
