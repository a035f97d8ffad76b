"""The door to the store: it waits for one that is away, groups what comes together, and says trouble once."""

import asyncio
import logging
from collections.abc import Sequence

import pytest

from gearhorn.errors import Misconfigured, StoreUnavailable
from gearhorn.patience import PatienceSettings
from gearhorn.store.base import Applied, Change, Outcome, Subscribe, TopicList
from gearhorn.store.memory import MemoryStore
from tests.unit.directories import directory_of

AT_ONCE = PatienceSettings(retry_timeout_s=60.0, first_retry_s=0.001, most_retry_s=0.002)
NO_PATIENCE = PatienceSettings(retry_timeout_s=0.0, first_retry_s=0.001, most_retry_s=0.002)


class Moody(MemoryStore):
    """Fails as often as it is told to, and remembers what it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.troubles: list[Exception] = []
        self.reads: list[list[str]] = []
        self.changes: list[int] = []
        self.asked = asyncio.Event()

    async def read(self, topics: Sequence[str]) -> list[TopicList]:
        self.reads.append(list(topics))
        self._be_moody()
        return await super().read(topics)

    async def apply(self, changes: Sequence[Change]) -> Outcome:
        self.changes.append(len(changes))
        self._be_moody()
        return await super().apply(changes)

    def _be_moody(self) -> None:
        self.asked.set()
        if self.troubles:
            raise self.troubles.pop(0)


@pytest.fixture
async def store() -> Moody:
    store = Moody()
    await store.open()
    return store


async def test_a_change_is_seen_by_every_later_lookup(store: Moody) -> None:
    directory = directory_of(store, AT_ONCE)
    for client_id in ("ann", "bob"):
        result = await directory.change(Subscribe("news", client_id))
        assert isinstance(result, Applied)
        assert result.changed
        assert client_id.encode() in set(await directory.members("news"))


async def test_lookups_that_come_together_share_one_read_in_which_each_topic_stands_once(store: Moody) -> None:
    await store.apply([Subscribe("news", "ann"), Subscribe("memos", "bob")])
    directory = directory_of(store, AT_ONCE)
    found = await asyncio.gather(*(directory.members(topic) for topic in ("news", "memos", "news", "nobody")))
    assert [sorted(members) for members in found] == [[b"ann"], [b"bob"], [b"ann"], []]
    assert store.reads == [["news", "memos", "nobody"]]


async def test_a_lookup_never_shares_a_read_that_began_before_it(store: Moody) -> None:
    directory = directory_of(store, AT_ONCE)
    store.troubles = [StoreUnavailable("away")]
    early = asyncio.create_task(directory.members("news"))
    await store.asked.wait()
    late = asyncio.create_task(directory.members("news"))
    await asyncio.gather(early, late)
    assert store.reads == [["news"]] * 3  # the early one twice, since the store was away, and the late one for itself


async def test_changes_that_come_together_travel_together(store: Moody) -> None:
    directory = directory_of(store, AT_ONCE)
    await asyncio.gather(*(directory.change(Subscribe("news", f"host{number}")) for number in range(20)))
    assert store.changes == [20]


async def test_a_store_that_is_away_is_waited_for_and_both_are_said_once(
    store: Moody, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    store.troubles = [StoreUnavailable("gone fishing")] * 5
    assert not await directory_of(store, AT_ONCE).members("news")
    assert len(store.reads) == 6
    said = [record.getMessage() for record in caplog.records if record.name == "gearhorn.patience"]
    assert said == ["the store is away: gone fishing; jobs wait for it", "the store is back"]


async def test_patience_ends_and_the_next_question_is_a_new_one(store: Moody) -> None:
    directory = directory_of(store, NO_PATIENCE)
    store.troubles = [StoreUnavailable("gone fishing")]
    with pytest.raises(StoreUnavailable, match="gone fishing"):
        await directory.change(Subscribe("news", "ann"))
    assert isinstance(await directory.change(Subscribe("news", "ann")), Applied)


async def test_what_waiting_does_not_mend_is_not_waited_for(store: Moody) -> None:
    store.troubles = [Misconfigured("wrong password")]
    with pytest.raises(Misconfigured, match="wrong password"):
        await directory_of(store, AT_ONCE).members("news")
    assert len(store.reads) == 1


async def test_closing_leaves_nobody_waiting(store: Moody) -> None:
    directory = directory_of(store, PatienceSettings(retry_timeout_s=600.0, first_retry_s=300.0, most_retry_s=300.0))
    store.troubles = [StoreUnavailable("away")] * 2
    waiting = asyncio.create_task(directory.members("news"))
    await store.asked.wait()
    await directory.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting
