"""Whoever waits for a round hears how it ended, whatever goes wrong, and the next one works."""

import asyncio
import gc

import pytest

from gearhorn.errors import Misconfigured, StoreUnavailable
from gearhorn.store.leases import LeaseKey, TopicVersion
from tests.unit.rounds_scene import ACK_TIMEOUT_S, EIGHT, LONGER, SEVEN, TTL_S, Scene
from tests.unit.virtual_time import in_virtual_time, let_run

# A store that is away, and other trouble


@in_virtual_time
async def test_those_who_wait_hear_that_the_store_stays_away_and_the_next_round_works() -> None:
    scene = Scene()
    scene.store.fail("revoke_leases", *[StoreUnavailable("away")] * 100)
    first = scene.tell(SEVEN, [await scene.lease("b")])
    await let_run()
    second = scene.tell(EIGHT, [await scene.lease("c")])
    with pytest.raises(StoreUnavailable, match="away"):
        await first.wait()
    assert scene.post.to("b").is_stopped
    scene.post.to("b").acknowledge()  # too late to matter
    assert await scene.is_over(second) == [False]
    scene.post.to("c").acknowledge()
    await second.wait()
    assert scene.store.asked["settle"] == [[TopicVersion("news", 8)]]


@in_virtual_time
async def test_a_store_that_is_away_for_a_moment_is_waited_for() -> None:
    scene = Scene()
    scene.store.fail("revoke_leases", StoreUnavailable("away"))
    await scene.tell(SEVEN, [await scene.lease("b")]).wait()
    assert TTL_S < scene.took_s() < TTL_S * LONGER
    assert len(scene.store.asked["revoke_leases"]) == 2


@in_virtual_time
async def test_a_store_that_is_away_is_not_waited_for_when_all_have_acknowledged_meanwhile() -> None:
    scene = Scene()
    scene.store.fail("revoke_leases", *[StoreUnavailable("away")] * 100)
    lot = scene.tell(SEVEN, [await scene.lease("b")])
    await asyncio.sleep(ACK_TIMEOUT_S + 1)
    scene.post.to("b").acknowledge()
    await lot.wait()
    assert scene.took_s() < ACK_TIMEOUT_S + 2


@in_virtual_time
async def test_those_who_acknowledged_while_the_store_was_away_keep_their_leases() -> None:
    scene = Scene()
    scene.store.fail("revoke_leases", StoreUnavailable("away"))
    scene.tell(SEVEN, [await scene.lease("b"), await scene.lease("c")])
    await asyncio.sleep(ACK_TIMEOUT_S + 0.01)
    scene.post.to("b").acknowledge()
    await asyncio.sleep(1)
    assert await scene.revoked() == [LeaseKey("c", "token")]


@in_virtual_time
async def test_those_who_wait_hear_that_nobody_could_tell_them_who_holds_a_lease() -> None:
    scene = Scene()
    scene.store.fail("apply", *[StoreUnavailable("away")] * 100)
    with pytest.raises(StoreUnavailable, match="away"):
        await scene.rounds.tell_for_others([SEVEN]).wait()
    assert scene.store.asked["settle"] == []


@in_virtual_time
async def test_who_holds_a_lease_is_asked_again_when_the_store_was_away_for_a_moment() -> None:
    scene = Scene()
    scene.store.fail("apply", StoreUnavailable("away"))
    await scene.rounds.tell_for_others([SEVEN]).wait()
    assert scene.store.asked["apply"] == [[], []]


@in_virtual_time
async def test_what_waiting_does_not_mend_is_told_to_those_who_wait_and_to_nobody_else() -> None:
    scene = Scene("c")
    scene.store.fail("revoke_leases", Misconfigured("wrong password"))
    first = scene.tell(SEVEN, [await scene.lease("b")])
    await let_run()
    second = scene.tell(EIGHT, [await scene.lease("c")])
    with pytest.raises(Misconfigured, match="wrong password"):
        await first.wait()
    await second.wait()


@in_virtual_time
async def test_a_bug_reaches_those_who_wait_and_leaves_no_letter_behind() -> None:
    scene = Scene()
    lot = scene.tell(SEVEN, [await scene.lease("b"), await scene.lease("c")])
    original = scene.post.send

    def send(*arguments: object) -> object:
        if scene.post.sent:
            raise LookupError("a bug")
        return original(*arguments)  # type: ignore[arg-type]

    scene.post.send = send  # type: ignore[assignment, method-assign]
    with pytest.raises(LookupError):
        await lot.wait()
    assert [letter.is_stopped for letter in scene.post.sent] == [True]


@in_virtual_time
async def test_a_failure_that_nobody_waits_for_is_no_trouble() -> None:
    scene = Scene()
    scene.store.fail("revoke_leases", *[StoreUnavailable("away")] * 100)
    scene.tell(SEVEN, [await scene.lease("b")])
    await asyncio.sleep(60)
    gc.collect()


# The end


@in_virtual_time
async def test_closing_leaves_nobody_waiting() -> None:
    scene = Scene()
    lease = await scene.lease("b")
    under_way = scene.tell(SEVEN, [lease])
    await let_run()
    waiting = [asyncio.create_task(lot.wait()) for lot in (under_way, scene.tell(EIGHT, [lease]))]
    await let_run()
    await scene.rounds.close()
    for task in waiting:
        with pytest.raises(StoreUnavailable, match="stops"):
            await task
    assert scene.post.to("b").is_stopped
    assert scene.store.asked["settle"] == []


@in_virtual_time
async def test_closing_before_the_round_began_leaves_nobody_waiting_either() -> None:
    scene = Scene()
    lot = scene.tell(SEVEN, [await scene.lease("b")])
    await scene.rounds.close()
    with pytest.raises(StoreUnavailable, match="stops"):
        await lot.wait()
    assert scene.post.sent == []


@in_virtual_time
async def test_closing_while_a_round_is_being_settled_takes_nothing_back() -> None:
    scene = Scene("b")
    scene.store.hold("settle")
    lot = scene.tell(SEVEN, [await scene.lease("b")])
    await lot.wait()
    await let_run()
    await scene.rounds.close()
    await lot.wait()


@in_virtual_time
async def test_closing_twice_or_idle_does_nothing_and_rounds_can_be_made_afterwards() -> None:
    scene = Scene("b")
    await scene.rounds.close()
    scene.tell(SEVEN, [await scene.lease("b")])
    await scene.rounds.close()
    await scene.rounds.close()
    await scene.tell(EIGHT, [await scene.lease("b", "token")]).wait()
