"""The record of a run is written as its copies are confirmed, and never holds them up for long."""

import asyncio
import logging

import pytest

from gearhorn.core.fanout import FanoutRun
from gearhorn.core.members import Members
from gearhorn.core.progress import RECORD_STEP, Tally
from gearhorn.errors import StoreUnavailable
from gearhorn.logs.trouble import Trouble
from gearhorn.resuming.journal import ANSWERED_TTL_S, WRITE_LIMIT_S, Journal
from gearhorn.resuming.record import OWNER, PROGRESS, REQUEST, parse_record
from gearhorn.store.base import RecordKey
from tests.unit.moody_store import MoodyStore
from tests.unit.virtual_time import in_virtual_time, let_run, now_s

MEMBERS = Members.of([b"host%05d" % number for number in range(20_000)])
KEY = RecordKey(PROGRESS, "one")


class Scene:
    def __init__(
        self, *, is_owned: bool = False, store: MoodyStore | None = None, trouble: Trouble | None = None
    ) -> None:
        self.store = store or MoodyStore(now_s)
        self.tally = Tally(MEMBERS)
        self.run = FanoutRun(len(MEMBERS), foreground=False, tally=self.tally)
        self.portion = self.run.add_portion(MEMBERS)
        self.went_on_count = 0
        self.journal = Journal(
            *(self.store, "one", "worker-1", self.run, MEMBERS, self._go_on),
            *(b"" if is_owned else b"mark", b"key"),
            is_owned=is_owned,
            trouble=trouble,
        )

    def _go_on(self) -> None:
        self.went_on_count += 1

    def confirm(self, count: int) -> None:
        first, row = self.portion.take(count)
        assert row.id_count == count
        self.tally.sent_count += count
        self.run.confirm(self.portion, first, count)
        self.journal.progressed()

    async def recorded_count(self) -> int:
        """How many copies the record in the store says are done."""
        value = await self.store.read_record(KEY)
        return len(MEMBERS) - len(MEMBERS.outside(parse_record(value).done)) if value else 0


@in_virtual_time
async def test_what_is_confirmed_is_recorded_and_what_is_only_sent_is_not() -> None:
    scene = Scene()
    scene.confirm(4_000)
    scene.portion.take(500)
    scene.tally.sent_count += 500
    await let_run()
    assert RECORD_STEP <= await scene.recorded_count() <= 4_000
    assert await scene.recorded_count() == scene.tally.recorded_count
    assert scene.went_on_count == 1


@in_virtual_time
async def test_one_record_is_written_at_a_time_and_the_next_one_has_all_that_came_meanwhile() -> None:
    scene = Scene()
    release = scene.store.hold("keep_record")
    for _ in range(3):
        scene.confirm(2_500)
        await let_run()
    assert len(scene.store.asked["keep_record"]) == 1
    release()
    await let_run()
    assert len(scene.store.asked["keep_record"]) == 2
    assert await scene.recorded_count() > 5_000


@in_virtual_time
async def test_a_store_that_hangs_holds_copies_back_for_a_moment_only() -> None:
    scene = Scene()
    release = scene.store.hold("keep_record")
    scene.confirm(4_900)
    await let_run()
    assert not scene.tally.allowance(is_idle=True)
    await asyncio.sleep(WRITE_LIMIT_S * 1.1)
    assert scene.tally.allowance(is_idle=True) > 0
    assert not scene.tally.is_gated
    assert scene.went_on_count == 1
    release()
    scene.confirm(100)
    await let_run()
    assert scene.tally.is_gated, "copies wait for the record again when it can be written"


@in_virtual_time
async def test_a_store_that_refuses_is_said_once(caplog) -> None:  # type: ignore[no-untyped-def]
    scene = Scene()
    scene.store.fail("keep_record", *[StoreUnavailable("away")] * 3)
    for _ in range(4):
        scene.confirm(4_000)
        await let_run()
    assert [record.message.count("cannot be recorded: away") for record in caplog.records] == [1]
    assert await scene.recorded_count() > 6_000


@in_virtual_time
async def test_of_many_fanouts_a_store_that_is_away_is_said_once_and_so_is_its_return(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    store, trouble = MoodyStore(now_s), Trouble()
    scenes = [Scene(store=store, trouble=trouble) for _ in range(5)]
    store.fail("keep_record", *[StoreUnavailable("away")] * 5)
    for scene in scenes * 2:
        scene.confirm(4_000)
        await let_run()
    assert [record.getMessage() for record in caplog.records] == [
        "how far a fanout has come cannot be recorded: away; if this worker is lost now, many",
        "how far fanouts have come is recorded again",
    ]


@in_virtual_time
async def test_at_the_end_of_an_answered_job_nothing_is_left() -> None:
    scene = Scene(is_owned=True)
    for kind in (REQUEST, OWNER):
        await scene.store.keep_record(RecordKey(kind, "one"), b"x", 60.0)
    release = scene.store.hold("keep_record")
    scene.confirm(4_000)
    await let_run()
    ending = asyncio.create_task(scene.journal.finish(is_answered=True))
    await let_run()
    release()
    await ending
    for kind in (PROGRESS, REQUEST, OWNER):
        assert await scene.store.read_record(RecordKey(kind, "one")) is None, "a late write must not bring it back"


@in_virtual_time
async def test_whoever_gets_a_job_again_whose_answer_was_lost_finds_everything_done() -> None:
    scene = Scene()
    for _ in range(5):
        scene.confirm(4_000)
    await scene.journal.finish(is_answered=True)
    assert await scene.recorded_count() == len(MEMBERS)
    await asyncio.sleep(ANSWERED_TTL_S)
    assert await scene.store.read_record(KEY) is None


@in_virtual_time
async def test_a_run_that_was_abandoned_leaves_the_record_to_whoever_has_the_job_now() -> None:
    scene = Scene()
    scene.confirm(4_000)
    await let_run()
    await scene.store.keep_record(KEY, b"another's", 60.0)
    scene.run.abandon()
    await scene.journal.finish(is_answered=False)
    assert await scene.store.read_record(KEY) == b"another's"


@in_virtual_time
async def test_whoever_gets_a_job_again_that_was_not_answered_finds_everything_done() -> None:
    scene = Scene()
    for _ in range(5):
        scene.confirm(4_000)
    assert scene.run.is_settled
    await scene.journal.finish(is_answered=False)
    assert await scene.recorded_count() == len(MEMBERS)


@in_virtual_time
async def test_those_whose_copies_failed_are_named_to_be_tried_again() -> None:
    scene = Scene()
    scene.confirm(2)
    scene.portion.take(1)
    scene.run.fail(scene.portion, 2, "not sent: the queue is full")
    scene.confirm(4_000)
    await let_run()
    value = await scene.store.read_record(KEY)
    assert value is not None
    record = parse_record(value)
    assert record.again == [MEMBERS[2]]
    assert (record.worker, record.mark, record.copy_key) == ("worker-1", b"mark", b"key")
