"""The real system as a source of pages."""

import pytest

from gearhorn.net.address import Address
from gearhorn.overview.observer import Observer, ObserverSettings
from gearhorn.store.base import Store, Subscribe
from gearhorn.store.memory import MemoryStore
from gearhorn.web.dashboard.source import ObserverSource

NOBODY = Address("127.0.0.1", 9)  # discards


class Door:
    """To a store with some subscriptions. Counts who goes through it."""

    def __init__(self) -> None:
        self.opened_count = 0
        self._store = MemoryStore()

    async def __call__(self) -> Store:
        if not self.opened_count:
            await self._store.open()
            await self._store.apply([Subscribe("news", "web1"), Subscribe("news", "web2"), Subscribe("logs", "web1")])
        self.opened_count += 1
        return self._store


@pytest.fixture
def door() -> Door:
    return Door()


@pytest.fixture
def source(door: Door) -> ObserverSource:
    return ObserverSource(Observer(ObserverSettings((NOBODY,), patience_s=1.0), door))


async def test_everything_that_pages_need_can_be_asked_for(source: ObserverSource) -> None:
    overview = await source.observe()
    assert [topic.topic for topic in overview.topics] == ["news", "logs"]
    assert [one.client_id for one in (await source.look_at_topic("news")).subscribers] == ["web1", "web2"]
    assert [one.topic for one in (await source.look_up("web1")).subscribers] == ["logs", "news"]
    assert len((await source.search("eb", is_prefix=False)).subscribers) == 3
    assert not (await source.search("eb", is_prefix=True)).subscribers


@pytest.mark.parametrize("name", ["", "a\nb", "\0", "__reserved", "x" * 300])
async def test_the_store_is_not_asked_for_what_can_be_no_topic(source: ObserverSource, door: Door, name: str) -> None:
    assert not (await source.look_at_topic(name)).subscribers
    assert door.opened_count == 0


async def test_the_same_question_is_asked_once_in_a_while(source: ObserverSource, door: Door) -> None:
    for _ in range(5):
        await source.look_at_topic("news")
        await source.look_up("web1")
        await source.search("web", is_prefix=True)
    assert door.opened_count == 3
    await source.close()
