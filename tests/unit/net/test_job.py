"""A job ends once, and only on the connection that brought it."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gearhorn.net.job import Job
from gearhorn.wire.worker import WorkerRole
from tests.unit.wire.streams import packet, packets_in

WORK_STATUS, WORK_COMPLETE, WORK_FAIL, WORK_EXCEPTION, WORK_DATA, WORK_WARNING = 12, 13, 14, 25, 28, 29
ENDINGS = {WORK_COMPLETE, WORK_FAIL, WORK_EXCEPTION}

ACTS: dict[str, Callable[[Job], None]] = {
    "complete": lambda job: job.complete(b"1"),
    "fail": lambda job: job.fail(),
    "refuse": lambda job: job.refuse(b"no"),
    "send_data": lambda job: job.send_data(b"data"),
    "send_status": lambda job: job.send_status(1, 2),
}
ENDS = ["complete", "fail", "refuse"]


class Flushes:
    """Stands in for the link: counts how often it was asked to send."""

    def __init__(self) -> None:
        self.count = 0
        self.backlog_bytes = 0

    def flush_soon(self) -> None:
        self.count += 1


def new_job() -> tuple[Job, WorkerRole, Flushes]:
    role, link = WorkerRole(1, 1), Flushes()
    role.start_grabbing()
    (assigned,) = role.receive(packet(31, b"H:lap:1", b"queue", b"", b"payload"))
    role.stop_grabbing()
    role.take_output()
    return Job(assigned, role, link), role, link  # type: ignore[arg-type]


def kinds_sent(role: WorkerRole) -> list[int]:
    return [kind for kind, _ in packets_in(role.take_output())]


@pytest.mark.parametrize(
    ("act", "kinds"),
    [
        ("complete", [WORK_COMPLETE]),
        ("fail", [WORK_FAIL]),
        ("refuse", [WORK_WARNING, WORK_EXCEPTION]),
        ("send_data", [WORK_DATA]),
        ("send_status", [WORK_STATUS]),
    ],
)
def test_what_is_done_to_a_job_is_said_and_sent(act: str, kinds: list[int]) -> None:
    job, role, link = new_job()
    ACTS[act](job)
    assert kinds_sent(role) == kinds
    assert link.count == 1
    assert job.is_held == (act not in ENDS)


def test_a_completion_without_data_is_empty() -> None:
    job, role, _ = new_job()
    job.complete()
    assert packets_in(role.take_output()) == [(WORK_COMPLETE, b"H:lap:1\0")]


@pytest.mark.parametrize("second", ACTS)
@pytest.mark.parametrize("first", ENDS)
def test_nothing_takes_effect_after_the_end(first: str, second: str) -> None:
    job, role, link = new_job()
    ACTS[first](job)
    role.take_output()
    ACTS[second](job)
    assert kinds_sent(role) == []
    assert link.count == 1


@pytest.mark.parametrize("act", ACTS)
def test_nothing_takes_effect_once_the_connection_is_gone(act: str) -> None:
    job, role, link = new_job()
    role.held.clear()
    ACTS[act](job)
    assert kinds_sent(role) == []
    assert link.count == 0


@given(st.lists(st.sampled_from(sorted(ACTS))))
def test_exactly_one_ending_is_sent_however_often_one_is_tried(acts: list[str]) -> None:
    job, role, _ = new_job()
    for act in acts:
        ACTS[act](job)
    kinds = kinds_sent(role)
    assert sum(kind in ENDINGS for kind in kinds) == any(act in ENDS for act in acts)
    if not job.is_held:
        assert kinds[-1] in ENDINGS
