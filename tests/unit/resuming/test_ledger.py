"""Which record belongs to which job, and where a fanout goes on."""

import asyncio
from dataclasses import dataclass, replace

import pytest

from gearhorn.bodies import FanoutRequest
from gearhorn.core.members import Members
from gearhorn.core.packs import Stretch
from gearhorn.errors import ServerUnavailable, StoreUnavailable
from gearhorn.net.address import Address
from gearhorn.net.connection import LinkSettings
from gearhorn.resuming import ledger as ledger_module
from gearhorn.resuming.ledger import DOUBT_LIMIT_S, Ledger, ResumingSettings
from gearhorn.resuming.record import OWNER, PROGRESS, REQUEST, Record, identity_of, parse_request, render_record
from gearhorn.store.base import RecordKey
from gearhorn.wire.worker_events import Assigned
from tests.unit.moody_store import MoodyStore
from tests.unit.virtual_time import in_virtual_time, now_s

MEMBERS = Members.of([b"host%05d" % number for number in range(6_000)])
SERVER = Address("localhost", 4730)
HALF = [Stretch(9, 0, 1 << 31)]
REQUESTED = FanoutRequest("news", b"hello", background=True, exclude=[])


@dataclass(frozen=True)
class Job:
    """Stands in for a job of a server."""

    handle: bytes = b"H:lap:7"
    queue: bytes = b"fanout"
    unique: bytes = b""
    payload: bytes = b"{}"
    address: Address = SERVER
    requeues: bool = True
    is_held: bool = True
    mark: bytes = b"own mark"

    @property
    def assigned(self) -> Assigned:
        return Assigned(self.handle, self.queue, self.unique, self.payload)


def identity(job: Job, *, is_persistent: bool = False) -> str:
    return identity_of(job, is_persistent=is_persistent)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "other",
    [
        Job(handle=b"H:lap:8"),
        Job(queue=b"fanout.news"),
        Job(unique=b"u"),
        Job(payload=b"{} "),
        Job(handle=b"H:lap:7fan", queue=b"out"),
    ],
)
def test_jobs_that_differ_in_anything_are_told_apart(other: Job) -> None:
    assert identity(other) != identity(Job())
    assert identity(Job()) == identity(Job())


def test_a_server_that_workers_call_by_different_names_is_one_server() -> None:
    assert identity(Job(address=Address("localhost", 4731))) == identity(Job())


def test_on_a_server_that_keeps_its_jobs_the_unique_key_tells_and_not_the_handle() -> None:
    job = Job(unique=b"u")
    renumbered = replace(job, handle=b"H:lap:1")
    assert identity(renumbered, is_persistent=True) == identity(job, is_persistent=True)
    assert identity(renumbered) != identity(job)
    assert identity(replace(job, unique=b"v"), is_persistent=True) != identity(job, is_persistent=True)
    assert identity(Job(handle=b"H:lap:1"), is_persistent=True) != identity(Job(), is_persistent=True), "none: no key"


class Scene:
    def __init__(
        self, *, known_marks: set[bytes], is_persistent: bool = False, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def knows_queue(address: Address, link: LinkSettings, name: bytes) -> bool:
            assert address == Job().address
            return name in known_marks

        monkeypatch.setattr(ledger_module, "knows_queue", knows_queue)
        self.store = MoodyStore(now_s)
        self.ledger = Ledger(ResumingSettings("worker-2", is_persistent), self.store, LinkSettings(), lambda: None)

    async def leave_record(
        self, job: Job, mark: bytes, again: list[bytes] | None = None, persistent: bool = False
    ) -> None:
        record = Record.of(mark, b"key", "worker-1", HALF, again or [])
        key = RecordKey(PROGRESS, identity(job, is_persistent=persistent))
        await self.store.keep_record(key, render_record(record), 60.0)

    async def rest_of(self, job: Job) -> Members:
        return (await self.ledger.open(job, REQUESTED, MEMBERS)).rest  # type: ignore[arg-type]


def test_a_fanout_goes_on_where_it_was_cut_short(monkeypatch: pytest.MonkeyPatch) -> None:
    @in_virtual_time
    async def test() -> None:
        scene = Scene(known_marks={b"mark"}, monkeypatch=monkeypatch)
        await scene.leave_record(Job(), b"mark")
        journal = await scene.ledger.open(Job(), REQUESTED, MEMBERS)  # type: ignore[arg-type]
        assert set(journal.rest) == set(MEMBERS.outside(HALF))
        assert 0 < len(journal.rest) < len(MEMBERS)
        assert journal.run.done_count + len(journal.rest) == journal.run.total_count == len(MEMBERS)
        assert journal.copy_key == b"key"
        assert journal.run.tally is not None
        assert journal.run.tally.progress.stretches() == HALF

    test()


def test_a_server_that_was_started_again_counts_handles_anew_and_the_record_is_another_jobs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    @in_virtual_time
    async def test() -> None:
        scene = Scene(known_marks={b"own mark"}, monkeypatch=monkeypatch)
        await scene.leave_record(Job(), b"mark of before")
        assert await scene.rest_of(Job()) == MEMBERS

    test()


def test_those_whose_copies_failed_are_tried_again_if_they_are_still_there(monkeypatch: pytest.MonkeyPatch) -> None:
    @in_virtual_time
    async def test() -> None:
        scene = Scene(known_marks={b"mark"}, monkeypatch=monkeypatch)
        failed = next(client_id for client_id in MEMBERS if client_id not in MEMBERS.outside(HALF))
        await scene.leave_record(Job(), b"mark", again=[failed, b"gone"])
        assert set(await scene.rest_of(Job())) == {*MEMBERS.outside(HALF), failed}

    test()


def test_with_a_persistent_queue_no_mark_is_asked_for_where_there_is_a_unique_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    @in_virtual_time
    async def test() -> None:
        scene = Scene(known_marks=set(), is_persistent=True, monkeypatch=monkeypatch)
        await scene.leave_record(Job(unique=b"u"), b"", persistent=True)
        assert len(await scene.rest_of(Job(unique=b"u", handle=b"H:lap:1"))) < len(MEMBERS)
        await scene.leave_record(Job(), b"mark", persistent=True)
        assert await scene.rest_of(Job()) == MEMBERS
        assert scene.ledger.new_copy_key() != scene.ledger.new_copy_key() != b""

    test()


@pytest.mark.parametrize("trouble", ["away", "hangs", "nonsense"])
def test_a_record_that_cannot_be_had_lets_the_fanout_begin_anew(trouble: str, monkeypatch: pytest.MonkeyPatch) -> None:
    @in_virtual_time
    async def test() -> None:
        scene = Scene(known_marks={b"mark"}, monkeypatch=monkeypatch)
        await scene.leave_record(Job(), b"mark")
        if trouble == "away":
            scene.store.fail("read_record", StoreUnavailable("away"))
        elif trouble == "hangs":
            scene.store.hold("read_record")
        else:
            await scene.store.keep_record(RecordKey(PROGRESS, identity(Job())), b"?", 60.0)
        assert await scene.rest_of(Job()) == MEMBERS

    test()


def test_where_a_server_drops_the_jobs_of_lost_workers_the_request_is_kept_for_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    @in_virtual_time
    async def test() -> None:
        scene = Scene(known_marks=set(), monkeypatch=monkeypatch)
        journal = await scene.ledger.open(Job(requeues=False), REQUESTED, MEMBERS)  # type: ignore[arg-type]
        [name] = await scene.store.record_names(REQUEST)
        value = await scene.store.read_record(RecordKey(REQUEST, name))
        assert value is not None
        assert parse_request(value) == REQUESTED
        assert await scene.store.claim_record(RecordKey(OWNER, name), b"other", 1.0) == scene.ledger.token
        await journal.finish(is_answered=True)
        assert await scene.store.record_names(REQUEST) == []
        assert await scene.rest_of(Job(requeues=False)) == MEMBERS

    test()


def test_nobody_finishes_a_foreground_fanout_whose_publisher_has_been_told_that_it_failed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    @in_virtual_time
    async def test() -> None:
        scene = Scene(known_marks=set(), monkeypatch=monkeypatch)
        request = FanoutRequest("news", b"hello")
        await scene.ledger.open(Job(requeues=False), request, MEMBERS)  # type: ignore[arg-type]
        assert await scene.store.record_names(REQUEST) == []

    test()


@pytest.mark.parametrize("trouble", ["away", "hangs"])
def test_a_server_that_cannot_be_reached_is_waited_for_and_then_taken_for_ended(
    trouble: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is sent meanwhile: it may be the network, and another worker may have the job."""

    async def knows_queue(address: Address, link: LinkSettings, name: bytes) -> bool:
        if trouble == "hangs":
            await asyncio.Event().wait()
        raise ServerUnavailable("no route")

    @in_virtual_time
    async def test() -> None:
        scene = Scene(known_marks=set(), monkeypatch=monkeypatch)
        monkeypatch.setattr(ledger_module, "knows_queue", knows_queue)
        begun_s = now_s()
        assert not await scene.ledger.is_given_away(Job(is_held=False))  # type: ignore[arg-type]
        assert DOUBT_LIMIT_S - 1 < now_s() - begun_s < DOUBT_LIMIT_S + 1

    test()


@pytest.mark.parametrize(
    ("job", "is_persistent", "expected"),
    [
        (Job(), False, False),
        (Job(is_held=False), False, True),
        (Job(is_held=False, mark=b"unknown"), False, False),
        (Job(is_held=False, mark=b""), False, False),
        (Job(is_held=False, mark=b""), True, True),
        (Job(is_held=False, requeues=False), True, False),
    ],
)
def test_a_job_is_given_away_when_its_server_lives_and_gives_jobs_away(
    job: Job, is_persistent: bool, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    @in_virtual_time
    async def test() -> None:
        scene = Scene(known_marks={b"own mark", b""}, is_persistent=is_persistent, monkeypatch=monkeypatch)
        assert await scene.ledger.is_given_away(job) is expected  # type: ignore[arg-type]

    test()
