"""What a worker says when, and what it makes of the answers."""

import pytest

from gearhorn.wire.packets import Complaint
from gearhorn.wire.worker import FIRST_GRABS, WorkerRole
from gearhorn.wire.worker_events import Assigned
from tests.unit.wire.streams import bytewise, packet, packets_in

CAN_DO, CANT_DO, PRE_SLEEP, NOOP, GRAB_JOB, NO_JOB, JOB_ASSIGN = 1, 2, 4, 6, 9, 10, 11
ERROR, SET_CLIENT_ID, GRAB_JOB_UNIQ, JOB_ASSIGN_UNIQ = 19, 22, 30, 31

GRAB = (GRAB_JOB_UNIQ, b"")
SLEEP = (PRE_SLEEP, b"")
PERL_REFUSAL = packet(ERROR, b"server_error", b'Can\'t locate object method "CMD_" via package "Gearman::Server"')


def assign(number: int, payload: bytes = b"payload") -> bytes:
    return packet(JOB_ASSIGN_UNIQ, b"H:lap:%d" % number, b"queue", b"unique", payload)


def handle(number: int) -> bytes:
    return b"H:lap:%d" % number


def grabbing(grab_limit: int = 64, job_limit: int = 1000) -> WorkerRole:
    """A worker whose first grabs are out."""
    role = WorkerRole(grab_limit, job_limit)
    role.start_grabbing()
    assert packets_in(role.take_output()) == [GRAB] * min(FIRST_GRABS, grab_limit, job_limit)
    return role


def asleep() -> WorkerRole:
    role = grabbing()
    role.receive(packet(NO_JOB) * FIRST_GRABS)
    assert packets_in(role.take_output()) == [SLEEP]
    return role


def said(role: WorkerRole) -> list[tuple[int, bytes]]:
    return packets_in(role.take_output())


def test_it_says_who_it_is_and_what_it_serves_in_order() -> None:
    role = WorkerRole(4, 4)
    role.set_client_id(b"worker-1")
    role.serve([b"fanout", b"subscribe"])
    assert said(role) == [(SET_CLIENT_ID, b"worker-1"), (CAN_DO, b"fanout"), (CAN_DO, b"subscribe")]


def test_it_grabs_nothing_unless_told_to() -> None:
    role = WorkerRole(4, 4)
    role.serve([b"fanout"])
    role.take_output()
    assert role.receive(packet(NOOP)) == []
    assert role.take_output() == b""


def test_output_is_taken_once() -> None:
    role = grabbing()
    assert role.take_output() == b""


def test_only_what_was_registered_is_unregistered() -> None:
    role = WorkerRole(4, 4)
    role.serve([b"a", b"b"])
    role.take_output()
    role.leave([b"never", b"b", b"b"])
    assert said(role) == [(CANT_DO, b"b")]
    role.leave([b"a", b"b"])
    assert said(role) == [(CANT_DO, b"a")]


def test_what_was_left_can_be_served_again() -> None:
    role = WorkerRole(4, 4)
    for _ in range(2):
        role.serve([b"a"])
        role.leave([b"a"])
    assert said(role) == [(CAN_DO, b"a"), (CANT_DO, b"a")] * 2


ASSIGNMENTS = [
    (
        b"\0RES\0\0\0\x1f\0\0\0\x17H:lap:1\0reverse\0u\0t\0est",
        Assigned(b"H:lap:1", b"reverse", b"u", b"t\0est"),
    ),
    (b"\0RES\0\0\0\x1f\0\0\0\x05H\0q\0\0", Assigned(b"H", b"q", b"", b"")),
    (b"\0RES\0\0\0\x0b\0\0\0\x14H:lap:1\0reverse\0test", Assigned(b"H:lap:1", b"reverse", b"", b"test")),
    (b"\0RES\0\0\0\x0b\0\0\0\x08H\0q\0\0\0\0\0", Assigned(b"H", b"q", b"", b"\0\0\0\0")),
]


@pytest.mark.parametrize(("stream", "job"), ASSIGNMENTS)
@pytest.mark.parametrize("into_pieces", [lambda stream: [stream], bytewise])
def test_a_job_is_read_whole_and_bytewise(stream: bytes, job: Assigned, into_pieces: object) -> None:
    role = grabbing()
    assert callable(into_pieces)
    assert [event for piece in into_pieces(stream) for event in role.receive(piece)] == [job]
    assert role.held.keys() == {job.handle}


@pytest.mark.parametrize("kind", [JOB_ASSIGN, JOB_ASSIGN_UNIQ])
@pytest.mark.parametrize("body", [b"", b"H", b"H\0queue"])
def test_a_job_with_too_few_arguments_is_a_violation(kind: int, body: bytes) -> None:
    role = grabbing()
    assert role.receive(packet(kind, body)) == []
    assert role.violation is not None
    assert "too few arguments" in str(role.violation)


def test_a_unique_assignment_without_its_unique_is_a_violation() -> None:
    role = grabbing()
    assert role.receive(packet(JOB_ASSIGN_UNIQ, b"H", b"queue", b"payload")) == []
    assert role.violation is not None


@pytest.mark.parametrize("answer", [assign(9), packet(NO_JOB)])
def test_an_answer_to_no_grab_is_a_violation(answer: bytes) -> None:
    role = grabbing(grab_limit=1)
    role.receive(packet(NO_JOB))
    assert role.violation is None
    role.receive(answer)
    assert "a grab that was not sent" in str(role.violation)


def test_garbage_is_a_violation_that_lasts() -> None:
    role = grabbing()
    assert role.receive(b"HTTP/1.1 200 OK\r\n") == []
    assert "HTTP" in str(role.violation)
    assert role.receive(assign(1)) == []
    assert role.take_output() == b""


def test_jobs_that_came_with_a_violation_are_not_handed_out() -> None:
    role = grabbing()
    assert role.receive(assign(1) + b"garbage, enough of it") == []
    assert role.violation is not None
    assert role.take_output() == b""


def test_an_error_is_reported_and_changes_nothing() -> None:
    role = grabbing()
    text = b"Job given in work result not found"
    assert role.receive(packet(ERROR, b"JOB_NOT_FOUND", text)) == [Complaint("JOB_NOT_FOUND", text.decode())]
    assert role.take_output() == b""


@pytest.mark.parametrize("kind", [3, 8, 17, 20, 27, 99])
def test_packets_of_other_types_mean_nothing(kind: int) -> None:
    role = grabbing()
    assert role.receive(packet(kind, b"whatever")) == []
    assert role.take_output() == b""


def test_it_is_quiet_only_without_jobs_and_open_grabs() -> None:
    role = WorkerRole(1, 4)
    assert role.is_quiet
    role.start_grabbing()
    assert not role.is_quiet
    role.stop_grabbing()
    assert not role.is_quiet
    role.receive(assign(1))
    assert not role.is_quiet
    role.complete(handle(1), b"")
    assert role.is_quiet


def test_a_job_may_still_come_after_grabbing_was_stopped() -> None:
    role = grabbing()
    role.stop_grabbing()
    (job,) = role.receive(assign(1) + packet(NO_JOB) * 3)
    assert job.handle == handle(1)
    assert said(role) == []
    assert not role.is_quiet


def test_no_grab_goes_out_once_grabbing_was_stopped() -> None:
    role = grabbing()
    role.stop_grabbing()
    role.receive(b"".join(assign(number) for number in range(4)))
    for number in range(4):
        role.complete(handle(number), b"")
    role.receive(packet(NOOP))
    assert {kind for kind, _ in said(role)} == {13}
    assert role.is_quiet


@pytest.mark.parametrize("sends_exceptions", [True, False])
def test_events_of_one_stream_are_the_same_however_it_is_cut(sends_exceptions: bool) -> None:
    stream = assign(1) + packet(NOOP) + packet(ERROR, b"c", b"t") + packet(NO_JOB) + assign(2, b"\0RES" * 5)
    whole, bits = (WorkerRole(4, 9, sends_exceptions=sends_exceptions) for _ in range(2))
    for role in (whole, bits):
        role.start_grabbing()
        role.take_output()
    assert [event for byte in bytewise(stream) for event in bits.receive(byte)] == whole.receive(stream)
    assert bits.held.keys() == whole.held.keys() == {handle(1), handle(2)}
