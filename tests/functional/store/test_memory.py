"""What only the memory store has: a clock that a test may move."""

from gearhorn.store.base import Applied, Collision, Subscribe, Subscription
from gearhorn.store.memory import MemoryLists, MemoryStore
from gearhorn.store.opening import StoreSettings, open_store
from tests.functional.store.questions import members, read, subscribe


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
