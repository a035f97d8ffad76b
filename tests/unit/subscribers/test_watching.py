"""A worker that watches and one that follows, over one store, with servers that a test fills and empties."""

import asyncio
import logging
from typing import Any

import pytest

from gearhorn.core.health import HealthLimits, Sight
from gearhorn.errors import ServerUnavailable, StoreUnavailable
from gearhorn.metrics import Counters
from gearhorn.patience import PatienceSettings
from gearhorn.store.base import RecordKey, Subscribe, Unsubscribe
from gearhorn.store.memory import MemoryLists
from gearhorn.subscribers import looking, telling, watcher
from gearhorn.subscribers.election import Election
from gearhorn.subscribers.looking import Looker
from gearhorn.subscribers.owners import Owners
from gearhorn.subscribers.pauses import Pauses
from gearhorn.subscribers.policies import DROP, PAUSE, REPORT, ReaperSettings
from gearhorn.subscribers.report import HEAD, read_report
from gearhorn.subscribers.survey import Survey
from gearhorn.subscribers.watcher import OFFICE_INTERVALS, REPORT_INTERVALS, Watcher
from tests.unit.directories import directory_of
from tests.unit.moody_store import MoodyStore
from tests.unit.virtual_time import in_virtual_time, let_run, now_s

INTERVAL_S = 30.0
GRACE_S = 100.0
DEAD_AFTER_S = 1000.0
GONE = Sight(11, 11, has_worker=False)
SERVED = Sight(11, 0, has_worker=True)


class Servers:
    """A surveyor: what all servers have together. `asked_at_s` is when they were asked."""

    def __init__(self) -> None:
        self.sights: dict[bytes, Sight] = {}
        self.is_complete = True
        self.longest_s = 0.0
        self.asked_at_s: list[float] = []

    async def look(self, *_: object) -> Survey:
        self.asked_at_s.append(now_s())
        return Survey(dict(self.sights), self.is_complete, self.longest_s)


class Drops:
    """A dropper. `back` are those who come back while their queues are emptied."""

    def __init__(self, scene: "Scene") -> None:
        self.scene = scene
        self.unsubscribed: list[bytes] = []
        self.emptied: list[tuple[bytes, bool]] = []
        self.back: set[bytes] = set()
        self.error: Exception | None = None
        self.gate: asyncio.Event | None = None
        self.recorded: list[bool] = []

    async def unsubscribe(self, cases: dict[bytes, Any]) -> dict[bytes, Any]:
        report = await read_report(self.scene.store)
        self.recorded += [bool(report) and report.cases[queue].is_dropped for queue in cases]  # type: ignore[union-attr]
        if self.error is not None:
            raise self.error
        self.unsubscribed += cases
        for queue in cases:
            topic, client_id = queue.decode().split("_")
            await self.scene.store.apply([Unsubscribe(topic, client_id)])
        return cases

    async def empty(self, cases: dict[bytes, Any], *, is_new: bool) -> set[bytes]:
        if self.gate is not None:
            await self.gate.wait()
        self.emptied += [(queue, is_new) for queue in cases]
        for queue in cases:
            if queue not in self.back:
                self.scene.servers.sights.pop(queue, None)
        return self.back


class Hand:
    """One worker."""

    def __init__(self, scene: "Scene", name: str, settings: ReaperSettings) -> None:
        self.store = MoodyStore(now_s, scene.lists)
        self.pauses = Pauses()
        self.counters = Counters()
        self.drops = Drops(scene)
        directory = directory_of(self.store, PatienceSettings(0.0), now_s=now_s)
        owners = Owners(self.store, directory, "__matchmaking")
        servers: Any = scene.servers
        drops: Any = self.drops
        looker = Looker(settings, servers, owners, drops, self.counters)
        self.watcher = Watcher(settings, self.store, Election(self.store, name), looker, self.pauses)
        self.task = asyncio.create_task(self.watcher.run())

    @property
    def is_paused(self) -> bool:
        return "news" in self.pauses

    async def die(self) -> None:
        self.task.cancel()
        await asyncio.wait([self.task])

    async def leave(self) -> None:
        await self.die()
        await self.watcher.close()


class Scene:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for module in (looking, watcher):
            monkeypatch.setattr(module, "steady_s", now_s)
        self.lists = MemoryLists()
        self.store = MoodyStore(now_s, self.lists)
        self.servers = Servers()
        self.hands: list[Hand] = []

    async def hire(self, policy: str = REPORT, interval_s: float = INTERVAL_S) -> Hand:
        limits = HealthLimits(10, GRACE_S, DEAD_AFTER_S)
        self.hands.append(hand := Hand(self, f"w{len(self.hands)}", ReaperSettings(policy, (), interval_s, limits)))
        await let_run()
        return hand

    async def vanish(self, *client_ids: str) -> None:
        await self.store.apply([Subscribe("news", client_id) for client_id in client_ids])
        self.servers.sights |= {f"news_{client_id}".encode(): GONE for client_id in client_ids}

    async def close(self) -> None:
        for hand in self.hands:
            await hand.leave()


def told(caplog: pytest.LogCaptureFixture, word: str) -> list[str]:
    return [each.getMessage() for each in caplog.records if each.name == telling.__name__ and word in each.getMessage()]


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Scene:
    caplog.set_level(logging.INFO)
    return Scene(monkeypatch)


@in_virtual_time
async def test_a_suspect_is_reported_within_grace_and_one_interval(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    await scene.hire()
    await asyncio.sleep(INTERVAL_S * 3.7)
    await scene.vanish("bob")
    await asyncio.sleep(GRACE_S)
    assert told(caplog, "is suspect") == []
    await asyncio.sleep(INTERVAL_S)
    assert len(told(caplog, "is suspect")) == 1
    await asyncio.sleep(DEAD_AFTER_S)
    assert len(told(caplog, "is dead")) == 1
    await asyncio.sleep(DEAD_AFTER_S)
    assert len(told(caplog, "client_id='bob'")) == 2
    scene.servers.sights[b"news_bob"] = SERVED
    await asyncio.sleep(INTERVAL_S)
    assert len(told(caplog, "is back")) == 1
    await scene.close()


@in_virtual_time
async def test_one_worker_asks_the_servers_for_all(scene: Scene) -> None:
    for _ in range(5):
        await scene.hire()
    await asyncio.sleep(INTERVAL_S * 10)
    assert 9 <= len(scene.servers.asked_at_s) <= 10
    await scene.close()


@in_virtual_time
async def test_a_server_that_takes_long_is_asked_seldom(scene: Scene) -> None:
    scene.servers.longest_s = 2.0
    for _ in range(3):
        await scene.hire()
    await asyncio.sleep(1000.0)
    assert len(scene.servers.asked_at_s) == 10
    await scene.close()


@in_virtual_time
async def test_a_queue_that_is_nobodys_is_not_reported(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    await scene.hire(PAUSE)
    scene.servers.sights[b"resize_images"] = GONE
    await asyncio.sleep(GRACE_S + DEAD_AFTER_S + INTERVAL_S * 2)
    assert told(caplog, "") == []
    await scene.close()


@in_virtual_time
async def test_all_workers_go_by_a_pause_within_an_interval_and_by_its_end(scene: Scene) -> None:
    hands = [await scene.hire(PAUSE) for _ in range(3)]
    await scene.vanish("bob")
    await asyncio.sleep(GRACE_S)
    assert not any(hand.is_paused for hand in hands)
    await asyncio.sleep(INTERVAL_S * 3)
    assert all(hand.is_paused for hand in hands)
    late = await scene.hire(PAUSE)
    assert late.is_paused  # as soon as it is up
    scene.servers.sights[b"news_bob"] = SERVED
    await asyncio.sleep(INTERVAL_S * 2)
    assert not any(hand.is_paused for hand in scene.hands)
    await scene.close()


@in_virtual_time
async def test_a_watcher_that_dies_is_replaced_by_one_that_knows_since_when(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    first = await scene.hire(PAUSE)
    await asyncio.sleep(INTERVAL_S)
    other = await scene.hire(PAUSE)
    await scene.vanish("bob")
    await asyncio.sleep(GRACE_S + INTERVAL_S * 2)
    assert other.is_paused
    await first.die()
    for _ in range(OFFICE_INTERVALS + 2):
        await asyncio.sleep(INTERVAL_S)
        assert other.is_paused
    await asyncio.sleep(DEAD_AFTER_S)
    assert len(told(caplog, "is suspect")) == 1
    assert len(told(caplog, "is dead")) == 1
    await scene.close()


@in_virtual_time
async def test_a_watcher_that_leaves_is_replaced_at_the_next_turn(scene: Scene) -> None:
    first = await scene.hire()
    await asyncio.sleep(INTERVAL_S)
    await scene.hire()
    await asyncio.sleep(INTERVAL_S)
    asked_count = len(scene.servers.asked_at_s)
    await first.leave()
    await asyncio.sleep(INTERVAL_S * 1.1)
    assert len(scene.servers.asked_at_s) > asked_count
    await scene.close()


@in_virtual_time
async def test_copies_flow_again_when_nobody_can_tell(scene: Scene) -> None:
    watching = await scene.hire(PAUSE)
    await asyncio.sleep(INTERVAL_S)
    other = await scene.hire(PAUSE)
    await scene.vanish("bob")
    await asyncio.sleep(GRACE_S + INTERVAL_S * 2)
    assert other.is_paused
    other.store.fail("claim_record", *[StoreUnavailable("away")] * 100)
    await asyncio.sleep(INTERVAL_S * (REPORT_INTERVALS - 2))
    assert other.is_paused
    await asyncio.sleep(INTERVAL_S * 4)
    assert not other.is_paused
    await watching.leave()
    await scene.close()


@in_virtual_time
async def test_a_record_that_is_gone_lets_copies_flow_at_once(scene: Scene) -> None:
    watching = await scene.hire(PAUSE)
    await asyncio.sleep(INTERVAL_S)
    other = await scene.hire(PAUSE)
    await scene.vanish("bob")
    await asyncio.sleep(GRACE_S + INTERVAL_S * 2)
    await watching.die()
    await scene.store.drop_record(HEAD)
    await asyncio.sleep(INTERVAL_S)
    assert not other.is_paused
    await scene.close()


@in_virtual_time
async def test_the_dead_are_dropped_once_the_store_knows_of_it(scene: Scene) -> None:
    hand = await scene.hire(DROP)
    await scene.vanish("bob", "eve")
    await asyncio.sleep(GRACE_S + DEAD_AFTER_S + INTERVAL_S * 3)
    assert sorted(hand.drops.unsubscribed) == [b"news_bob", b"news_eve"]
    assert sorted(hand.drops.emptied) == [(b"news_bob", True), (b"news_eve", True)]
    assert hand.drops.recorded == [True, True]
    await asyncio.sleep(INTERVAL_S)
    report = await read_report(scene.store)
    assert report is not None
    assert report.cases == {}
    await scene.close()


@in_virtual_time
async def test_the_suspect_are_not_dropped(scene: Scene) -> None:
    hand = await scene.hire(DROP)
    await scene.vanish("bob")
    await asyncio.sleep(GRACE_S + DEAD_AFTER_S - INTERVAL_S)
    assert hand.drops.unsubscribed == []
    await scene.close()


@in_virtual_time
async def test_nothing_is_dropped_that_the_store_does_not_know_of(scene: Scene) -> None:
    hand = await scene.hire(DROP)
    await scene.vanish("bob")
    await asyncio.sleep(GRACE_S + DEAD_AFTER_S - INTERVAL_S)
    hand.store.fail("keep_record", *[StoreUnavailable("away")] * 8)
    await asyncio.sleep(INTERVAL_S * 3)
    assert hand.drops.unsubscribed == []
    await asyncio.sleep(INTERVAL_S * 8)
    assert hand.drops.unsubscribed == [b"news_bob"]
    await scene.close()


@in_virtual_time
async def test_a_drop_that_fails_is_tried_again(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    hand = await scene.hire(DROP)
    hand.drops.error = ServerUnavailable("away")
    await scene.vanish("bob")
    await asyncio.sleep(GRACE_S + DEAD_AFTER_S + INTERVAL_S * 3)
    assert "dead subscribers were not dropped" in caplog.text
    assert hand.drops.unsubscribed == []
    hand.drops.error = None
    await asyncio.sleep(INTERVAL_S * 2)
    assert hand.drops.unsubscribed == [b"news_bob"]
    await scene.close()


@in_virtual_time
async def test_while_a_server_cannot_be_asked_nobody_knows_whether_a_queue_is_empty(scene: Scene) -> None:
    hand = await scene.hire(DROP)
    await scene.vanish("bob")
    hand.drops.gate = asyncio.Event()
    await asyncio.sleep(GRACE_S + DEAD_AFTER_S + INTERVAL_S * 2)
    scene.servers.is_complete = False
    hand.drops.gate.set()
    await asyncio.sleep(INTERVAL_S * 3)
    assert b"news_bob" in hand.watcher._looker.cases
    assert len(hand.drops.emptied) > 1  # and so it is looked after again
    scene.servers.is_complete = True
    await asyncio.sleep(INTERVAL_S * 2)
    assert hand.watcher._looker.cases == {}
    await scene.close()


@in_virtual_time
async def test_who_comes_back_while_its_queue_is_emptied_has_all_the_time_again(scene: Scene) -> None:
    hand = await scene.hire(DROP)
    hand.drops.back = {b"news_bob"}
    await scene.vanish("bob")
    await asyncio.sleep(GRACE_S + DEAD_AFTER_S + INTERVAL_S * 2)
    assert hand.drops.emptied == [(b"news_bob", True)]
    await scene.store.apply([Subscribe("news", "bob")])
    await asyncio.sleep(DEAD_AFTER_S)
    assert hand.drops.emptied == [(b"news_bob", True)]
    await asyncio.sleep(GRACE_S + INTERVAL_S * 3)
    assert hand.drops.emptied == [(b"news_bob", True)] * 2
    await scene.close()


@in_virtual_time
async def test_what_a_dead_watcher_has_begun_to_drop_is_finished(scene: Scene) -> None:
    first = await scene.hire(DROP)
    first.drops.gate = asyncio.Event()
    await asyncio.sleep(INTERVAL_S)
    other = await scene.hire(DROP)
    await scene.vanish("bob")
    await asyncio.sleep(GRACE_S + DEAD_AFTER_S + INTERVAL_S * 3)
    assert first.drops.unsubscribed == [b"news_bob"]
    await first.die()
    await asyncio.sleep(INTERVAL_S * 6)
    assert other.drops.emptied == [(b"news_bob", False)]
    await scene.close()


@in_virtual_time
async def test_a_store_that_is_away_ends_nothing(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    hand = await scene.hire()
    await scene.vanish("bob")
    hand.store.fail("claim_record", *[StoreUnavailable("away")] * 2)
    await asyncio.sleep(GRACE_S + INTERVAL_S * 4)
    assert len(told(caplog, "is suspect")) == 1
    assert not hand.task.done()
    await scene.close()


@in_virtual_time
async def test_what_is_counted_is_shown(scene: Scene) -> None:
    hand = await scene.hire(PAUSE)
    await scene.vanish("bob", "eve")
    await asyncio.sleep(GRACE_S + INTERVAL_S * 2)
    assert hand.counters.shown() == {
        "reaper_dead_subscribers": 0,
        "reaper_paused_subscribers": 2,
        "reaper_suspect_subscribers": 2,
    }
    await scene.close()


@in_virtual_time
async def test_with_policy_off_nothing_is_asked(scene: Scene) -> None:
    await scene.hire("off")
    await scene.vanish("bob")
    await asyncio.sleep(INTERVAL_S * 10)
    assert scene.servers.asked_at_s == []
    assert await scene.store.read_record(RecordKey("subscribers", "watcher")) is None
    await scene.close()
