"""A change is over when nobody can serve an older list, and settled after that."""

import asyncio
import logging

import pytest

from gearhorn.core.news import News
from gearhorn.errors import Misconfigured, StoreUnavailable
from gearhorn.store.base import Subscribe
from gearhorn.store.leases import Lease, LeaseKey, TopicVersion
from tests.unit.rounds_scene import ACK_TIMEOUT_S, EIGHT, LONGER, MEMO, SEVEN, TTL_S, Scene, about
from tests.unit.virtual_time import in_virtual_time, let_run, now_s

# Acknowledgements


@in_virtual_time
async def test_a_change_is_over_when_each_holder_has_acknowledged_and_not_before() -> None:
    scene = Scene()
    lot = scene.tell(SEVEN, [await scene.lease("b"), await scene.lease("c")])
    assert await scene.is_over(lot) == [False]
    assert [(letter.lease.key.worker_id, letter.news) for letter in scene.post.sent] == [("b", [SEVEN]), ("c", [SEVEN])]
    scene.post.to("b").acknowledge()
    assert await scene.is_over(lot) == [False]
    scene.post.to("c").acknowledge()
    assert await scene.is_over(lot) == [True]
    assert scene.took_s() == 0
    assert [letter.is_stopped for letter in scene.post.sent] == [True, True]
    assert await scene.revoked() == []


@in_virtual_time
async def test_without_holders_a_change_is_over_at_once() -> None:
    scene = Scene()
    await scene.tell(SEVEN, []).wait()
    assert scene.took_s() == 0
    assert scene.post.sent == []


@in_virtual_time
async def test_one_that_stays_silent_loses_its_lease_and_what_is_left_of_it_is_waited_out() -> None:
    scene = Scene("c")
    await scene.tell(SEVEN, [await scene.lease("b"), await scene.lease("c")]).wait()
    assert scene.took_s() == about(ACK_TIMEOUT_S + (TTL_S - ACK_TIMEOUT_S) * LONGER)
    assert scene.store.asked["revoke_leases"] == [[LeaseKey("b", "token")]]
    assert scene.post.to("b").is_stopped


@in_virtual_time
async def test_a_lease_is_not_revoked_before_its_worker_had_the_time_to_acknowledge() -> None:
    scene = Scene()
    scene.tell(SEVEN, [await scene.lease("b")])
    await asyncio.sleep(ACK_TIMEOUT_S * 0.99)
    assert await scene.revoked() == []
    await asyncio.sleep(ACK_TIMEOUT_S * 0.02)
    assert await scene.revoked() == [LeaseKey("b", "token")]


@in_virtual_time
async def test_a_late_acknowledgement_ends_the_wait() -> None:
    scene = Scene()
    lot = scene.tell(SEVEN, [await scene.lease("b")])
    await asyncio.sleep(5)
    assert await scene.is_over(lot) == [False]
    assert not scene.post.to("b").is_stopped
    scene.post.to("b").acknowledge()
    assert await scene.is_over(lot) == [True]
    assert scene.took_s() == about(5)


@in_virtual_time
async def test_an_acknowledgement_while_the_lease_is_being_revoked_counts(caplog: pytest.LogCaptureFixture) -> None:
    scene = Scene()
    go_on = scene.store.hold("revoke_leases")
    lot = scene.tell(SEVEN, [await scene.lease("b")])
    await asyncio.sleep(ACK_TIMEOUT_S + 0.1)
    assert scene.store.asked["revoke_leases"]
    scene.post.to("b").acknowledge()
    go_on()
    assert await scene.is_over(lot) == [True]
    assert "does not acknowledge" not in caplog.text


@in_virtual_time
async def test_one_that_left_without_an_answer_is_not_waited_for_once_that_is_known() -> None:
    scene = Scene()
    lease = await scene.lease("b")
    await scene.store.release_lease(lease.key)
    await scene.tell(SEVEN, [lease]).wait()
    assert scene.took_s() == about(ACK_TIMEOUT_S)


# Leases that were revoked before, and such as the store has lost


@in_virtual_time
async def test_the_holder_of_a_lease_revoked_before_gets_the_message_and_is_waited_for() -> None:
    scene = Scene()
    await scene.tell(SEVEN, [Lease(LeaseKey("b", "token"), 4.0, True, "{}")]).wait()
    assert scene.post.to("b").news == [SEVEN]
    assert scene.took_s() == about(4 * LONGER)
    assert scene.store.asked["revoke_leases"] == []


@in_virtual_time
async def test_the_holder_of_a_lease_revoked_before_may_acknowledge() -> None:
    scene = Scene("b")
    await scene.tell(SEVEN, [Lease(LeaseKey("b", "token"), 4.0, True, "{}")]).wait()
    assert scene.took_s() == 0


@in_virtual_time
async def test_what_the_store_may_have_lost_is_waited_out() -> None:
    scene = Scene("b")
    await scene.tell(SEVEN, [await scene.lease("b")], held_s=3.0).wait()
    assert scene.took_s() == about(3 * LONGER)


@in_virtual_time
async def test_what_a_lease_has_left_runs_out_while_the_round_before_lasts() -> None:
    scene = Scene()
    scene.tell(SEVEN, [await scene.lease("b")])
    await let_run()
    revoked = Lease(LeaseKey("c", "token"), 4.0, True, "{}")
    lot = scene.tell(EIGHT, [revoked], held_s=3.0)
    await asyncio.sleep(0.9)
    scene.post.to("b").acknowledge()
    await lot.wait()
    assert scene.took_s() == about(4 * LONGER)


@in_virtual_time
async def test_what_the_store_may_have_lost_runs_out_while_the_round_before_lasts() -> None:
    scene = Scene()
    scene.tell(SEVEN, [await scene.lease("b")])
    await let_run()
    lot = scene.tell(EIGHT, [], held_s=3.0)
    await asyncio.sleep(0.9)
    scene.post.to("b").acknowledge()
    await lot.wait()
    assert scene.took_s() == about(3 * LONGER)


@in_virtual_time
async def test_a_worker_has_all_its_time_however_long_its_round_had_to_wait(caplog: pytest.LogCaptureFixture) -> None:
    scene = Scene()
    first = scene.tell(SEVEN, [Lease(LeaseKey("b", "token"), 4.0, True, "{}")])
    await let_run()
    second = scene.tell(EIGHT, [await scene.lease("c")], held_s=3.0)
    await first.wait()
    await asyncio.sleep(ACK_TIMEOUT_S * 0.9)
    assert await scene.revoked() == []
    scene.post.to("c").acknowledge()
    assert await scene.is_over(second) == [True]
    assert caplog.text == ""  # what was lost has run out


# Own leases


@in_virtual_time
async def test_own_leases_are_left_out_also_lost_ones() -> None:
    scene = Scene()
    for token in ("lost", "held"):
        scene.matchmaking.lease.asked(token)
        scene.matchmaking.lease.taken(token, now_s())
    await scene.tell(SEVEN, [await scene.lease("a", "lost"), await scene.lease("a", "held")]).wait()
    assert scene.took_s() == 0
    assert scene.post.sent == []


@in_virtual_time
async def test_another_process_under_the_same_id_is_none_of_ours() -> None:
    scene = Scene()
    scene.matchmaking.lease.asked("held")
    scene.matchmaking.lease.taken("held", now_s())
    lot = scene.tell(SEVEN, [await scene.lease("a", "of another process")])
    assert await scene.is_over(lot) == [False]
    scene.post.to("a").acknowledge()
    assert await scene.is_over(lot) == [True]


# Settling


@in_virtual_time
async def test_the_newest_version_of_each_topic_is_settled() -> None:
    scene = Scene("b")
    lease = await scene.lease("b")
    for news in (EIGHT, MEMO, News("news", 5, 4, {b"cid": True})):
        lot = scene.tell(news, [lease])
    await lot.wait()
    await let_run()
    assert scene.store.asked["settle"] == [[TopicVersion("news", 8), TopicVersion("memos", 3)]]


@in_virtual_time
async def test_nothing_is_settled_before_the_round_is_over_and_nobody_waits_for_it() -> None:
    scene = Scene()
    go_on = scene.store.hold("settle")
    lot = scene.tell(SEVEN, [await scene.lease("b")])
    assert await scene.is_over(lot) == [False]
    assert scene.store.asked["settle"] == []
    scene.post.to("b").acknowledge()
    assert await scene.is_over(lot) == [True]
    assert len(scene.store.asked["settle"]) == 1
    go_on()
    await let_run()


@pytest.mark.parametrize("trouble", [StoreUnavailable("away"), Misconfigured("wrong password")])
@in_virtual_time
async def test_that_settling_fails_harms_nobody(trouble: Exception) -> None:
    scene = Scene("b")
    scene.store.fail("settle", trouble)
    go_on = scene.store.hold("settle")
    lease = await scene.lease("b")
    await scene.tell(SEVEN, [lease]).wait()
    second = scene.tell(EIGHT, [lease])
    go_on()
    await second.wait()
    await let_run()
    assert scene.store.asked["settle"] == [[TopicVersion("news", 7)], [TopicVersion("news", 8)]]


@in_virtual_time
async def test_how_long_changes_wait_and_for_whom_is_said(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    scene = Scene()
    await scene.tell(SEVEN, [await scene.lease("b")], held_s=3.0).wait()
    held, revoked = (record.getMessage() for record in caplog.records)
    assert held == "the store may have lost leases: changes wait 3.0 s for these to run out"
    assert revoked == "worker b does not acknowledge: its lease was revoked, changes wait up to 9.0 s for its end"


@in_virtual_time
async def test_a_store_of_ones_own_shows_what_is_settled() -> None:
    """The whole way once: what was changed is unsettled until the round is over."""
    scene = Scene()
    await scene.lease("b")
    outcome = await scene.store.apply([Subscribe("news", "ann")])
    version = outcome.topics["news"].version
    lot = scene.rounds.tell([News("news", version)], outcome.leases, outcome.held_s)
    await let_run()
    assert not (await scene.store.apply([Subscribe("news", "ann")])).topics["news"].is_settled
    scene.post.to("b").acknowledge()
    await lot.wait()
    await let_run()
    assert (await scene.store.apply([Subscribe("news", "ann")])).topics["news"].is_settled
