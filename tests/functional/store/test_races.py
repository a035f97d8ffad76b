"""Many at the same time: nobody's change is lost, and nobody is answered with what belongs to another."""

import asyncio
import gc
import random

import pytest

from gearhorn.errors import StoreUnavailable
from gearhorn.store.base import Outcome, Store, Subscribe, Unsubscribe
from tests.functional.store.conftest import OpenHandle
from tests.functional.store.questions import apply, members, read, subscribe, unsubscribe

CLIENTS = sorted(f"client-{number}" for number in range(50))


async def test_fifty_concurrent_subscriptions_lose_none(open_handle: OpenHandle) -> None:
    one, two = await open_handle(), await open_handle()
    results = await asyncio.gather(
        *(subscribe((one, two)[number % 2], "news", client_id) for number, client_id in enumerate(CLIENTS))
    )
    assert all(result.changed for result in results)
    assert len({result.version for result in results}) == len(CLIENTS)
    assert await members(one, "news") == CLIENTS
    assert (await read(two, "news")).version == max(result.version for result in results)


async def test_concurrent_subscriptions_of_one_client_change_the_list_once(open_handle: OpenHandle) -> None:
    one, two = await open_handle(), await open_handle()
    results = await asyncio.gather(*(subscribe((one, two)[number % 2], "news", "bob") for number in range(20)))
    assert sum(result.changed for result in results) == 1
    assert len({result.version for result in results}) == 1


async def test_subscribers_that_come_and_go_at_the_same_time_all_get_their_wish(open_handle: OpenHandle) -> None:
    one, two = await open_handle(), await open_handle()
    leaving = [f"leaving-{number}" for number in range(25)]
    await apply(one, [Subscribe("news", client_id) for client_id in leaving])
    await asyncio.gather(
        *(subscribe(one, "news", client_id) for client_id in CLIENTS[:25]),
        *(unsubscribe(two, "news", client_id) for client_id in leaving),
    )
    assert await members(one, "news") == CLIENTS[:25]


async def test_concurrent_batches_over_the_same_topics_lose_nothing(open_handle: OpenHandle) -> None:
    handles = [await open_handle() for _ in range(3)]
    topics = [f"topic_{number}" for number in range(10)]
    await asyncio.gather(
        *(
            apply(handles[number % 3], [Subscribe(topic, client_id) for topic in topics])
            for number, client_id in enumerate(CLIENTS[:12])
        )
    )
    for topic in topics:
        assert await members(handles[0], topic) == sorted(CLIENTS[:12])


async def test_a_reader_never_sees_one_version_with_two_lists(open_handle: OpenHandle) -> None:
    one, two = await open_handle(), await open_handle()
    seen: dict[int, set[bytes]] = {}
    versions: list[int] = []

    async def watch() -> None:
        while True:
            found = await read(two, "news")
            versions.append(found.version)
            assert seen.setdefault(found.version, set(found.client_ids)) == set(found.client_ids)
            await asyncio.sleep(0)

    watcher = asyncio.create_task(watch())
    for client_id in CLIENTS:
        await subscribe(one, "news", client_id)
        if client_id.endswith("3"):
            await unsubscribe(one, "news", client_id)
    final = await read(one, "news")
    watcher.cancel()
    await asyncio.wait([watcher])
    assert watcher.cancelled(), watcher.exception()
    assert versions == sorted(versions)
    assert seen.get(final.version, set(final.client_ids)) == set(final.client_ids)


async def test_cancelled_calls_leave_the_store_usable_and_its_answers_in_order(store: Store) -> None:
    chance = random.Random(7)
    await apply(store, [Subscribe(f"topic-{number}", f"client-{number}") for number in range(20)])
    for _ in range(40):
        calls = [asyncio.create_task(read(store, f"topic-{number}")) for number in range(20)]
        calls += [asyncio.create_task(_flip(store, number)) for number in range(5)]
        await _spin(chance.randrange(6))
        cancelled = [call for call in chance.sample(calls, 12) if call.cancel()]
        await asyncio.wait(calls)
        assert [call for call in calls if call.cancelled()] == [call for call in calls if call in cancelled]
        for number, call in enumerate(calls[:20]):
            assert call.cancelled() or call.result().client_ids == [f"client-{number}".encode()]
    lists = await store.read([f"topic-{number}" for number in range(20)])
    assert [found.client_ids for found in lists] == [[f"client-{number}".encode()] for number in range(20)]


async def _flip(store: Store, number: int) -> None:
    await store.apply([Subscribe(f"other-{number}", "bob"), Unsubscribe(f"other-{number}", "bob")])


async def test_a_call_that_is_cancelled_ends_as_cancelled_whatever_it_is_doing(store: Store) -> None:
    """asyncio.wait_for, which libraries use, forgets a cancellation that comes at the wrong moment before 3.12."""
    await subscribe(store, "news", "bob")
    for turns in range(200):
        call = asyncio.create_task(read(store, "news"))
        await _spin(turns % 25)
        was_running = call.cancel()
        await asyncio.wait([call])
        assert call.cancelled() == was_running


async def _spin(turn_count: int) -> None:
    for _ in range(turn_count):
        await asyncio.sleep(0)


async def test_a_hundred_overlapping_calls_are_each_answered(store: Store) -> None:
    await apply(store, [Subscribe(f"topic-{number}", f"client-{number}") for number in range(100)])
    lists = await asyncio.gather(*(members(store, f"topic-{number}") for number in range(100)))
    assert lists == [[f"client-{number}"] for number in range(100)]


@pytest.mark.parametrize("turns", [0, 1, 2, 3, 5, 8, 13, 21])
async def test_calls_at_the_end_of_a_store_are_answered_or_unavailable(open_handle: OpenHandle, turns: int) -> None:
    """A connection that is left behind would be a warning, which is an error here."""
    store, other = await open_handle(), await open_handle()
    calls = [asyncio.create_task(store.apply([Subscribe(f"topic-{number}", "bob")])) for number in range(50)]
    await _spin(turns)
    await store.close()
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert all(isinstance(outcome, Outcome | StoreUnavailable) for outcome in outcomes), outcomes
    gc.collect()
    for number, outcome in enumerate(outcomes):
        if isinstance(outcome, Outcome):
            assert await members(other, f"topic-{number}") == ["bob"]
