"""What a dead worker left behind is removed in an order in which nothing is forgotten halfway."""

import asyncio
import logging

import pytest

from gearhorn.errors import StoreUnavailable
from gearhorn.matchmaking import reaping
from gearhorn.matchmaking.reaping import Reaper
from gearhorn.names import queue_name
from gearhorn.net.address import Address
from gearhorn.net.connection import LinkSettings
from gearhorn.patience import PatienceSettings
from gearhorn.store.base import Subscribe
from gearhorn.store.leases import LeaseKey
from tests.unit.directories import directory_of
from tests.unit.moody_store import MoodyStore
from tests.unit.virtual_time import in_virtual_time, let_run, now_s

TOPIC = "__matchmaking"
TTL_S = 10.0
SERVERS = [Address("s1", 4730), Address("s2", 4730)]
AWAY = StoreUnavailable("away")


class Scene:
    """Two servers, and what was there when their queues were emptied."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, drained: int | None = 0) -> None:
        self.store = MoodyStore(now_s)
        self.drained = drained
        self.drain_error: Exception | None = None
        self.drains: list[tuple[str, bytes]] = []
        self.seen: list[tuple[list[str], list[str]]] = []  # who was on the list, and who had a lease
        directory = directory_of(self.store, PatienceSettings(retry_timeout_s=0.0), now_s=now_s)
        self.reaper = Reaper(TOPIC, self.store, directory, SERVERS, LinkSettings(), "gearhorn")
        monkeypatch.setattr(reaping, "drain", self._drain)

    async def lose(self, *worker_ids: str) -> list[LeaseKey]:
        """Workers that ended without leaving."""
        keys = [LeaseKey(worker_id, "token") for worker_id in worker_ids]
        for key in keys:
            await self.store.take_lease(key, TTL_S, "{}")
            await self.store.apply([Subscribe(TOPIC, key.worker_id)])
        await asyncio.sleep(TTL_S + 1)
        return keys

    async def left(self) -> tuple[list[str], list[str]]:
        ((_, members),) = await self.store.read([TOPIC])
        return sorted(member.decode() for member in members), [
            lease.key.worker_id for lease in await self.store.leases()
        ]

    async def _drain(self, address: Address, link: LinkSettings, client_id: str, queue: bytes) -> int | None:
        assert client_id == "gearhorn"
        self.drains.append((str(address), queue))
        self.seen.append(await self.left())
        if self.drain_error is not None:
            raise self.drain_error
        return self.drained


@in_virtual_time
async def test_everything_that_a_dead_worker_left_is_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch)
    await scene.reaper.remove(await scene.lose("b"))
    assert await scene.left() == ([], [])
    queue = queue_name(TOPIC, "b")
    assert scene.drains == [("s1:4730", queue), ("s2:4730", queue)]


@in_virtual_time
async def test_its_name_goes_before_its_queue_is_emptied_and_its_lease_is_forgotten_last(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scene = Scene(monkeypatch)
    await scene.reaper.remove(await scene.lose("b"))
    assert scene.seen == [([], ["b"])] * len(SERVERS)


@in_virtual_time
async def test_servers_are_emptied_at_the_same_time(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch)
    keys = await scene.lose("b")
    both, begun = asyncio.Event(), 0

    async def drain(*_: object) -> int:
        nonlocal begun
        begun += 1
        if begun == len(SERVERS):
            both.set()
        await both.wait()
        return 0

    monkeypatch.setattr(reaping, "drain", drain)
    await scene.reaper.remove(keys)
    assert await scene.left() == ([], [])


@in_virtual_time
async def test_one_whose_name_cannot_be_removed_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch)
    keys = await scene.lose("b")
    scene.store.fail("apply", AWAY)
    with pytest.raises(StoreUnavailable):
        await scene.reaper.remove(keys)
    assert scene.drains == []
    assert await scene.left() == (["b"], ["b"])


@in_virtual_time
async def test_one_whose_queue_cannot_be_emptied_keeps_its_lease_and_so_another_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scene = Scene(monkeypatch)
    keys = await scene.lose("b")
    scene.drain_error = OSError("no file is left")
    with pytest.raises(OSError, match="no file is left"):
        await scene.reaper.remove(keys)
    assert await scene.left() == ([], ["b"])
    scene.drain_error = None
    await scene.reaper.remove(keys)
    assert await scene.left() == ([], [])


@in_virtual_time
async def test_while_a_server_is_away_where_messages_may_be_the_lease_is_kept_and_with_it_another_time(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    scene = Scene(monkeypatch, drained=None)
    keys = await scene.lose("b", "c")
    for _ in range(3):
        await scene.reaper.remove(keys)
    assert await scene.left() == ([], ["b", "c"])
    assert [record.levelno for record in caplog.records] == [logging.WARNING] * len(keys)
    scene.drained = 0
    await scene.reaper.remove(keys)
    assert await scene.left() == ([], [])


@in_virtual_time
async def test_several_are_removed_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch)
    keys = await scene.lose("b", "c")
    scene.store.fail("forget_lease", AWAY)
    with pytest.raises(StoreUnavailable):
        await scene.reaper.remove(keys)
    assert await scene.left() == (["c"], ["b", "c"])
    await scene.reaper.remove(keys)
    assert await scene.left() == ([], [])


@in_virtual_time
async def test_a_worker_that_came_back_meanwhile_keeps_its_new_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch)
    keys = await scene.lose("b")
    await scene.store.take_lease(LeaseKey("b", "new"), TTL_S, "{}")
    await scene.reaper.remove(keys)
    (lease,) = await scene.store.leases()
    assert lease.key == LeaseKey("b", "new")


@in_virtual_time
async def test_with_nothing_to_remove_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch)
    await scene.reaper.remove([])
    await let_run()
    assert (scene.drains, scene.store.asked["apply"]) == ([], [])


@pytest.mark.parametrize(("drained", "said"), [(3, ["took 6 messages off the queue of worker b"]), (0, []), (None, [])])
@in_virtual_time
async def test_what_was_removed_is_said(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, drained: int | None, said: list[str]
) -> None:
    caplog.set_level(logging.INFO)
    scene = Scene(monkeypatch, drained=drained)
    await scene.reaper.remove(await scene.lose("b"))
    assert [record.getMessage() for record in caplog.records] == [
        "worker b is gone: its lease ran out; its queue is emptied",
        *said,
    ]
