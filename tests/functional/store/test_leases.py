"""Leases: taken, renewed, released, revoked, run out, forgotten."""

import time
from collections.abc import Callable

import pytest

from gearhorn.errors import StoreUnavailable
from gearhorn.store.base import Store, Subscribe
from gearhorn.store.leases import Lease, LeaseKey, TopicVersion
from tests.functional.store.conftest import MakeHandle, OpenHandle
from tests.functional.store.questions import (
    INFO,
    LEASE_CALLS,
    LONG_S,
    ROUNDING_S,
    SHORT_S,
    hold,
    holders,
    let_run_out,
)

A = LeaseKey("a", "first")


async def keys(store: Store) -> list[LeaseKey]:
    return [lease.key for lease in await store.leases()]


async def find(store: Store, key: LeaseKey) -> Lease:
    [found] = [lease for lease in await store.leases() if lease.key == key]
    return found


async def is_held(store: Store, key: LeaseKey) -> bool:
    return (await store.renew_lease(key, LONG_S, INFO)).is_held


async def test_a_store_without_workers_knows_of_no_leases(store: Store) -> None:
    assert await store.leases() == []
    assert await holders(store) == {}


async def test_a_lease_that_was_taken_is_listed_with_what_its_worker_wrote(store: Store) -> None:
    assert await store.take_lease(A, LONG_S, '{"host": "wörk"}') is None
    [lease] = await store.leases()
    assert (lease.key, lease.is_revoked, lease.info) == (A, False, '{"host": "wörk"}')
    assert LONG_S - 100 < lease.left_s <= LONG_S + ROUNDING_S


async def test_a_change_is_told_of_the_same_leases(store: Store) -> None:
    await store.take_lease(A, LONG_S, INFO)
    for change in (Subscribe("news", "bob"), Subscribe("news", "bob"), Subscribe("news", "alice")):
        [lease] = (await store.apply([change])).leases
        assert (lease.key, lease.is_revoked, lease.info) == (A, False, INFO)
        assert LONG_S - 100 < lease.left_s <= LONG_S + ROUNDING_S


async def test_a_change_whose_topic_is_settled_is_told_as_well(store: Store) -> None:
    await store.take_lease(A, LONG_S, INFO)
    outcome = await store.apply([Subscribe("news", "bob")])
    await store.settle([TopicVersion("news", outcome.topics["news"].version)])
    assert [lease.key for lease in (await store.apply([Subscribe("news", "bob")])).leases] == [A]


async def test_a_lease_never_looks_shorter_than_it_is(store: Store) -> None:
    begun_s = time.monotonic()
    await store.take_lease(A, LONG_S, INFO)
    [listed], told, [revoked] = await store.leases(), await holders(store), await store.revoke_leases([A])
    gone_s = time.monotonic() - begun_s
    assert min(listed.left_s, told["a"].left_s, revoked) >= LONG_S - gone_s


@pytest.mark.parametrize("worker_id", ["web-1.example.org_4711", "ünïcode", "a:b", "with spaces", "{x}*%20"])
async def test_a_worker_may_be_called_anything(store: Store, worker_id: str) -> None:
    key = LeaseKey(worker_id, "a token: 1")
    await store.take_lease(key, LONG_S, INFO)
    assert await is_held(store, key)
    assert await keys(store) == [key]
    assert list(await holders(store)) == [worker_id]
    await store.release_lease(key)
    assert await keys(store) == []


async def test_leases_are_listed_by_worker_id_and_seen_by_every_handle(open_handle: OpenHandle) -> None:
    one, two = await open_handle(), await open_handle()
    for worker_id in ("c", "a", "b"):
        await hold(one, worker_id)
    assert [key.worker_id for key in await keys(two)] == ["a", "b", "c"]
    assert set(await holders(two)) == {"a", "b", "c"}


async def test_who_comes_second_under_an_id_gets_the_lease_of_the_first(open_handle: OpenHandle) -> None:
    one, two = await open_handle(), await open_handle()
    await one.take_lease(A, LONG_S, INFO)
    found = await two.take_lease(LeaseKey("a", "second"), 2 * LONG_S, '{"host": "other"}')
    assert found is not None
    assert (found.key, found.is_revoked, found.info) == (A, False, INFO)
    assert 0 < found.left_s <= LONG_S + ROUNDING_S
    [lease] = await one.leases()
    assert (lease.key, lease.info) == (A, INFO)
    assert lease.left_s <= LONG_S + ROUNDING_S
    assert not await is_held(two, LeaseKey("a", "second"))
    assert await is_held(one, A)


async def test_a_lease_is_taken_over_by_who_names_its_token(store: Store) -> None:
    await store.take_lease(A, LONG_S, INFO)
    second = LeaseKey("a", "second")
    assert await store.take_lease(second, LONG_S, INFO, ["zero", "first"]) is None
    assert await keys(store) == [second]
    assert [lease.key for lease in (await holders(store)).values()] == [second]
    assert not await is_held(store, A)
    assert await is_held(store, second)


async def test_a_lease_is_not_taken_over_by_who_names_another_token(store: Store) -> None:
    await store.take_lease(A, LONG_S, INFO)
    found = await store.take_lease(LeaseKey("a", "second"), LONG_S, INFO, ["zero", "firs", "first first"])
    assert found is not None
    assert found.key == A
    assert await is_held(store, A)


async def test_a_renewal_lets_the_lease_last_from_now_and_says_something_new(store: Store) -> None:
    await store.take_lease(A, LONG_S, INFO)
    assert (await store.renew_lease(A, 3 * LONG_S, "{}")).is_held
    lease = await find(store, A)
    assert lease.info == "{}"
    assert 2 * LONG_S < lease.left_s <= 3 * LONG_S + ROUNDING_S


async def test_a_renewal_where_there_is_nothing_to_see_to_hands_out_nothing(store: Store) -> None:
    await store.take_lease(A, LONG_S, INFO)
    await hold(store, "b")
    renewal = await store.renew_lease(A, LONG_S, INFO)
    assert (renewal.is_held, list(renewal.unsettled), list(renewal.run_out)) == (True, [], [])


@pytest.mark.parametrize("key", [LeaseKey("a", "second"), LeaseKey("b", "first"), LeaseKey("a", "")])
async def test_a_renewal_under_another_token_or_id_is_lost_and_changes_nothing(store: Store, key: LeaseKey) -> None:
    await store.take_lease(A, LONG_S, INFO)
    assert not (await store.renew_lease(key, 3 * LONG_S, "{}")).is_held
    [lease] = await store.leases()
    assert (lease.key, lease.info) == (A, INFO)
    assert lease.left_s <= LONG_S + ROUNDING_S


async def test_a_lease_that_is_released_is_gone_and_its_id_is_free(store: Store) -> None:
    await store.take_lease(A, LONG_S, INFO)
    await store.release_lease(A)
    assert await store.leases() == []
    assert await holders(store) == {}
    assert not await is_held(store, A)
    assert await store.take_lease(LeaseKey("a", "second"), LONG_S, INFO) is None


@pytest.mark.parametrize("key", [LeaseKey("a", "second"), LeaseKey("b", "first")])
async def test_releasing_under_another_token_or_id_does_nothing(store: Store, key: LeaseKey) -> None:
    await store.take_lease(A, LONG_S, INFO)
    await store.release_lease(key)
    assert await is_held(store, A)


async def test_releasing_the_lease_of_one_worker_leaves_the_others(store: Store) -> None:
    a, b = await hold(store, "a"), await hold(store, "b")
    await store.release_lease(a)
    assert await keys(store) == [b]
    assert list(await holders(store)) == ["b"]


async def test_a_revoked_lease_cannot_be_renewed_but_is_still_to_be_waited_for(open_handle: OpenHandle) -> None:
    one, two = await open_handle(), await open_handle()
    await one.take_lease(A, LONG_S, INFO)
    before = await find(one, A)
    [left_s] = await two.revoke_leases([A])
    assert 0 < left_s <= before.left_s
    assert not await is_held(one, A)
    for lease in (await find(two, A), (await holders(two))["a"]):
        assert (lease.key, lease.is_revoked, lease.info) == (A, True, INFO)
        assert 0 < lease.left_s <= left_s


async def test_revoking_twice_is_revoking_once(store: Store) -> None:
    await store.take_lease(A, LONG_S, INFO)
    [first_s], [second_s] = await store.revoke_leases([A]), await store.revoke_leases([A])
    assert 0 < second_s <= first_s
    assert not await is_held(store, A)


async def test_several_leases_are_revoked_in_one_call(store: Store) -> None:
    a, b, c = await hold(store, "a", LONG_S), await hold(store, "b", 3 * LONG_S), await hold(store, "c")
    b_s, unknown_s, a_s, stale_s = await store.revoke_leases([b, LeaseKey("d", "1"), a, LeaseKey("c", "2")])
    assert 2 * LONG_S < b_s <= 3 * LONG_S + ROUNDING_S
    assert 0 < a_s <= LONG_S + ROUNDING_S
    assert (unknown_s, stale_s) == (0, 0)
    assert [await is_held(store, key) for key in (a, b, c)] == [False, False, True]
    assert await keys(store) == [a, b, c]


async def test_revoking_none_is_nothing(store: Store) -> None:
    assert await store.revoke_leases([]) == []


async def test_a_revoked_lease_keeps_its_id_from_others_until_it_has_run_out(store: Store) -> None:
    await store.take_lease(A, LONG_S, INFO)
    await store.revoke_leases([A])
    found = await store.take_lease(LeaseKey("a", "second"), LONG_S, INFO)
    assert found is not None
    assert (found.key, found.is_revoked) == (A, True)


async def test_who_takes_over_its_own_revoked_lease_has_a_good_one(store: Store) -> None:
    await store.take_lease(A, LONG_S, INFO)
    await store.revoke_leases([A])
    second = LeaseKey("a", "second")
    assert await store.take_lease(second, LONG_S, INFO, [A.token]) is None
    assert not (await find(store, second)).is_revoked
    assert await is_held(store, second)
    assert await store.revoke_leases([A]) == [0]
    assert await is_held(store, second)


async def test_a_revoked_lease_can_be_released(store: Store) -> None:
    await store.take_lease(A, LONG_S, INFO)
    await store.revoke_leases([A])
    await store.release_lease(A)
    assert await holders(store) == {}
    assert await store.leases() == []


async def test_a_lease_that_ran_out_is_lost_and_not_to_be_waited_for_but_listed(store: Store) -> None:
    key = await let_run_out(store, await hold(store, "a", SHORT_S))
    assert not await is_held(store, key)
    assert await store.revoke_leases([key]) == [0]
    lease = await find(store, key)
    assert lease.left_s <= 0
    assert (lease.is_revoked, lease.info) == (False, INFO)
    assert not await is_held(store, key)


async def test_a_renewal_puts_off_the_end(store: Store) -> None:
    short, renewed = await hold(store, "short", SHORT_S), await hold(store, "renewed", SHORT_S)
    await store.renew_lease(renewed, LONG_S, INFO)
    await let_run_out(store, short)
    assert list(await holders(store)) == ["renewed"]


async def test_a_revoked_lease_runs_out_when_it_would_have(store: Store) -> None:
    key = await hold(store, "a", SHORT_S)
    await store.revoke_leases([key])
    await let_run_out(store, key)
    assert (await find(store, key)).is_revoked


async def test_a_lease_that_ran_out_may_be_taken_by_another(store: Store) -> None:
    old = await let_run_out(store, await hold(store, "a", SHORT_S))
    new = await hold(store, "a", token="2")
    assert await keys(store) == [new]
    assert await is_held(store, new)
    for key in (old, new):  # one is gone, the other has not run out
        await store.forget_lease(key)
    assert await keys(store) == [new]


async def test_a_lease_that_ran_out_is_listed_until_it_is_forgotten(store: Store) -> None:
    lasting = await hold(store, "b")
    key = await let_run_out(store, await hold(store, "a", SHORT_S))
    await store.forget_lease(LeaseKey("a", "another"))
    assert await keys(store) == [key, lasting]
    await store.forget_lease(key)
    assert await keys(store) == [lasting]


async def test_only_what_has_run_out_is_forgotten(store: Store) -> None:
    lasting, revoked = await hold(store, "a"), await hold(store, "b")
    await store.revoke_leases([revoked])
    for key in (lasting, revoked, LeaseKey("unknown", "1")):
        await store.forget_lease(key)
    assert await keys(store) == [lasting, revoked]
    assert await is_held(store, lasting)


async def test_a_lease_that_ran_out_can_be_released(store: Store) -> None:
    key = await let_run_out(store, await hold(store, "a", SHORT_S))
    await store.release_lease(key)
    assert await store.leases() == []


@pytest.mark.parametrize("call", LEASE_CALLS)
async def test_a_store_that_is_not_open_has_no_leases_to_give(begin: Callable[[], MakeHandle], call: str) -> None:
    store = begin()()
    with pytest.raises(StoreUnavailable):
        await LEASE_CALLS[call](store)
    await store.open()
    await LEASE_CALLS[call](store)
    await store.close()
    with pytest.raises(StoreUnavailable):
        await LEASE_CALLS[call](store)
