"""One worker watches, until it dies, leaves, or is taken for dead."""

from gearhorn.errors import StoreUnavailable
from gearhorn.store.memory import MemoryLists
from gearhorn.subscribers.election import WATCHER, Election
from tests.unit.moody_store import MoodyStore

TTL_S = 10.0


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


async def test_who_comes_first_holds_the_office_and_keeps_it() -> None:
    clock, lists = Clock(), MemoryLists()
    store = MoodyStore(clock, lists)
    first, second = Election(store, "a"), Election(store, "b")
    for _ in range(10):
        assert await first.hold(TTL_S)
        clock.now_s += TTL_S - 1.0
        assert not await second.hold(TTL_S)


async def test_who_is_silent_for_too_long_loses_it() -> None:
    clock = Clock()
    store = MoodyStore(clock)
    first, second = Election(store, "a"), Election(store, "b")
    assert await first.hold(TTL_S)
    clock.now_s += TTL_S
    assert await second.hold(TTL_S)
    assert not await first.hold(TTL_S)


async def test_who_has_lost_it_without_knowing_does_not_give_away_the_office_of_another() -> None:
    clock = Clock()
    store = MoodyStore(clock)
    first, second = Election(store, "a"), Election(store, "b")
    assert await first.hold(TTL_S)
    clock.now_s += TTL_S
    assert await second.hold(TTL_S)
    await first.release()
    assert not await first.hold(TTL_S)


async def test_who_leaves_gives_it_to_the_next_at_once() -> None:
    store = MoodyStore(Clock())
    first, second = Election(store, "a"), Election(store, "b")
    assert await first.hold(TTL_S)
    await second.release()
    assert not await second.hold(TTL_S)
    await first.release()
    assert await second.hold(TTL_S)
    await first.release()  # which is not its own any more
    assert await second.hold(TTL_S)


async def test_a_worker_that_was_started_anew_is_another_one() -> None:
    store = MoodyStore(Clock())
    assert await Election(store, "a").hold(TTL_S)
    assert not await Election(store, "a").hold(TTL_S)


async def test_a_store_that_is_away_does_not_keep_anybody_from_leaving() -> None:
    class Away(MoodyStore):
        async def drop_record(self, *_: object) -> None:
            raise StoreUnavailable("away")

    store = Away(Clock())
    election = Election(store, "a")
    assert await election.hold(TTL_S)
    await election.release()
    assert await store.read_record(WATCHER) is not None
