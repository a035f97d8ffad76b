"""memcached that was started again or emptied while workers held leases: who notices, and what comes of it."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pymemcache import Client

from gearhorn.store.base import Outcome, Store, Subscribe, Unsubscribe
from gearhorn.store.leases import LeaseKey
from gearhorn.store.memcached_registry import decode_registry, encode_registry
from tests.functional.store.conftest import OpenHandle, OpenUrl
from tests.functional.store.questions import (
    INFO,
    LONG_S,
    ROUNDING_S,
    SHORT_S,
    hold,
    settle,
    state,
    subscribe,
    wait_until,
)
from tests.servers.stores import Memcached

REGISTRY = "gearhorn:leases"
A = LeaseKey("a", "1")

Lose = Callable[[], object]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Memcached]:
    with Memcached(tmp_path) as running:
        yield running


@pytest.fixture
def client(server: Memcached) -> Iterator[Any]:
    client = Client(("127.0.0.1", server.port), default_noreply=False, timeout=5)
    yield client
    client.close()


@pytest.fixture
async def open_handle(server: Memcached, open_url: OpenUrl) -> OpenHandle:
    async def open_one() -> Store:
        return await open_url(f"memcached://{server.address}")

    return open_one


@pytest.fixture
async def store(open_handle: OpenHandle) -> Store:
    return await open_handle()


@pytest.fixture(params=["restart", "flush", "eviction"])
def lose(request: pytest.FixtureRequest, server: Memcached, client: Any) -> Lose:
    return {"restart": server.restart, "flush": client.flush_all, "eviction": lambda: client.delete(REGISTRY)}[
        request.param
    ]


def change_process(client: Any) -> None:
    registry = decode_registry(client.get(REGISTRY))
    client.set(REGISTRY, encode_registry(replace(registry, process="another")))


async def change(store: Store) -> Outcome:
    return await store.apply([Subscribe("news", "bob"), Unsubscribe("news", "bob")])


async def test_who_held_a_lease_has_lost_it_and_holds_up_changes_for_as_long_as_it_might_have_lasted(
    store: Store, lose: Lose
) -> None:
    await hold(store, "a")
    lose()
    outcome = await change(store)
    assert outcome.leases == []
    assert LONG_S - 100 < outcome.held_s <= LONG_S + ROUNDING_S
    assert not (await store.renew_lease(A, LONG_S, INFO)).is_held
    assert await store.leases() == []


async def test_a_lease_that_was_lost_before_it_could_be_revoked_may_last_as_long_as_any(
    store: Store, lose: Lose
) -> None:
    await hold(store, "a")
    lose()
    [left_s] = await store.revoke_leases([A])
    assert LONG_S - 100 < left_s <= LONG_S + ROUNDING_S


async def test_a_renewal_notices_as_well(open_handle: OpenHandle, lose: Lose) -> None:
    one = await open_handle()
    await hold(one, "a")
    lose()
    assert not (await one.renew_lease(A, LONG_S, INFO)).is_held
    assert (await change(await open_handle())).held_s > LONG_S - 100


async def test_leases_that_are_taken_after_a_loss_are_as_good_as_any(store: Store, lose: Lose) -> None:
    await hold(store, "a")
    lose()
    again = await hold(store, "a", token="2")
    assert (await store.renew_lease(again, LONG_S, INFO)).is_held
    outcome = await change(store)
    assert [lease.key for lease in outcome.leases] == [again]
    assert outcome.held_s > 0


async def test_who_only_knows_of_the_lease_of_another_holds_changes_up_as_well(
    open_handle: OpenHandle, lose: Lose
) -> None:
    one, two = await open_handle(), await open_handle()
    await hold(one, "a")
    await change(two)
    lose()
    assert (await change(two)).held_s > LONG_S - 100


async def test_who_knows_of_no_lease_that_was_lost_holds_changes_up_for_ten_seconds(store: Store, lose: Lose) -> None:
    """Even if it has done nothing yet: others may have taken one."""
    lose()
    assert 9 < (await change(store)).held_s <= 10 + ROUNDING_S


async def test_who_knows_of_longer_leases_than_who_noticed_first_holds_changes_up_for_longer(
    open_handle: OpenHandle, lose: Lose
) -> None:
    one, two = await open_handle(), await open_handle()
    await hold(two, "a")
    lose()
    assert (await change(one)).held_s < LONG_S - 100
    for handle in (two, one):
        assert (await change(handle)).held_s > LONG_S - 100


async def test_the_longest_lease_counts_even_if_it_has_been_given_back(store: Store, lose: Lose) -> None:
    """Others may have been taken since."""
    await store.release_lease(await hold(store, "a", 3 * LONG_S))
    await hold(store, "b")
    lose()
    assert (await change(store)).held_s > 2 * LONG_S


async def test_a_renewal_for_longer_counts_as_well(store: Store, lose: Lose) -> None:
    await store.renew_lease(await hold(store, "a"), 3 * LONG_S, INFO)
    lose()
    assert (await change(store)).held_s > 2 * LONG_S


async def test_who_has_seen_nothing_takes_what_is_empty_for_new(open_handle: OpenHandle, lose: Lose) -> None:
    await hold(await open_handle(), "a")
    lose()
    assert (await change(await open_handle())).held_s == 0


async def test_who_took_it_for_new_is_told_better_by_who_knows(open_handle: OpenHandle, lose: Lose) -> None:
    one = await open_handle()
    await hold(one, "a")
    lose()
    new = await open_handle()
    b = await hold(new, "b")
    assert not (await one.renew_lease(A, LONG_S, INFO)).is_held
    for handle in (one, new):
        outcome = await change(handle)
        assert outcome.held_s > LONG_S - 100
        assert [lease.key for lease in outcome.leases] == [b]
    assert (await new.renew_lease(b, LONG_S, INFO)).is_held


async def test_the_same_loss_holds_changes_up_once(open_handle: OpenHandle, client: Any, lose: Lose) -> None:
    """And not again whenever somebody notices who was away for a while."""
    handles = [await open_handle() for _ in range(3)]
    await hold(handles[0], "a")
    for handle in handles:
        await change(handle)
    lose()
    await change(handles[1])
    before = client.get(REGISTRY)
    for handle in handles:
        assert (await change(handle)).held_s > 0
    assert client.get(REGISTRY) == before


async def test_a_second_loss_is_no_secret_to_who_has_seen_only_what_was_before_the_first(
    open_handle: OpenHandle, client: Any, lose: Lose
) -> None:
    one, two = await open_handle(), await open_handle()
    await hold(one, "a")
    await change(two)
    lose()
    await change(two)
    lose()
    await change(two)
    before = client.get(REGISTRY)
    await change(one)
    assert client.get(REGISTRY) == before


async def test_a_loss_is_over_when_the_longest_lease_has_run_out(store: Store, client: Any) -> None:
    await hold(store, "a", SHORT_S)
    client.flush_all()
    assert (await change(store)).held_s > 0

    async def is_over() -> bool:
        return (await change(store)).held_s == 0

    await wait_until(is_over)
    await hold(store, "a", token="2")
    assert (await change(store)).held_s == 0


async def test_a_registry_whose_times_are_those_of_another_process_is_lost(store: Store, client: Any) -> None:
    """memcached can keep its values when it is started again, if it is told to."""
    await hold(store, "a")
    change_process(client)
    outcome = await change(store)
    assert outcome.leases == []
    assert outcome.held_s > LONG_S - 100
    assert not (await store.renew_lease(A, LONG_S, INFO)).is_held


async def test_a_registry_of_another_process_is_lost_also_to_who_has_seen_none(
    store: Store, open_handle: OpenHandle, client: Any
) -> None:
    await hold(store, "a")
    change_process(client)
    assert (await change(await open_handle())).held_s > LONG_S - 100


async def test_a_list_that_is_gone_is_not_settled_while_changes_are_held_up(store: Store, server: Memcached) -> None:
    """It was not necessarily empty, and some worker may go by it yet."""
    await subscribe(store, "news", "bob")
    await settle(store, "news")
    await hold(store, "a")
    server.restart()
    found = await state(store, Unsubscribe("news", "bob"))
    assert (found.version, found.is_settled) == (0, False)


async def test_a_list_that_was_thrown_out_is_not_settled(store: Store, client: Any) -> None:
    """Its leases are not lost, so its subscribers may be served from memory for long."""
    await subscribe(store, "news", "bob")
    await settle(store, "news")
    client.delete("gearhorn:topic:news")
    found = await state(store, Unsubscribe("news", "bob"))
    assert (found.version, found.is_settled) == (0, False)


async def test_where_there_are_several_servers_that_of_the_registry_matters(tmp_path: Path, open_url: OpenUrl) -> None:
    with Memcached(tmp_path / "1") as one, Memcached(tmp_path / "2") as two:
        store = await open_url(f"memcached://{one.address},{two.address}")
        await hold(store, "a")
        [home] = [server for server in (one, two) if REGISTRY in server.list_keys()]
        [other] = [server for server in (one, two) if server is not home]
        other.restart()
        assert (await store.renew_lease(A, LONG_S, INFO)).is_held
        assert (await change(store)).held_s == 0
        home.restart()
        assert not (await store.renew_lease(A, LONG_S, INFO)).is_held
        assert (await change(store)).held_s > 0
