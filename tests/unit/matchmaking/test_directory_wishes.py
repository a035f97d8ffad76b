"""A change that nobody waits for is not made: another worker may have made it, and others may have followed."""

import asyncio

from gearhorn.errors import StoreUnavailable
from gearhorn.patience import PatienceSettings
from gearhorn.store.base import Applied, Subscribe
from tests.unit.directories import directory_of
from tests.unit.moody_store import MoodyStore
from tests.unit.virtual_time import in_virtual_time, now_s

PATIENT = PatienceSettings(retry_timeout_s=60.0, first_retry_s=0.1, most_retry_s=0.2)
ANN, BOB = Subscribe("news", "ann"), Subscribe("news", "bob")


class Job:
    """Is gone after its change was tried so often."""

    def __init__(self, tries_count: int) -> None:
        self._left_count = tries_count

    def is_held(self) -> bool:
        self._left_count -= 1
        return self._left_count >= 0


@in_virtual_time
async def test_a_change_whose_job_goes_while_the_store_is_away_is_not_made() -> None:
    store = MoodyStore(now_s)
    store.fail("apply", StoreUnavailable("away"), StoreUnavailable("away"))
    directory = directory_of(store, PATIENT)
    assert await directory.change(ANN, Job(2).is_held) is None
    assert store.asked["apply"] == [[ANN], [ANN], []]
    assert not await directory.members("news")


@in_virtual_time
async def test_one_whose_job_is_there_when_the_store_is_back_is_made() -> None:
    store = MoodyStore(now_s)
    store.fail("apply", StoreUnavailable("away"))
    directory = directory_of(store, PATIENT)
    assert isinstance(await directory.change(ANN, Job(2).is_held), Applied)
    assert list(await directory.members("news")) == [b"ann"]


@in_virtual_time
async def test_others_that_were_asked_for_with_it_are_made() -> None:
    store = MoodyStore(now_s)
    store.fail("apply", StoreUnavailable("away"))
    directory = directory_of(store, PATIENT)
    gone, made = await asyncio.gather(directory.change(ANN, Job(0).is_held), directory.change(BOB))
    assert gone is None
    assert isinstance(made, Applied)
    assert list(await directory.members("news")) == [b"bob"]
