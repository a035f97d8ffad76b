"""A fanout whose list is in memory is done where it comes in, and none overtakes another of its topic."""

import asyncio
from typing import Any

import pytest

from gearhorn.core.matchmaking import Matchmaking, MatchmakingLimits
from gearhorn.core.members import Members
from gearhorn.core.news import News
from gearhorn.core.progress import UNRECORDED_LIMIT
from gearhorn.handlers import Handlers, HandlerSettings
from gearhorn.metrics import Counters
from gearhorn.net.address import Address
from gearhorn.net.connection import LinkSettings
from gearhorn.net.marks import ServerEnded
from gearhorn.net.shipment import Shipment
from gearhorn.patience import PatienceSettings
from gearhorn.resuming import ledger
from gearhorn.resuming.ledger import Ledger, ResumingSettings
from gearhorn.store.base import Subscribe
from gearhorn.subscribers.pauses import Pauses
from gearhorn.wire.worker_events import Assigned
from tests.unit.directories import directory_of, take_lease
from tests.unit.moody_store import MoodyStore
from tests.unit.virtual_time import in_virtual_time, let_run, now_s

TTL_S = 10.0


class Job:
    """Stands in for a held job."""

    def __init__(self, payload: bytes) -> None:
        self.assigned = Assigned(b"H:lap:1", b"fanout", b"", payload)
        self.is_held = self.requeues = True
        self.mark = b"mark"
        self.address = Address("localhost", 4730)
        self.ending: tuple[str, bytes] | None = None

    def complete(self, data: bytes = b"") -> None:
        self.ending = "completed", data

    def refuse(self, text: bytes) -> None:
        self.ending = "refused", text

    def send_status(self, done_count: int, total_count: int) -> None: ...

    def weigh(self, more_bytes: int) -> None: ...


class Dispatch:
    """Stands in for what sends copies: its servers take all at once."""

    def __init__(self) -> None:
        self.sent: list[tuple[bytes, set[bytes]]] = []  # payload, receivers

    def send(self, shipment: Shipment, members: Members) -> None:
        ids = set(members)
        if members:
            packet = b"".join(shipment.encoder.encode(*members.row(0, 1)[:2]))
            self.sent.append((packet.rpartition(b"\0")[2], ids))
            portion = shipment.run.add_portion(members)
            first, row = portion.take(len(members))
            shipment.confirm(portion, first, row.id_count)


class Scene:
    """A worker with a lease; `ann` and `bob` are subscribed to `news`."""

    def __init__(self) -> None:
        self.store = MoodyStore(now_s)
        self.matchmaking = Matchmaking(MatchmakingLimits(TTL_S))
        self.dispatch = Dispatch()
        directory = self.directory = directory_of(self.store, PatienceSettings(0.0), self.matchmaking, now_s=now_s)
        self.ledger = Ledger(ResumingSettings(), self.store, LinkSettings(), lambda: None)
        dispatch: Any = self.dispatch
        self.handlers = Handlers(
            HandlerSettings(), directory, dispatch, self.ledger, lambda: 1_000_000.0, Pauses(), Counters()
        )

    async def begin(self) -> "Scene":
        await self.store.apply([Subscribe("news", "ann"), Subscribe("news", "bob")])
        await take_lease(self.store, self.matchmaking, now_s())
        return self

    async def warm_up(self) -> "Scene":
        await self.begin()
        self.take(b"first")
        await let_run()
        self.dispatch.sent.clear()
        return self

    def take(self, payload: bytes, more: bytes = b"") -> Job:
        job = Job(b'{"topic":"news","background":true,"payload":"%b"%b}' % (payload, more))
        self.handlers.take(job)  # type: ignore[arg-type]
        return job


def task_count() -> int:
    return len(asyncio.all_tasks())


@in_virtual_time
async def test_a_list_that_is_not_in_memory_is_read_in_a_task() -> None:
    scene = await Scene().begin()
    job = scene.take(b"x")
    assert (job.ending, task_count()) == (None, 2)
    await let_run()
    assert job.ending == ("completed", b"2")
    assert scene.store.asked["read"] == [["news"]]


@in_virtual_time
async def test_with_the_list_in_memory_all_is_done_before_the_job_is_put_down() -> None:
    scene = await Scene().warm_up()
    job = scene.take(b"x")
    assert job.ending == ("completed", b"2")
    assert scene.dispatch.sent == [(b"x", {b"ann", b"bob"})]
    assert task_count() == 1
    assert len(scene.store.asked["read"]) == 1


@in_virtual_time
async def test_who_is_excluded_is_left_out_of_the_list_in_memory_only_this_time() -> None:
    scene = await Scene().warm_up()
    assert scene.take(b"x", b',"exclude":["bob"]').ending == ("completed", b"1")
    assert scene.take(b"y").ending == ("completed", b"2")


@in_virtual_time
async def test_an_empty_list_in_memory_is_answered_at_once_too() -> None:
    scene = await Scene().begin()
    await scene.directory.members("nobody")
    job = Job(b'{"topic":"nobody","payload":"x"}')
    scene.handlers.take(job)  # type: ignore[arg-type]
    assert (job.ending, task_count()) == (("completed", b"0"), 1)


@in_virtual_time
async def test_a_lease_that_has_run_out_makes_the_next_fanout_read() -> None:
    scene = await Scene().warm_up()
    await asyncio.sleep(TTL_S)
    assert scene.take(b"x").ending is None
    await let_run()
    assert len(scene.store.asked["read"]) == 2


@in_virtual_time
async def test_news_make_the_next_fanout_read() -> None:
    scene = await Scene().warm_up()
    scene.matchmaking.hear([News("news", 10**18)])
    assert scene.take(b"x").ending is None
    await let_run()
    assert len(scene.store.asked["read"]) == 2


@in_virtual_time
async def test_fanouts_of_a_topic_go_out_in_the_order_in_which_they_came() -> None:
    scene = await Scene().begin()
    go_on = scene.store.hold("read")
    scene.take(b"1")
    scene.take(b"2")
    await let_run()
    scene.take(b"3")
    go_on()
    number = 4
    while scene.take(b"%d" % number).ending is None:  # one more comes at every moment until memory answers
        number += 1
        assert number < 100
        await asyncio.sleep(0)
    assert [payload for payload, _ in scene.dispatch.sent] == [b"%d" % n for n in range(1, number + 1)]


@pytest.mark.parametrize("body", [b"", b"[]", b'{"topic":"","payload":"x"}', b'{"topic":"__x","payload":"x"}'])
@in_virtual_time
async def test_what_cannot_be_done_is_refused_at_once(body: bytes) -> None:
    scene = await Scene().begin()
    job = Job(body)
    scene.handlers.take(job)  # type: ignore[arg-type]
    assert job.ending is not None
    assert job.ending[0] == "refused"
    assert task_count() == 1


@in_virtual_time
async def test_a_bug_on_the_way_ends_the_job_and_not_the_worker() -> None:
    scene = await Scene().warm_up()

    def fail(*_: object) -> None:
        raise LookupError

    scene.dispatch.send = fail  # type: ignore[method-assign, assignment]
    assert scene.take(b"x").ending == ("refused", b"the service has a bug: its log tells more")


@pytest.mark.parametrize("size", [2, UNRECORDED_LIMIT])
@pytest.mark.parametrize("has_ended", [False, True])
def test_a_fanout_that_had_to_wait_is_left_to_the_worker_that_has_its_job_now_unless_there_is_none(
    size: int, has_ended: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def knows_queue(address: Address, link: LinkSettings, name: bytes) -> bool:
        assert (address, name) == (Address("localhost", 4730), b"mark")
        if has_ended:
            raise ServerEnded("nobody listens there")
        return True

    monkeypatch.setattr(ledger, "knows_queue", knows_queue)

    @in_virtual_time
    async def test() -> None:
        scene = await Scene().begin()
        await scene.store.apply([Subscribe("news", f"host{number}") for number in range(size)])
        release = scene.store.hold("read_record" if size == UNRECORDED_LIMIT else "read")
        lost, kept = scene.take(b"lost"), scene.take(b"kept")
        await let_run()
        lost.is_held = False
        release()
        await let_run()
        assert {payload for payload, _ in scene.dispatch.sent} == {b"kept", *([b"lost"] if has_ended else [])}
        assert lost.ending is None or has_ended
        assert kept.ending is None or size == 2

    test()


@in_virtual_time
@pytest.mark.parametrize(("count", "is_recorded"), [(UNRECORDED_LIMIT, False), (UNRECORDED_LIMIT + 1, True)])
async def test_only_large_fanouts_are_recorded(count: int, is_recorded: bool) -> None:
    scene = await Scene().begin()
    await scene.store.apply([Subscribe("many", f"host{number}") for number in range(count)])
    scene.handlers.take(Job(b'{"topic":"many","background":true,"payload":"x"}'))  # type: ignore[arg-type]
    await let_run()
    assert bool(scene.store.asked["read_record"]) is is_recorded
