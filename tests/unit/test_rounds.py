"""A change is over when nobody can serve an older list, told with few messages, whoever stays silent or away."""

import asyncio
import gc
import logging
from collections.abc import Sequence

import pytest

from gearhorn.core.lease import CLOCK_MARGIN
from gearhorn.core.matchmaking import Matchmaking, MatchmakingLimits
from gearhorn.core.news import UNKNOWN, News
from gearhorn.errors import Misconfigured, StoreUnavailable
from gearhorn.patience import Patience, PatienceSettings
from gearhorn.rounds import STEPS_LIMIT, Lot, Rounds
from gearhorn.store.base import Subscribe
from gearhorn.store.leases import Lease, LeaseKey, TopicVersion
from tests.unit.letters import Letters
from tests.unit.moody_store import MoodyStore
from tests.unit.virtual_time import TICK_S, in_virtual_time, let_run, now_s

TTL_S = 10.0
ACK_TIMEOUT_S = 1.0
LONGER = 1 + CLOCK_MARGIN  # what is waited out is waited out by the slowest clock
SEVEN, EIGHT = News("news", 7, 6, {b"ann": True}), News("news", 8, 7, {b"bob": False})
MEMO = News("memos", 3, 2, {b"ann": True})


class Scene:
    """Worker `a` and its rounds; others have leases."""

    def __init__(self, *answering: str) -> None:
        self.store = MoodyStore(now_s)
        self.matchmaking = Matchmaking(MatchmakingLimits(TTL_S))
        self.post = Letters(*answering)
        patience = Patience(PatienceSettings(retry_timeout_s=5.0, first_retry_s=0.1, most_retry_s=0.5))
        self.rounds = Rounds(self.store, patience, self.matchmaking, self.post, ACK_TIMEOUT_S, now_s)
        self.began_s = now_s()

    async def lease(self, worker_id: str, token: str = "token") -> Lease:
        """Of another process, as a change finds it."""
        await self.store.take_lease(LeaseKey(worker_id, token), TTL_S, "{}")
        return Lease(LeaseKey(worker_id, token), TTL_S, False, "{}")

    def tell(self, news: News, leases: Sequence[Lease], held_s: float = 0.0) -> Lot:
        return self.rounds.tell([news], leases, held_s)

    async def is_over(self, *lots: Lot) -> list[bool]:
        waiting = [asyncio.create_task(lot.wait()) for lot in lots]
        await let_run()
        return [task.done() for task in waiting]

    def took_s(self) -> float:
        return now_s() - self.began_s

    async def revoked(self) -> list[LeaseKey]:
        return [lease.key for lease in await self.store.leases() if lease.is_revoked]


def about(seconds: float) -> object:
    return pytest.approx(seconds, abs=100 * TICK_S)


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
    assert scene.took_s() == about(0.9 + 3.1 * LONGER)


@in_virtual_time
async def test_what_the_store_may_have_lost_runs_out_while_the_round_before_lasts() -> None:
    scene = Scene()
    scene.tell(SEVEN, [await scene.lease("b")])
    await let_run()
    lot = scene.tell(EIGHT, [], held_s=3.0)
    await asyncio.sleep(0.9)
    scene.post.to("b").acknowledge()
    await lot.wait()
    assert scene.took_s() == about(0.9 + 2.1 * LONGER)


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


# Steps of one list


async def told_together(*steps: News) -> list[News]:
    """What becomes of news that go with one round."""
    scene = Scene()
    lease = await scene.lease("b")
    for step in steps:
        scene.tell(step, [lease])
    await let_run()
    (letter,) = scene.post.sent
    letter.acknowledge()
    await let_run()
    return letter.news


@in_virtual_time
async def test_steps_that_follow_on_each_other_become_one() -> None:
    back = News("news", 9, 8, {b"bob": True, b"cid": True})
    joined = {b"ann": True, b"bob": True, b"cid": True}
    assert await told_together(SEVEN, EIGHT, back) == [News("news", 9, 6, joined)]


@in_virtual_time
async def test_steps_with_those_of_others_in_between_stay_apart() -> None:
    ten = News("news", 10, 9, {b"cid": True})
    assert await told_together(SEVEN, MEMO, ten) == [SEVEN, ten, MEMO]


@in_virtual_time
async def test_a_step_that_is_not_known_whole_takes_up_those_that_follow_on_it() -> None:
    assert await told_together(News("news", 7), EIGHT) == [News("news", 8)]


@in_virtual_time
async def test_too_many_steps_become_one_that_does_not_say_what_has_changed() -> None:
    apart = [News("news", 2 * n, 2 * n - 1, {b"ann": True}) for n in range(1, STEPS_LIMIT + 2)]
    assert await told_together(*apart[:STEPS_LIMIT], MEMO) == [*apart[:STEPS_LIMIT], MEMO]
    newest = [*reversed(apart), MEMO]
    assert await told_together(*newest) == [News("news", 2 * STEPS_LIMIT + 2, UNKNOWN), MEMO]


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


# Changes that others have made


@in_virtual_time
async def test_for_others_the_store_is_asked_who_holds_a_lease() -> None:
    scene = Scene()
    await scene.lease("gone")
    await asyncio.sleep(TTL_S + 1)
    await scene.lease("b")
    lot = scene.rounds.tell_for_others([News("news", 7)])
    await let_run()
    assert [(letter.lease.key.worker_id, letter.news) for letter in scene.post.sent] == [("b", [News("news", 7)])]
    assert scene.post.published == [([News("news", 7)], {"b"})]
    scene.post.to("b").acknowledge()
    assert await scene.is_over(lot) == [True]
    assert scene.store.asked["settle"] == [[TopicVersion("news", 7)]]


@pytest.mark.parametrize("is_first", [True, False])
@in_virtual_time
async def test_what_a_change_was_answered_does_not_do_for_others(is_first: bool) -> None:
    scene = Scene("b")
    await scene.lease("b")
    if is_first:
        scene.rounds.tell_for_others([News("memos", 3)])
    scene.tell(SEVEN, [])
    if not is_first:
        scene.rounds.tell_for_others([News("memos", 3)])
    await let_run()
    assert [letter.lease.key.worker_id for letter in scene.post.sent] == ["b"]


@in_virtual_time
async def test_what_the_store_may_have_lost_is_waited_out_for_others_too() -> None:
    scene = Scene()
    scene.store.held_s = 3.0
    await scene.rounds.tell_for_others([News("news", 7)]).wait()
    assert scene.took_s() == about(3 * LONGER)


@in_virtual_time
async def test_leases_that_are_asked_for_count_from_the_answer() -> None:
    scene = Scene()
    lease = await scene.lease("b")
    await scene.store.revoke_leases([lease.key])
    go_on = scene.store.hold("apply")
    lot = scene.rounds.tell_for_others([News("news", 7)])
    await asyncio.sleep(4)
    go_on()
    await lot.wait()
    assert scene.took_s() == about(4 + (TTL_S - 4) * LONGER)


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
