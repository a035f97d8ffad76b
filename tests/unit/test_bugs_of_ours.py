"""What raises where nobody expects it costs the one job an answer that says so, and nothing else."""

import asyncio
import logging
from collections.abc import Callable

import pytest

from gearhorn import broadcast as broadcast_module
from gearhorn.bodies import FanoutRequest
from gearhorn.broadcast import BUG, Broadcast, Waiting
from gearhorn.core.fanout import FanoutRun, Portion
from gearhorn.core.members import Members
from gearhorn.net.address import Address
from gearhorn.net.connection import Connection, LinkSettings
from gearhorn.net.copier import Copier
from gearhorn.net.shipment import Shipment
from gearhorn.wire.client import ClientRole
from gearhorn.wire.client_events import Confirmed
from gearhorn.wire.copies import CopyEncoder
from tests.unit.net.test_violation import CREATED, Wire
from tests.unit.test_handlers import House, MakeHouse, make_house, store  # noqa: F401 - fixtures
from tests.unit.test_handlers import Job as HandledJob
from tests.unit.virtual_time import in_virtual_time

BOTH = Members.of([b"ann", b"bob"])


class Job:
    """Stands in for a held job."""

    is_held = True
    backlog_bytes = 0

    def __init__(self) -> None:
        self.endings: list[tuple[str, bytes]] = []
        self.shown_count = 0
        self.is_broken = False

    def complete(self, data: bytes = b"") -> None:
        self.endings.append(("complete", data))

    def refuse(self, text: bytes) -> None:
        self.endings.append(("refused", text))

    def send_data(self, data: bytes) -> None:
        raise ZeroDivisionError

    def send_status(self, done_count: int, total_count: int) -> None:
        self.shown_count += 1
        if self.is_broken:
            raise ZeroDivisionError


class Dispatch:
    """Stands in for what sends copies: keeps the shipment."""

    def send(self, shipment: Shipment, members: Members) -> None:
        self.shipment = shipment
        self.portion: Portion = shipment.run.add_portion(members)
        shipment.confirm(self.portion, 0, len(members))


def started(timeout_s: float = 100.0, results: str = "", background: bool = False) -> tuple[Job, Broadcast, Dispatch]:
    job, dispatch = Job(), Dispatch()
    request = FanoutRequest("news", b"x", results=results, background=background)
    broadcast = Broadcast(job, request, BOTH)  # type: ignore[arg-type]
    broadcast.start(dispatch, timeout_s)  # type: ignore[arg-type]
    return job, broadcast, dispatch


@in_virtual_time
async def test_an_answer_that_cannot_be_made_is_a_bug_in_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def render(_: object) -> bytes:
        raise ZeroDivisionError

    monkeypatch.setattr(broadcast_module, "render_failures", render)
    job, _, dispatch = started()
    dispatch.shipment.end(dispatch.portion, 0, 14, b"")
    dispatch.shipment.end(dispatch.portion, 1, 14, b"")
    dispatch.shipment.check()
    assert job.endings == [("refused", BUG)]


@in_virtual_time
async def test_a_result_that_cannot_be_passed_on_when_time_is_up_ends_the_fanout_all_the_same() -> None:
    job, _, _ = started(timeout_s=1.0, results="all")
    await asyncio.sleep(2.0)
    assert job.endings == [("refused", BUG)]


@in_virtual_time
async def test_progress_that_cannot_be_shown_for_one_is_shown_for_the_others() -> None:
    jobs = []
    waiting = Waiting()
    for _ in range(2):
        job, broadcast, dispatch = started()
        jobs.append((job, dispatch))
        waiting.add(broadcast)
    jobs[0][0].is_broken = True
    for _ in range(3):
        for _, dispatch in jobs:
            dispatch.shipment.run.done_count += 1
        await asyncio.sleep(1.0)
    assert jobs[0][0].shown_count > 2
    assert jobs[1][0].shown_count == 4


class Server:
    """Stands in for the link to a server."""

    is_up = True

    def submit(self, *_: object, **__: object) -> None: ...


REPORTS: list[Callable[..., None]] = [
    lambda parcel: parcel.confirmed(0, 2),
    lambda parcel: parcel.refused(0, "full"),
    lambda parcel: parcel.reported(0, 13, b"answer"),
    lambda parcel: parcel.reported(0, 28, b"piece"),
]


@pytest.mark.parametrize("report", REPORTS)
@in_virtual_time
async def test_a_report_that_raises_ends_its_fanout_and_frees_the_window(
    report: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    for name in ("confirm", "end", "collect"):
        monkeypatch.setattr(Shipment, name, fail)
    monkeypatch.setattr(FanoutRun, "fail", fail)
    copier = Copier(Address("a", 1), LinkSettings(), "test", lambda *_: None, lambda: None)
    parcels: list[object] = []
    server = Server()
    server.submit = lambda parcel, *_, **__: parcels.append(parcel)  # type: ignore[method-assign]
    copier.link = server  # type: ignore[assignment]
    settled: list[bool] = []
    shipment = Shipment(
        FanoutRun(2, foreground=True),
        CopyEncoder(7, b"t_", b"", b"x"),
        b"t_",
        lambda: settled.append(shipment.is_broken),
    )
    copier.add(shipment, BOTH)
    report(parcels[0])
    report(parcels[0])
    assert settled == [True]


async def test_the_packets_that_came_with_it_are_handled() -> None:
    role: ClientRole[str] = ClientRole()
    heard: list[object] = []

    def handle(event: object) -> None:
        heard.append(event)
        if len(heard) == 1:
            raise ZeroDivisionError

    connection = Connection(role, handle, lambda: None)
    wire = Wire()
    connection.connection_made(wire)
    role.submit("ann", 0, 1, b"", foreground=False)
    role.submit("bob", 0, 1, b"", foreground=False)
    connection.data_received(CREATED * 2)
    assert heard == [Confirmed("ann", 0, 1), Confirmed("bob", 0, 1)]
    assert not wire.is_aborted


async def test_a_job_whose_waiting_somebody_else_has_cancelled_is_answered(
    make_house: MakeHouse,  # noqa: F811
    caplog: pytest.LogCaptureFixture,
) -> None:
    house: House = make_house()

    async def members(topic: str) -> Members:
        raise asyncio.CancelledError

    house.directory.members = members  # type: ignore[method-assign]
    job = HandledJob(b"fanout", b'{"topic":"news","payload":"x"}')
    with caplog.at_level(logging.CRITICAL):
        house.handlers.take(job)  # type: ignore[arg-type]
        await job.ended.wait()
    assert job.endings == [("refused", BUG)]
