"""What is sent about jobs: each ends once, in words that every server understands."""

import pytest

from gearhorn.wire.worker import WorkerRole
from tests.unit.wire.streams import packet, packets_in
from tests.unit.wire.test_worker import PERL_REFUSAL, assign, grabbing, handle, said

GRAB_JOB, WORK_STATUS, WORK_COMPLETE, WORK_FAIL, WORK_EXCEPTION, WORK_DATA, WORK_WARNING = 9, 12, 13, 14, 25, 28, 29


def holding(*numbers: int, sends_exceptions: bool = True) -> WorkerRole:
    """A worker that holds these jobs and grabs no more."""
    role = WorkerRole(len(numbers), len(numbers), sends_exceptions=sends_exceptions)
    role.start_grabbing()
    role.receive(b"".join(assign(number) for number in numbers))
    role.stop_grabbing()
    role.take_output()
    assert role.held.keys() == {handle(number) for number in numbers}
    return role


def holding_on_perl() -> WorkerRole:
    role = WorkerRole(1, 1)
    role.start_grabbing()
    role.receive(PERL_REFUSAL)
    role.receive(packet(11, handle(1), b"queue", b"payload"))
    role.stop_grabbing()
    role.take_output()
    return role


@pytest.mark.parametrize("data", [b"", b"3", b"\0\0", b"\0REQ"])
def test_a_completion_always_has_its_nul(data: bytes) -> None:
    """gearmand closes the connection over one without."""
    role = holding(1)
    role.complete(handle(1), data)
    assert said(role) == [(WORK_COMPLETE, b"H:lap:1\0" + data)]
    assert not role.held


def test_a_failure_is_the_bare_handle() -> None:
    """Perl's server takes no other."""
    role = holding(1)
    role.fail(handle(1))
    assert said(role) == [(WORK_FAIL, b"H:lap:1")]
    assert role.is_quiet


def test_a_refusal_warns_and_ends_in_an_exception() -> None:
    role = holding(1)
    role.refuse(handle(1), b"topic: is empty")
    assert said(role) == [(WORK_WARNING, b"H:lap:1\0topic: is empty"), (WORK_EXCEPTION, b"H:lap:1\0topic: is empty")]
    assert role.is_quiet


def test_a_refusal_without_exceptions_warns_and_fails() -> None:
    role = holding(1, sends_exceptions=False)
    role.refuse(handle(1), b"text")
    assert said(role) == [(WORK_WARNING, b"H:lap:1\0text"), (WORK_FAIL, b"H:lap:1")]
    assert role.is_quiet


def test_on_perls_server_a_failure_follows_the_exception() -> None:
    role = holding_on_perl()
    role.refuse(handle(1), b"text")
    assert said(role) == [(WORK_EXCEPTION, b"H:lap:1\0text"), (WORK_FAIL, b"H:lap:1")]


def test_perls_server_is_spared_the_data_and_warnings_that_it_does_not_know() -> None:
    role = holding_on_perl()
    role.send_data(handle(1), b"data")
    role.warn(handle(1), b"text")
    role.send_status(handle(1), 1, 2)
    assert said(role) == [(WORK_STATUS, b"H:lap:1\x001\x002")]


def test_on_perls_server_the_next_grab_goes_out_behind_the_failure() -> None:
    """Before it the server still counts the job as held."""
    role = holding_on_perl()
    role.start_grabbing()
    role.refuse(handle(1), b"text")
    assert [kind for kind, _ in said(role)][-2:] == [WORK_FAIL, GRAB_JOB]


def test_progress_and_data_leave_the_job_held() -> None:
    role = holding(1)
    role.send_status(handle(1), 3, 10)
    role.send_data(handle(1), b"a\0b")
    role.warn(handle(1), b"")
    assert said(role) == [
        (WORK_STATUS, b"H:lap:1\x003\x0010"),
        (WORK_DATA, b"H:lap:1\0a\0b"),
        (WORK_WARNING, b"H:lap:1\0"),
    ]
    assert role.held.keys() == {handle(1)}


def test_jobs_may_end_in_any_order() -> None:
    role = holding(1, 2, 3)
    role.complete(handle(3), b"")
    role.fail(handle(1))
    assert role.held.keys() == {handle(2)}


@pytest.mark.parametrize("end", ["complete", "fail", "refuse"])
def test_an_end_and_the_next_grab_go_out_together(end: str) -> None:
    role = grabbing(grab_limit=1, job_limit=1)
    role.receive(assign(1))
    assert said(role) == []
    getattr(role, end)(handle(1), *([] if end == "fail" else [b"text"]))
    kinds = [kind for kind, _ in packets_in(role.take_output())]
    assert kinds[-1] == 30
    assert len(kinds) > 1


def test_a_handle_that_comes_again_is_held_once() -> None:
    """gearmand gives a job that it took back under its old handle."""
    role = grabbing()
    assert len(role.receive(assign(1) + assign(1))) == 2
    assert role.held.keys() == {handle(1)}
