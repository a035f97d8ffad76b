"""Who is dropped, and who is left alone because somebody came back at the last moment."""

import contextlib
import logging
from collections import Counter
from collections.abc import AsyncIterator, Collection, Mapping
from typing import Any

import pytest

from gearhorn.errors import ServerUnavailable
from gearhorn.metrics import Counters
from gearhorn.net.address import Address
from gearhorn.net.connection import LinkSettings
from gearhorn.patience import PatienceSettings
from gearhorn.store.base import Subscribe
from gearhorn.subscribers import dropping
from gearhorn.subscribers.dropping import Dropper
from gearhorn.subscribers.letters import NoLetterBox
from gearhorn.wire.status import Counts, StatusRole
from tests.unit.directories import directory_of
from tests.unit.moody_store import MoodyStore
from tests.unit.subscribers.cases import cases_of
from tests.unit.virtual_time import in_virtual_time, now_s

SERVERS = [Address("s1", 4730), Address("s2", 4730)]
BOB, EVE = b"news_bob", b"news_eve"
CASES = cases_of(("news", "bob"), ("news", "eve"), is_dropped=True)


class Emptying:
    """Finds ten jobs in each queue, and then waits for the scene to say that this was all."""

    def __init__(self, scene: "Scene", owners: Mapping[bytes, object]) -> None:
        self.taken = Counter(dict.fromkeys(owners, 10))
        self.scene = scene
        self.left: set[bytes] = set()
        self.is_grabbing = False

    @contextlib.asynccontextmanager
    async def begun(self) -> AsyncIterator[None]:
        self.is_grabbing = self.scene.is_emptying = True
        yield
        self.is_grabbing = self.scene.is_emptying = False

    async def wait_until_empty(self) -> None:
        await self.scene.store.asleep(self.scene.takes_s)

    async def leave(self, queues: Collection[bytes]) -> None:
        self.is_grabbing = False
        self.left |= set(queues)

    def go_on(self) -> None:
        self.is_grabbing = True


class Store(MoodyStore):
    async def asleep(self, seconds: float) -> None:
        await dropping.asyncio.sleep(seconds)


class Scene:
    """`workers` are those of others, by question: the first, the second, … asks of all servers."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.store = Store(now_s)
        self.workers: dict[int, set[bytes]] = {}
        self.ask_count = 0
        self.takes_s = 0.1
        self.is_emptying = False
        self.away_at = -1
        self.emptyings: list[Emptying] = []
        self.counters = Counters()
        self.directory = directory_of(self.store, PatienceSettings(0.0), now_s=now_s)
        self.dropper = Dropper(self.directory, SERVERS, LinkSettings(), "gearhorn", NoLetterBox(), self.counters)
        monkeypatch.setattr(dropping, "ask_status", self._ask)
        monkeypatch.setattr(dropping, "Emptying", self._make)

    async def begin(self) -> None:
        await self.store.apply([Subscribe("news", "bob"), Subscribe("news", "eve")])

    async def subscribers(self) -> list[str]:
        ((_, members),) = await self.store.read(["news"])
        return sorted(member.decode() for member in members)

    async def _ask(self, server: Address, _: object, role: StatusRole) -> float:
        if server == SERVERS[1]:  # the others are on the second one
            self.ask_count += 1
            if self.ask_count == self.away_at:
                raise ServerUnavailable("away")
        for queue in CASES:
            is_served = server == SERVERS[1] and queue in self.workers.get(self.ask_count, ())
            role.counts[queue] = Counts(10, is_served + self.is_emptying)
        return 0.0

    def _make(self, _: object, __: object, ___: object, owners: Mapping[bytes, object], ____: Any) -> Emptying:
        self.emptyings.append(Emptying(self, owners))
        return self.emptyings[-1]


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Scene:
    caplog.set_level(logging.INFO)
    return Scene(monkeypatch)


@in_virtual_time
async def test_the_dead_are_unsubscribed_and_then_their_queues_are_emptied_on_every_server(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    await scene.begin()
    gone = await scene.dropper.unsubscribe(CASES)
    assert gone == CASES
    assert await scene.subscribers() == []
    assert scene.emptyings == []
    assert await scene.dropper.empty(gone, is_new=True) == set()
    assert [set(one.taken) for one in scene.emptyings] == [set(CASES)] * 2
    assert [text.split(":")[0] for text in caplog.messages] == [
        "dropped subscriber client_id='bob' topic='news'",
        "dropped subscriber client_id='eve' topic='news'",
    ]
    assert "took 20 copies off its queue (deleted)" in caplog.messages[0]
    assert scene.counters.shown() == {"reaper_drained_copies": 40, "reaper_dropped_subscribers": 2}


@in_virtual_time
async def test_who_is_served_before_that_is_left_alone(scene: Scene) -> None:
    await scene.begin()
    scene.workers = {1: {BOB}}
    assert list(await scene.dropper.unsubscribe(CASES)) == [EVE]
    assert await scene.subscribers() == ["bob"]


@in_virtual_time
async def test_who_comes_at_that_very_moment_is_subscribed_again(scene: Scene) -> None:
    await scene.begin()
    scene.workers = {2: {BOB}}
    assert list(await scene.dropper.unsubscribe(CASES)) == [EVE]
    assert await scene.subscribers() == ["bob"]


@in_virtual_time
async def test_while_a_server_cannot_be_asked_nobody_is_unsubscribed(scene: Scene) -> None:
    await scene.begin()
    scene.away_at = 1
    with pytest.raises(ServerUnavailable):
        await scene.dropper.unsubscribe(CASES)
    assert await scene.subscribers() == ["bob", "eve"]


@in_virtual_time
async def test_a_queue_that_is_served_or_subscribed_again_is_not_emptied(scene: Scene) -> None:
    scene.workers = {1: {BOB}}
    await scene.store.apply([Subscribe("news", "eve")])
    assert await scene.dropper.empty(CASES, is_new=False) == {BOB, EVE}
    assert scene.emptyings == []


@in_virtual_time
async def test_a_worker_that_comes_meanwhile_has_the_queue_to_itself(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    scene.takes_s = 1.5
    scene.workers = {2: {BOB}}
    assert await scene.dropper.empty(CASES, is_new=True) == {BOB}
    assert [one.left for one in scene.emptyings] == [{BOB}] * 2
    assert "(deleted; then it came back)" in caplog.messages[0]
    assert "(deleted); nobody" in caplog.messages[1]


@in_virtual_time
async def test_who_subscribes_meanwhile_has_the_queue_to_itself(scene: Scene) -> None:
    scene.takes_s = 2.5

    async def come_back() -> None:
        await dropping.asyncio.sleep(0.5)
        await scene.store.apply([Subscribe("news", "eve")])

    task = dropping.asyncio.create_task(come_back())
    assert await scene.dropper.empty(CASES, is_new=True) == {EVE}
    assert [one.left for one in scene.emptyings] == [{EVE}] * 2
    await task


@in_virtual_time
async def test_what_was_taken_is_told_even_when_it_ends_in_trouble(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    scene.takes_s = 60.0
    scene.away_at = 3
    with pytest.raises(ServerUnavailable):
        await scene.dropper.empty(CASES, is_new=False)
    assert len(caplog.messages) == 2
