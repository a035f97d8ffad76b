"""What only the memory store has: a clock that a test may move."""

from typing import Any

import pytest

from gearhorn.store.base import Applied, Collision, Subscribe, Subscription
from gearhorn.store.leases import TopicVersion
from gearhorn.store.memory import MemoryLists, MemoryStore
from gearhorn.store.opening import StoreSettings, open_store
from tests.functional.store.questions import INFO, LEASE_CALLS, RECORD_CALLS, hold, holders, members, read, subscribe


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


async def test_time_passes_as_the_clock_says() -> None:
    clock = Clock()
    store = MemoryStore(clock=clock)
    await store.open()
    begun = await subscribe(store, "news", "bob", 60)
    clock.now_s += 59
    assert await members(store, "news") == ["bob"]
    assert await store.subscriptions("news") == [Subscription("bob", 1)]
    clock.now_s += 1
    assert await members(store, "news") == []
    assert (await read(store, "news")).version > begun.version


async def test_a_queue_name_is_free_at_the_end_of_the_ttl_and_not_before() -> None:
    clock = Clock()
    store = MemoryStore(clock=clock)
    await store.open()
    await subscribe(store, "a_b", "c", 60)
    clock.now_s += 59
    assert (await store.apply([Subscribe("a", "b_c")])).results == [Collision("a_b")]
    clock.now_s += 1
    assert isinstance((await store.apply([Subscribe("a", "b_c")])).results[0], Applied)


async def test_stores_share_lists_only_if_they_are_told_to() -> None:
    lists = MemoryLists()
    one, two, other = MemoryStore(lists), MemoryStore(lists), open_store(StoreSettings("memory://"))
    for store in (one, two, other):
        await store.open()
    await subscribe(one, "news", "bob")
    assert await members(two, "news") == ["bob"]
    assert await members(other, "news") == []
    await other.close()


async def test_a_lease_runs_out_at_the_end_of_its_ttl_and_not_before() -> None:
    clock = Clock()
    store = MemoryStore(clock=clock)
    await store.open()
    key = await hold(store, "a", 60)
    clock.now_s += 59
    assert [lease.left_s for lease in await store.leases()] == [1]
    assert await store.revoke_leases([key]) == [1]
    assert list(await holders(store)) == ["a"]
    clock.now_s += 1
    assert [lease.left_s for lease in await store.leases()] == [0]
    assert await store.revoke_leases([key]) == [0]
    assert await holders(store) == {}


async def test_a_change_is_handed_out_when_a_ttl_has_passed_and_not_before() -> None:
    clock = Clock()
    store = MemoryStore(clock=clock)
    await store.open()
    key = await hold(store, "a")
    changed = await subscribe(store, "news", "bob")
    for _ in range(2):
        clock.now_s += 59
        assert await store.renew_lease(key, 60, INFO) == (True, [], [])
        clock.now_s += 1
        assert await store.renew_lease(key, 60, INFO) == (True, [TopicVersion("news", changed.version)], [])


def test_no_question_waits_for_anything() -> None:
    """So a simulation can ask without an event loop."""
    store = MemoryStore()
    questions: list[Any] = [store.open(), store.apply([Subscribe("news", "bob", 60)]), store.read(["news"])]
    questions += [
        store.topics(),
        store.subscriptions("news"),
        *(ask(store) for ask in (LEASE_CALLS | RECORD_CALLS).values()),
    ]
    for question in (*questions, store.close()):
        with pytest.raises(StopIteration):
            question.send(None)
