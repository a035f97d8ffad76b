"""Changes of which not all workers know yet: who is to see to them, and until when."""

import pytest

from gearhorn.store.base import Store, Subscribe, Unsubscribe
from gearhorn.store.leases import LeaseKey, Renewal, TopicVersion
from tests.functional.store.conftest import OpenHandle
from tests.functional.store.questions import (
    END_S,
    INFO,
    LONG_S,
    SHORT_S,
    hold,
    is_settled,
    let_end,
    let_run_out,
    read,
    renew,
    settle,
    state,
    subscribe,
    unsubscribe,
    wait_until,
)

A = LeaseKey("a", "1")
B = LeaseKey("b", "1")


async def handed_out(store: Store, key: LeaseKey, *wanted: str, ttl_s: float = SHORT_S) -> list[TopicVersion]:
    """Renews until all of these topics were handed out. Returns all that were."""
    handed: list[TopicVersion] = []

    async def has_all() -> bool:
        handed.extend((await renew(store, key, ttl_s)).unsettled)
        return set(wanted) <= {found.topic for found in handed}

    await wait_until(has_all)
    return handed


async def run_out(store: Store, key: LeaseKey, *wanted: LeaseKey) -> list[LeaseKey]:
    """The same for leases."""
    handed: list[LeaseKey] = []

    async def has_all() -> bool:
        handed.extend((await renew(store, key, SHORT_S)).run_out)
        return set(wanted) <= set(handed)

    await wait_until(has_all)
    return handed


def topics(renewal: Renewal) -> list[str]:
    return [found.topic for found in renewal.unsettled]


async def test_settling_the_version_that_a_topic_has_settles_it(open_handle: OpenHandle) -> None:
    one, two = await open_handle(), await open_handle()
    changed = await subscribe(one, "news", "bob")
    assert not await is_settled(one, "news")
    assert not await is_settled(two, "news")
    await two.settle([TopicVersion("news", changed.version)])
    assert await is_settled(one, "news")
    assert await is_settled(two, "news")


@pytest.mark.parametrize("change", [Subscribe("news", "alice"), Unsubscribe("news", "bob")])
async def test_settling_an_older_version_leaves_a_topic_unsettled(
    store: Store, change: Subscribe | Unsubscribe
) -> None:
    first = await subscribe(store, "news", "bob")
    await store.apply([change])
    await store.settle([TopicVersion("news", first.version)])
    assert not await is_settled(store, "news")


async def test_settling_a_version_that_was_never_there_does_nothing(store: Store) -> None:
    changed = await subscribe(store, "news", "bob")
    await store.settle([TopicVersion("news", changed.version + 1), TopicVersion("news", 0), TopicVersion("unused", 5)])
    assert not await is_settled(store, "news")
    assert (await read(store, "unused")).version == 0
    assert not (await store.apply([Subscribe("unused", "bob")])).topics["unused"].is_settled
    assert not await is_settled(store, "unused")


async def test_a_change_that_comes_after_settling_is_unsettled_again(store: Store) -> None:
    await subscribe(store, "news", "bob")
    await settle(store, "news")
    await unsubscribe(store, "news", "bob")
    assert not await is_settled(store, "news")
    await settle(store, "news")
    assert await is_settled(store, "news")


async def test_settling_leaves_list_and_version_alone(store: Store) -> None:
    await subscribe(store, "news", "bob")
    before = await read(store, "news")
    for _ in range(2):
        await settle(store, "news")
    assert await read(store, "news") == before


async def test_several_topics_are_settled_in_one_call_each_for_itself(store: Store) -> None:
    versions = {topic: (await subscribe(store, topic, "bob")).version for topic in ("one", "two", "three", "four")}
    await subscribe(store, "two", "alice")
    await store.settle([TopicVersion(topic, versions[topic]) for topic in ("one", "two", "three")])
    assert [await is_settled(store, topic) for topic in versions] == [True, False, True, False]


async def test_settling_none_is_nothing(store: Store) -> None:
    await subscribe(store, "news", "bob")
    await store.settle([])
    assert not await is_settled(store, "news")


async def test_what_ended_by_itself_is_unsettled(store: Store) -> None:
    version = await let_end(store, "news")
    assert not await is_settled(store, "news")
    await store.settle([TopicVersion("news", version)])
    assert await is_settled(store, "news")


async def test_settling_the_version_before_the_end_is_too_early(store: Store) -> None:
    begun = await subscribe(store, "news", "bob", END_S)

    async def is_over() -> bool:
        return (await read(store, "news")).version > begun.version

    await wait_until(is_over)
    await store.settle([TopicVersion("news", begun.version)])
    assert not await is_settled(store, "news")


@pytest.mark.parametrize("is_first_settled", [True, False])
async def test_the_end_of_a_ttl_is_found_and_handed_out_by_the_next_renewal(
    store: Store, is_first_settled: bool
) -> None:
    """Nobody has claimed it, whatever its maker did about the beginning."""
    begun = await subscribe(store, "news", "bob", END_S)
    if is_first_settled:
        await store.settle([TopicVersion("news", begun.version)])
    [found] = await handed_out(store, A, "news", ttl_s=LONG_S)
    assert found == TopicVersion("news", (await read(store, "news")).version)
    assert found.version > begun.version


async def test_the_ends_of_several_topics_are_handed_out_together(store: Store) -> None:
    expected = {TopicVersion(topic, await let_end(store, topic)) for topic in ("one", "two", "three")}
    renewal = await renew(store, A)
    assert set(renewal.unsettled) == expected
    assert len(renewal.unsettled) == 3


async def test_what_was_handed_out_is_not_handed_out_to_another_at_once(store: Store) -> None:
    await let_end(store, "news")
    assert topics(await renew(store, A)) == ["news"]
    assert [topics(await renew(store, key)) for key in (A, B)] == [[], []]


async def test_what_was_handed_out_and_is_left_lying_is_handed_out_again(store: Store) -> None:
    version = await let_end(store, "news")
    assert topics(await renew(store, A)) == ["news"]
    again = await handed_out(store, B, "news")
    assert set(again) == {TopicVersion("news", version)}
    assert [topics(await renew(store, key)) for key in (A, B)] == [[], []]


@pytest.mark.parametrize("change", [Subscribe("news", "alice"), Unsubscribe("news", "bob")])
async def test_a_change_is_handed_out_when_its_maker_had_time_enough(
    store: Store, change: Subscribe | Unsubscribe
) -> None:
    await subscribe(store, "news", "bob")
    await settle(store, "news")
    version = (await state(store, change)).version
    assert [topics(await renew(store, key)) for key in (A, B)] == [[], []]
    assert await handed_out(store, A, "news") == [TopicVersion("news", version)]
    assert [topics(await renew(store, key)) for key in (A, B)] == [[], []]


async def test_a_change_that_changes_nothing_does_not_put_off_the_handing_out(store: Store) -> None:
    await let_end(store, "news")
    await unsubscribe(store, "news", "nobody")
    assert topics(await renew(store, A)) == ["news"]


async def test_another_change_is_handed_out_at_its_own_version(store: Store) -> None:
    await subscribe(store, "news", "bob")
    changed = await subscribe(store, "news", "alice")
    assert await handed_out(store, A, "news") == [TopicVersion("news", changed.version)]


async def test_what_is_settled_is_not_handed_out(store: Store) -> None:
    for topic in ("settled", "left"):
        await subscribe(store, topic, "bob")
    await settle(store, "settled")
    assert {found.topic for found in await handed_out(store, A, "left")} == {"left"}


async def test_what_is_settled_is_not_handed_out_again(store: Store) -> None:
    for topic in ("settled", "left"):
        await let_end(store, topic)
    assert sorted(topics(await renew(store, A))) == ["left", "settled"]
    await settle(store, "settled")
    assert {found.topic for found in await handed_out(store, A, "left")} == {"left"}


async def lose(store: Store, how: str) -> LeaseKey:
    """A lease that cannot be renewed."""
    key = await hold(store, "lost", SHORT_S if how == "ran out" else LONG_S)
    if how == "ran out":
        await let_run_out(store, key)
    if how == "revoked":
        await store.revoke_leases([key])
    return key if how != "never taken" else LeaseKey("lost", "2")


@pytest.mark.parametrize("how", ["never taken", "revoked", "ran out"])
async def test_a_renewal_that_is_lost_is_handed_nothing(store: Store, how: str) -> None:
    dead = await hold(store, "dead", SHORT_S)
    key = await lose(store, how)
    await let_run_out(store, dead)
    await let_end(store, "news")
    renewal = await store.renew_lease(key, LONG_S, INFO)
    assert (renewal.is_held, list(renewal.unsettled), list(renewal.run_out)) == (False, [], [])
    theirs = await renew(store, A)
    assert topics(theirs) == ["news"]
    assert dead in theirs.run_out


async def test_leases_that_ran_out_are_handed_to_the_next_renewal_and_no_other(store: Store) -> None:
    await renew(store, A)
    dead = [await hold(store, "dead-1", SHORT_S), await hold(store, "dead-2", SHORT_S)]
    await store.revoke_leases(dead[:1])
    for key in dead:
        await let_run_out(store, key)
    assert sorted((await renew(store, A)).run_out) == dead
    assert [list((await renew(store, key)).run_out) for key in (A, B)] == [[], []]


async def test_a_lease_that_ran_out_is_handed_out_again_until_it_is_forgotten(store: Store) -> None:
    dead = [await hold(store, "dead-1", SHORT_S), await hold(store, "dead-2", SHORT_S)]
    for key in dead:
        await let_run_out(store, key)
    assert sorted((await renew(store, A)).run_out) == dead
    await store.forget_lease(dead[0])
    assert set(await run_out(store, B, dead[1])) == {dead[1]}


async def test_neither_a_lease_that_lasts_nor_one_that_was_given_back_is_handed_out(store: Store) -> None:
    gone, taken, dead = [await hold(store, name, SHORT_S) for name in ("gone", "taken", "dead")]
    await hold(store, "lasting")
    await store.revoke_leases([await hold(store, "revoked")])
    for key in (gone, taken, dead):
        await let_run_out(store, key)
    await store.release_lease(gone)
    await hold(store, "taken", token="2")
    assert list((await renew(store, A)).run_out) == [dead]


async def test_a_worker_whose_lease_ran_out_is_not_handed_its_own(store: Store) -> None:
    key = await let_run_out(store, await hold(store, "a", SHORT_S))
    await hold(store, "a", token="2")
    again = LeaseKey("a", "2")
    assert list((await store.renew_lease(again, LONG_S, INFO)).run_out) == []
    assert key not in [lease.key for lease in await store.leases()]
