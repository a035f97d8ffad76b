"""Workers that do the same thing at the same time."""

import asyncio
from collections.abc import Awaitable, Sequence
from typing import TypeVar

import pytest

from gearhorn.store.base import Store, Subscribe
from gearhorn.store.leases import LeaseKey, TopicVersion
from tests.functional.store.conftest import OpenHandle
from tests.functional.store.questions import (
    INFO,
    LONG_S,
    SHORT_S,
    hold,
    holders,
    is_settled,
    let_end,
    let_run_out,
    subscribe,
    unsubscribe,
    wait_until,
)

COUNT = 20

One = TypeVar("One")
Two = TypeVar("Two")


async def open_many(open_handle: OpenHandle, count: int = COUNT) -> list[Store]:
    return [await open_handle() for _ in range(count)]


async def both_at_once(one: Awaitable[One], two: Awaitable[Two], *, is_second_first: bool) -> tuple[One, Two]:
    if is_second_first:
        second, first = await asyncio.gather(two, one)
    else:
        first, second = await asyncio.gather(one, two)
    return first, second


async def take(store: Store, number: int, instead_of: Sequence[str] = ()) -> LeaseKey:
    """Who has the lease, by what one of several is told that want it."""
    key = LeaseKey("a", f"token-{number}")
    found = await store.take_lease(key, LONG_S, INFO, instead_of)
    return found.key if found else key


async def test_of_many_that_take_the_same_id_at_once_exactly_one_wins_and_all_others_see_it(
    open_handle: OpenHandle,
) -> None:
    handles = await open_many(open_handle)
    told = await asyncio.gather(*(take(handle, number) for number, handle in enumerate(handles)))
    assert len(set(told)) == 1
    assert [lease.key for lease in await handles[0].leases()] == [told[0]]
    renewals = await asyncio.gather(
        *(handle.renew_lease(LeaseKey("a", f"token-{n}"), LONG_S, INFO) for n, handle in enumerate(handles))
    )
    assert [LeaseKey("a", f"token-{n}") for n, renewal in enumerate(renewals) if renewal.is_held] == [told[0]]


async def test_of_many_that_take_over_the_same_lease_at_once_exactly_one_wins(open_handle: OpenHandle) -> None:
    handles = await open_many(open_handle)
    old = await hold(handles[0], "a", token="old")
    told = await asyncio.gather(*(take(handle, number, [old.token]) for number, handle in enumerate(handles)))
    assert len(set(told)) == 1
    assert told[0] != old


async def test_of_many_that_take_a_lease_that_ran_out_exactly_one_wins(open_handle: OpenHandle) -> None:
    handles = await open_many(open_handle)
    old = await let_run_out(handles[0], await hold(handles[0], "a", SHORT_S, "old"))
    told = await asyncio.gather(*(take(handle, number) for number, handle in enumerate(handles)))
    assert len(set(told)) == 1
    assert told[0] != old


async def test_many_workers_that_come_at_once_all_have_their_lease(open_handle: OpenHandle) -> None:
    handles = await open_many(open_handle)
    keys = await asyncio.gather(*(hold(handle, f"worker-{number:02}") for number, handle in enumerate(handles)))
    assert [lease.key for lease in await handles[0].leases()] == keys
    assert len(await holders(handles[0])) == COUNT


async def test_a_renewal_and_a_revocation_at_the_same_time_agree_on_which_came_first(open_handle: OpenHandle) -> None:
    worker, other = await open_many(open_handle, 2)
    for number in range(COUNT):
        key = await hold(worker, f"worker-{number:02}", LONG_S)
        renewal, [left_s] = await both_at_once(
            worker.renew_lease(key, 3 * LONG_S, INFO), other.revoke_leases([key]), is_second_first=bool(number % 2)
        )
        assert (left_s > 2 * LONG_S) == renewal.is_held
        assert 0 < (await holders(other))[key.worker_id].left_s <= left_s
        assert not (await worker.renew_lease(key, LONG_S, INFO)).is_held


async def test_a_lease_that_a_change_does_not_see_any_more_cannot_be_renewed(open_handle: OpenHandle) -> None:
    """So it cannot serve a list from before the change. Asked around the moment at which each runs out."""
    one, two = await open_many(open_handle, 2)
    waiting = {await hold(one, f"worker-{number}", SHORT_S + number / 50) for number in range(10)}

    async def all_are_gone() -> bool:
        seen = {lease.key for lease in (await one.apply([Subscribe("news", "bob")])).leases}
        gone = waiting - seen
        renewals = await asyncio.gather(*(two.renew_lease(key, LONG_S, INFO) for key in gone))
        assert not any(renewal.is_held for renewal in renewals)
        waiting.difference_update(gone)
        return not waiting

    await wait_until(all_are_gone)


async def test_a_lease_that_is_renewed_all_the_time_is_seen_by_every_change(open_handle: OpenHandle) -> None:
    worker, other = await open_many(open_handle, 2)
    key = await hold(worker, "a", LONG_S)

    async def renew_often() -> None:
        for _ in range(50):
            assert (await worker.renew_lease(key, LONG_S, INFO)).is_held

    async def change_often() -> None:
        for _ in range(10):
            for change in (subscribe, unsubscribe):
                await change(other, "news", "bob")
                assert list(await holders(other)) == ["a"]

    await asyncio.gather(renew_often(), change_often())


async def test_what_is_to_be_done_is_handed_to_exactly_one_of_many(open_handle: OpenHandle) -> None:
    handles = await open_many(open_handle)
    for number, handle in enumerate(handles):
        await hold(handle, f"worker-{number:02}")
    dead = await let_run_out(handles[0], await hold(handles[0], "dead", SHORT_S))
    version = await let_end(handles[0], "news")
    renewals = await asyncio.gather(
        *(handle.renew_lease(LeaseKey(f"worker-{n:02}", "1"), LONG_S, INFO) for n, handle in enumerate(handles))
    )
    assert all(renewal.is_held for renewal in renewals)
    assert [topic for renewal in renewals for topic in renewal.unsettled] == [TopicVersion("news", version)]
    assert [key for renewal in renewals for key in renewal.run_out] == [dead]


@pytest.mark.parametrize("round_count", [20])
async def test_a_change_and_the_settling_of_the_one_before_at_the_same_time_leave_it_unsettled(
    open_handle: OpenHandle, round_count: int
) -> None:
    one, two = await open_many(open_handle, 2)
    for number in range(round_count):
        before = await subscribe(one, "news", f"first-{number}")
        settling, change = (
            two.settle([TopicVersion("news", before.version)]),
            subscribe(one, "news", f"second-{number}"),
        )
        await both_at_once(settling, change, is_second_first=bool(number % 2))
        assert not await is_settled(two, "news")


async def test_settling_many_topics_from_many_sides_loses_none(open_handle: OpenHandle) -> None:
    handles = await open_many(open_handle, 4)
    topics = [f"topic-{number}" for number in range(40)]
    changed = [TopicVersion(topic, (await subscribe(handles[0], topic, "bob")).version) for topic in topics]
    await asyncio.gather(*(handles[number % 4].settle([found]) for number, found in enumerate(changed)))
    assert [await is_settled(handles[0], topic) for topic in topics] == [True] * len(topics)
