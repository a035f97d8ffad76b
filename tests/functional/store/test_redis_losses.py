"""A Redis that has lost leases, or may have: changes wait until the longest of them has run out."""

from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from redis import Redis as Client

from gearhorn.store.base import Outcome, Store, Subscribe, Unsubscribe
from gearhorn.store.leases import LeaseKey, TopicVersion
from tests.functional.store.conftest import OpenUrl
from tests.functional.store.questions import (
    INFO,
    LONG_S,
    SHORT_S,
    hold,
    holders,
    is_settled,
    settle,
    subscribe,
    wait_until,
)
from tests.servers.stores import Redis, Replica

DURABLE = ("--appendonly", "yes", "--appendfsync", "always")
DEFAULT_TTL_S = 10.0  # of the default configuration

# What may pass on a slow machine before a test fails for nothing.
SLACK_S = 100.0


@pytest.fixture
def durable(tmp_path: Path) -> Iterator[Redis]:
    with Redis(tmp_path / "durable", *DURABLE) as server:
        yield server


@pytest.fixture
def volatile(tmp_path: Path) -> Iterator[Redis]:
    with Redis(tmp_path / "volatile") as server:
        yield server


def url(server: Redis) -> str:
    return f"redis://{server.address}"


async def look(store: Store) -> Outcome:
    """What a change is told that changes nothing."""
    return await store.apply([Unsubscribe("unused", "nobody")])


def is_for(held_s: float, ttl_s: float) -> bool:
    return ttl_s - SLACK_S < held_s <= ttl_s


def empty_by_restarting(server: Redis) -> None:
    server.kill()
    server.start()


def empty_by_command(server: Redis) -> None:
    with server.client() as client:
        client.flushall()


def empty_by_hand(server: Redis) -> None:
    with server.client() as client:
        client.delete(*client.keys("gearhorn:*"))


EMPTYING = [empty_by_restarting, empty_by_command, empty_by_hand]
Empty = Callable[[Redis], None]


async def test_a_server_that_is_started_again_with_its_data_holds_changes(durable: Redis, open_url: OpenUrl) -> None:
    store = await open_url(url(durable))
    await hold(store, "a")
    assert (await look(store)).held_s == 0
    durable.kill()
    durable.start()
    assert is_for((await look(store)).held_s, LONG_S)


async def test_a_lease_from_before_the_start_is_never_renewed(durable: Redis, open_url: OpenUrl) -> None:
    store = await open_url(url(durable))
    key = await hold(store, "a")
    durable.restart()
    assert not (await store.renew_lease(key, LONG_S, INFO)).is_held
    assert (await holders(store))["a"].is_revoked
    assert not (await store.renew_lease(key, LONG_S, INFO)).is_held


@pytest.mark.parametrize("ended_s", [1.0, -1.0])
async def test_a_lease_whose_last_renewal_may_be_lost_is_waited_for(
    durable: Redis, open_url: OpenUrl, ended_s: float
) -> None:
    """It would have run out in a second, or has, as far as the data tells."""
    store = await open_url(url(durable))
    key = await hold(store, "a")
    with durable.client() as client:
        client.zadd("gearhorn:leases", {"a": int(client.time()[0]) + ended_s})
    durable.restart()
    held_s = (await look(store)).held_s
    lease = (await holders(store))["a"]
    assert is_for(lease.left_s, LONG_S)
    assert is_for(held_s, LONG_S)
    assert is_for((await store.revoke_leases([key]))[0], LONG_S)
    await store.forget_lease(key)
    assert "a" in await holders(store)


async def test_a_lease_that_lasts_longer_than_the_hold_is_not_cut_short(durable: Redis, open_url: OpenUrl) -> None:
    store = await open_url(url(durable))
    await hold(store, "a")
    with durable.client() as client:
        client.zincrby("gearhorn:leases", 10 * LONG_S, "a")
    durable.restart()
    assert is_for((await holders(store))["a"].left_s, 11 * LONG_S)


Call = Callable[[Store, LeaseKey], Awaitable[object]]
NEW = LeaseKey("new", "1")
CALLS: dict[str, Call] = {
    "apply": lambda store, _: store.apply([Subscribe("news", "bob")]),
    "take": lambda store, _: store.take_lease(NEW, 1, INFO),
    "take over": lambda store, key: store.take_lease(LeaseKey("a", "2"), 1, INFO, [key.token]),
    "renew": lambda store, key: store.renew_lease(key, 1, INFO),
    "release": lambda store, key: store.release_lease(key),
    "revoke": lambda store, key: store.revoke_leases([key]),
    "forget": lambda store, key: store.forget_lease(key),
}


@pytest.mark.parametrize("name", CALLS)
async def test_whatever_is_asked_first_notices_the_loss(durable: Redis, open_url: OpenUrl, name: str) -> None:
    store = await open_url(url(durable))
    key = await hold(store, "a")
    durable.restart()
    await CALLS[name](store, key)
    with durable.client() as client:
        seconds, microseconds = client.time()
        assert is_for(held_until_s(client) - seconds - microseconds / 1e6, LONG_S)
        before = client.hgetall("gearhorn:server")
        assert is_for((await look(store)).held_s, LONG_S)
        assert client.hgetall("gearhorn:server") == before


def held_until_s(client: Client) -> float:
    return float(client.hget("gearhorn:server", "held_until") or 0)


async def test_a_handle_that_comes_after_the_start_holds_as_well(durable: Redis, open_url: OpenUrl) -> None:
    await hold(await open_url(url(durable)), "a")
    durable.restart()
    assert is_for((await look(await open_url(url(durable)))).held_s, LONG_S)


async def test_the_hold_is_that_of_the_longest_lease_of_all(durable: Redis, open_url: OpenUrl) -> None:
    store, other = await open_url(url(durable)), await open_url(url(durable))
    await hold(store, "a", SHORT_S)
    key = await hold(other, "b", LONG_S)
    await other.renew_lease(key, 3 * LONG_S, INFO)
    await hold(other, "c", SHORT_S)
    durable.restart()
    assert is_for((await look(store)).held_s, 3 * LONG_S)


async def test_data_from_before_the_first_lease_hold_for_what_the_handle_took(
    tmp_path: Path, open_url: OpenUrl
) -> None:
    with Redis(tmp_path) as server, server.client() as client:
        store = await open_url(url(server))
        await subscribe(store, "news", "bob")
        client.save()
        await hold(store, "a")
        server.kill()
        server.start()
        assert is_for((await look(store)).held_s, LONG_S)


async def test_data_from_before_the_first_lease_hold_for_the_default_ttl(tmp_path: Path, open_url: OpenUrl) -> None:
    with Redis(tmp_path) as server, server.client() as client:
        store = await open_url(url(server))
        await subscribe(store, "news", "bob")
        client.save()
        server.kill()
        server.start()
        assert 0 < (await look(store)).held_s <= DEFAULT_TTL_S


@pytest.mark.parametrize("empty", EMPTYING)
async def test_an_empty_server_holds_for_a_handle_that_had_a_lease_there(
    volatile: Redis, open_url: OpenUrl, empty: Empty
) -> None:
    store = await open_url(url(volatile))
    key = await hold(store, "a")
    empty(volatile)
    assert is_for((await look(store)).held_s, LONG_S)
    assert not (await store.renew_lease(key, LONG_S, INFO)).is_held


@pytest.mark.parametrize("empty", EMPTYING)
async def test_an_empty_server_holds_for_a_handle_that_only_made_changes(
    volatile: Redis, open_url: OpenUrl, empty: Empty
) -> None:
    store = await open_url(url(volatile))
    await subscribe(store, "news", "bob")
    empty(volatile)
    assert 0 < (await look(store)).held_s <= DEFAULT_TTL_S


async def test_an_empty_server_holds_for_the_longest_lease_that_the_handle_had(
    volatile: Redis, open_url: OpenUrl
) -> None:
    store = await open_url(url(volatile))
    for worker_id, ttl_s in (("a", SHORT_S), ("b", LONG_S), ("c", SHORT_S)):
        await hold(store, worker_id, ttl_s)
    empty_by_command(volatile)
    assert is_for((await look(store)).held_s, LONG_S)


async def test_a_handle_does_not_forget_what_it_has_seen(volatile: Redis, open_url: OpenUrl) -> None:
    """Not every answer tells it anew: not that to a question that only reads, and not that of an empty server."""
    store = await open_url(url(volatile))
    await hold(store, "a")
    await store.leases()
    await store.settle([TopicVersion("news", 1)])
    empty_by_command(volatile)
    await store.open()
    await store.leases()
    assert is_for((await look(store)).held_s, LONG_S)


async def test_an_empty_server_holds_for_a_handle_that_was_only_opened(volatile: Redis, open_url: OpenUrl) -> None:
    await hold(await open_url(url(volatile)), "a")
    store = await open_url(url(volatile))
    empty_by_command(volatile)
    assert 0 < (await look(store)).held_s <= DEFAULT_TTL_S


@pytest.mark.parametrize("empty", EMPTYING)
async def test_an_empty_server_is_new_to_a_new_handle(volatile: Redis, open_url: OpenUrl, empty: Empty) -> None:
    assert (await look(await open_url(url(volatile)))).held_s == 0
    empty(volatile)
    store = await open_url(url(volatile))
    for _ in range(2):
        assert (await store.apply([Subscribe("news", "bob")])).held_s == 0
    await settle(store, "news")
    assert await is_settled(store, "news")


@pytest.mark.parametrize("empty", EMPTYING)
async def test_a_new_handle_that_comes_first_does_not_hide_that_all_was_lost(
    volatile: Redis, open_url: OpenUrl, empty: Empty
) -> None:
    old = await open_url(url(volatile))
    await hold(old, "a")
    empty(volatile)
    new = await open_url(url(volatile))
    key = await hold(new, "b")
    assert (await look(new)).held_s == 0
    assert is_for((await look(old)).held_s, LONG_S)
    assert is_for((await look(new)).held_s, LONG_S)
    assert (await new.renew_lease(key, LONG_S, INFO)).is_held


async def test_the_hold_begins_when_the_loss_was_noticed_and_not_anew_with_each_handle(
    volatile: Redis, open_url: OpenUrl
) -> None:
    stores = [await open_url(url(volatile)) for _ in range(3)]
    for number, store in enumerate(stores):
        await hold(store, f"worker-{number}")
    empty_by_command(volatile)
    await look(stores[0])
    with volatile.client() as client:
        before = held_until_s(client)
        for store in stores:
            await look(store)
            assert held_until_s(client) == before


async def test_lists_without_a_word_about_the_server_may_have_had_leases(volatile: Redis, open_url: OpenUrl) -> None:
    """As an operator may leave them, or a server that evicts keys."""
    store = await open_url(url(volatile))
    await subscribe(store, "news", "bob")
    key = await hold(store, "a", 2 * DEFAULT_TTL_S)
    with volatile.client() as client:
        client.delete("gearhorn:server")
    other = await open_url(url(volatile))
    assert 0 < (await look(other)).held_s <= DEFAULT_TTL_S
    assert not (await other.renew_lease(key, LONG_S, INFO)).is_held


async def test_leases_without_a_word_about_the_server_are_not_trusted(volatile: Redis, open_url: OpenUrl) -> None:
    key = await hold(await open_url(url(volatile)), "a")
    with volatile.client() as client:
        client.delete("gearhorn:server")
    other = await open_url(url(volatile))
    assert not (await other.renew_lease(key, LONG_S, INFO)).is_held
    assert (await look(other)).held_s > 0


async def test_the_hold_ends(volatile: Redis, open_url: OpenUrl) -> None:
    store = await open_url(url(volatile))
    await hold(store, "a", SHORT_S)
    empty_by_command(volatile)
    held_s = (await look(store)).held_s
    assert 0 < held_s <= SHORT_S

    async def is_over() -> bool:
        return (await look(store)).held_s == 0

    await wait_until(is_over)
    assert (await look(store)).held_s == 0


async def test_a_lease_that_is_taken_during_the_hold_is_as_good_as_any(durable: Redis, open_url: OpenUrl) -> None:
    store = await open_url(url(durable))
    old = await hold(store, "a")
    durable.restart()
    assert (await look(store)).held_s > 0
    mine, other = LeaseKey("a", "2"), await hold(store, "b")
    assert await store.take_lease(mine, LONG_S, INFO, [old.token]) is None
    for key in (mine, other):
        assert (await store.renew_lease(key, 2 * LONG_S, INFO)).is_held
    found = await holders(store)
    assert [lease.is_revoked for lease in found.values()] == [False, False]
    assert [is_for(lease.left_s, 2 * LONG_S) for lease in found.values()] == [True, True]


async def test_who_comes_under_the_id_of_a_lost_lease_is_told_of_it(durable: Redis, open_url: OpenUrl) -> None:
    store = await open_url(url(durable))
    old = await hold(store, "a")
    durable.restart()
    found = await store.take_lease(LeaseKey("a", "2"), LONG_S, INFO)
    assert found is not None
    assert (found.key, found.is_revoked) == (old, True)


async def test_who_revokes_a_lease_that_is_lost_is_told_how_long_it_may_last(
    volatile: Redis, open_url: OpenUrl
) -> None:
    store = await open_url(url(volatile))
    lost = await hold(store, "a")
    empty_by_command(volatile)
    assert is_for((await store.revoke_leases([lost]))[0], LONG_S)
    taken = await hold(store, "b", 1.0)
    left_s = await store.revoke_leases([taken, lost])
    assert 0 <= left_s[0] <= 1.0
    assert is_for(left_s[1], LONG_S)


async def test_nothing_is_settled_while_lost_leases_may_last(durable: Redis, open_url: OpenUrl) -> None:
    """Their workers may know of changes that the server has forgotten."""
    store = await open_url(url(durable))
    await hold(store, "a", SHORT_S)
    await subscribe(store, "news", "bob")
    version = await settle(store, "news")
    durable.restart()
    outcome = await store.apply([Subscribe("news", "bob"), Unsubscribe("unused", "bob")])
    assert [state.is_settled for state in outcome.topics.values()] == [False, False]
    await store.settle([TopicVersion("news", version)])

    async def is_over() -> bool:
        return await is_settled(store, "news") and await is_settled(store, "unused")

    await wait_until(is_over)
    assert (await look(store)).held_s == 0


async def test_a_replica_that_becomes_master_holds_changes(tmp_path: Path, volatile: Redis, open_url: OpenUrl) -> None:
    with Replica(tmp_path / "replica", volatile) as replica, replica.client() as client:
        key = await hold(await open_url(url(volatile)), "a")
        await wait_for_copy(client, key)
        client.execute_command("REPLICAOF NO ONE")
        store = await open_url(url(replica))
        assert is_for((await look(store)).held_s, LONG_S)
        assert not (await store.renew_lease(key, LONG_S, INFO)).is_held


async def test_a_master_that_was_a_replica_for_a_while_holds_changes(
    tmp_path: Path, volatile: Redis, open_url: OpenUrl
) -> None:
    """It has thrown away what the other one did not have, and its process is the same as before."""
    with Replica(tmp_path / "replica", volatile) as replica, replica.client() as theirs, volatile.client() as ours:
        store = await open_url(url(volatile))
        await wait_for_copy(theirs, await hold(store, "a"))
        theirs.execute_command("REPLICAOF NO ONE")
        lost = await hold(store, "b")
        ours.execute_command(f"REPLICAOF 127.0.0.1 {replica.port}")

        async def has_lost() -> bool:
            return not ours.hexists("gearhorn:tokens", "b")

        await wait_until(has_lost)
        ours.execute_command("REPLICAOF NO ONE")
        assert is_for((await look(store)).held_s, LONG_S)
        assert not (await store.renew_lease(lost, LONG_S, INFO)).is_held


async def wait_for_copy(replica: Client, key: LeaseKey) -> None:
    async def is_copied() -> bool:
        return replica.hget("gearhorn:tokens", key.worker_id) == key.token

    await wait_until(is_copied)
