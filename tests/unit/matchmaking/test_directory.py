"""The door to the store: it waits for one that is away, groups what comes together, and says trouble once."""

import asyncio
import logging

import pytest

from gearhorn.core.matchmaking import Matchmaking, MatchmakingLimits
from gearhorn.errors import Misconfigured, StoreUnavailable
from gearhorn.matchmaking.directory import CHANGES_AT_ONCE
from gearhorn.matchmaking.lookups import LOOKUPS_AT_ONCE
from gearhorn.patience import PatienceSettings
from gearhorn.store.base import Applied, Collision, Subscribe, Unsubscribe
from tests.unit.directories import directory_of, take_lease
from tests.unit.letters import Letters
from tests.unit.moody_store import MoodyStore
from tests.unit.virtual_time import in_virtual_time, let_run, now_s

PATIENT = PatienceSettings(retry_timeout_s=60.0, first_retry_s=0.1, most_retry_s=0.2)
NO_PATIENCE = PatienceSettings(retry_timeout_s=0.0)
AWAY = StoreUnavailable("gone fishing")


@in_virtual_time
async def test_a_change_is_seen_by_every_later_lookup() -> None:
    directory = directory_of(MoodyStore(now_s), PATIENT)
    for client_id in ("ann", "bob"):
        result = await directory.change(Subscribe("news", client_id))
        assert isinstance(result, Applied)
        assert result.changed
        assert client_id.encode() in set(await directory.members("news"))


@in_virtual_time
async def test_each_change_gets_its_own_result() -> None:
    directory = directory_of(MoodyStore(now_s), PATIENT)
    changes = [Subscribe("a_b", "c"), Subscribe("a", "b_c"), Unsubscribe("news", "ann"), Subscribe("news", "ann")]
    first, second, third, fourth = await asyncio.gather(*map(directory.change, changes))
    assert second == Collision("a_b")
    assert [result.changed for result in (first, third, fourth) if isinstance(result, Applied)] == [True, False, True]


@in_virtual_time
async def test_lookups_that_come_together_share_one_read_in_which_each_topic_stands_once() -> None:
    store = MoodyStore(now_s)
    await store.apply([Subscribe("news", "ann"), Subscribe("memos", "bob")])
    directory = directory_of(store, PATIENT)
    found = await asyncio.gather(*(directory.members(topic) for topic in ("news", "memos", "news", "nobody")))
    assert [sorted(members) for members in found] == [[b"ann"], [b"bob"], [b"ann"], []]
    assert store.asked["read"] == [["news", "memos", "nobody"]]


@in_virtual_time
async def test_a_lookup_never_shares_a_read_that_began_before_it() -> None:
    store = MoodyStore(now_s)
    directory = directory_of(store, PATIENT)
    store.fail("read", AWAY)
    early = asyncio.create_task(directory.members("news"))
    await let_run()
    late = asyncio.create_task(directory.members("news"))
    await asyncio.gather(early, late)
    # The early one twice, since the store was away, and the late one for itself.
    assert store.asked["read"] == [["news"]] * 3


@in_virtual_time
async def test_changes_that_come_together_travel_together() -> None:
    store = MoodyStore(now_s)
    directory = directory_of(store, PATIENT)
    changes = [Subscribe("news", f"host{number}") for number in range(20)]
    await asyncio.gather(*map(directory.change, changes))
    assert store.asked["apply"] == [changes]


@in_virtual_time
async def test_a_store_is_not_asked_for_more_at_once_than_it_does_well() -> None:
    store = MoodyStore(now_s)
    directory = directory_of(store, PATIENT)
    changes = [Subscribe("news", f"host{number}") for number in range(CHANGES_AT_ONCE + 1)]
    await asyncio.gather(*map(directory.change, changes))
    await asyncio.gather(*(directory.members(f"topic{number}") for number in range(LOOKUPS_AT_ONCE + 1)))
    assert [len(group) for group in store.asked["apply"]] == [CHANGES_AT_ONCE, 1]  # type: ignore[arg-type]
    assert [len(group) for group in store.asked["read"]] == [LOOKUPS_AT_ONCE, 1]  # type: ignore[arg-type]


@in_virtual_time
async def test_a_store_that_is_away_is_waited_for_and_both_are_said_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    store = MoodyStore(now_s)
    store.fail("read", *[AWAY] * 5)
    assert not await directory_of(store, PATIENT).members("news")
    assert len(store.asked["read"]) == 6
    said = [record.getMessage() for record in caplog.records if record.name == "gearhorn.patience"]
    assert said == ["the store is away: gone fishing; jobs wait for it", "the store is back"]


@in_virtual_time
async def test_patience_ends_and_the_next_question_is_a_new_one() -> None:
    store = MoodyStore(now_s)
    directory = directory_of(store, NO_PATIENCE)
    store.fail("apply", AWAY)
    with pytest.raises(StoreUnavailable, match="gone fishing"):
        await directory.change(Subscribe("news", "ann"))
    assert isinstance(await directory.change(Subscribe("news", "ann")), Applied)


@in_virtual_time
async def test_what_waiting_does_not_mend_is_not_waited_for() -> None:
    store = MoodyStore(now_s)
    directory = directory_of(store, PATIENT)
    store.fail("read", Misconfigured("wrong password"))
    store.fail("apply", Misconfigured("wrong password"))
    with pytest.raises(Misconfigured, match="wrong password"):
        await directory.members("news")
    with pytest.raises(Misconfigured, match="wrong password"):
        await directory.change(Subscribe("news", "ann"))
    assert (len(store.asked["read"]), len(store.asked["apply"])) == (1, 1)


@in_virtual_time
async def test_closing_leaves_nobody_waiting() -> None:
    store = MoodyStore(now_s)
    store.hold("read")
    store.hold("apply")
    directory = directory_of(store, PATIENT)
    waiting = [
        asyncio.create_task(directory.members("news")),
        asyncio.create_task(directory.change(Subscribe("news", "ann"))),
    ]
    await let_run()
    await directory.close()
    await asyncio.wait(waiting)
    assert all(task.cancelled() for task in waiting)


@in_virtual_time
async def test_a_change_whose_round_fails_is_not_called_made() -> None:
    store, matchmaking = MoodyStore(now_s), Matchmaking(MatchmakingLimits())
    await take_lease(store, matchmaking, now_s(), "of another process")
    store.fail("revoke_leases", *[AWAY] * 3)
    directory = directory_of(store, NO_PATIENCE, post=Letters())
    with pytest.raises(StoreUnavailable):
        await directory.change(Subscribe("news", "ann"))
