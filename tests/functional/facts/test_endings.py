"""How a job ends, and who is told what."""

import pytest

from tests.functional.facts.conftest import Dial
from tests.functional.facts.raw import Job, Kind, Packet, Peer, grab, job_of, packet
from tests.functional.facts.servers import on, on_every
from tests.servers.gearman import GearmanServer
from tests.servers.process import wait_until

WANT_EXCEPTIONS = packet(Kind.OPTION_REQ, b"exceptions")
UNKNOWN = b"JOB_NOT_FOUND"
NOT_YOURS = b"not_worker"


def running_job(client: Peer, worker: Peer, kind: int = Kind.SUBMIT_JOB) -> Job:
    """A job of `client` that `worker` has grabbed."""
    worker.can_do(b"f")
    client.submit(b"f", b"", b"payload", kind=kind)
    job = worker.grab()
    assert job is not None
    return job


def is_known(peer: Peer, handle: bytes) -> bool:
    return peer.status_of(handle)[0] == b"1"


@on_every
@pytest.mark.parametrize("result", [b"", b"\0", b"a\0b\xff"])
def test_a_result_arrives_as_it_was_sent(server: GearmanServer, dial: Dial, result: bytes) -> None:
    """Point 12: everything behind the first NUL is the result."""
    client, worker = dial(server), dial(server)
    job = running_job(client, worker)
    assert worker.complete(job.handle, result) == []
    assert client.ask() == [Packet(Kind.WORK_COMPLETE, job.handle + b"\0" + result)]


@on("gearmand", "geard")
def test_an_exception_ends_a_job(server: GearmanServer, dial: Dial) -> None:
    """Point 11. A client of geard need not ask for exceptions, and would wait for the answer forever."""
    client, worker = dial(server), dial(server)
    if server.kind == "gearmand":
        assert client.ask(WANT_EXCEPTIONS) == [Packet(Kind.OPTION_RES, b"exceptions")]
    job = running_job(client, worker)
    assert worker.ask(packet(Kind.WORK_EXCEPTION, job.handle, b"why")) == []
    assert client.ask() == [Packet(Kind.WORK_EXCEPTION, job.handle + b"\0why")]
    assert not is_known(worker, job.handle)


@on("perl")
def test_on_perls_server_only_the_failure_behind_an_exception_ends_the_job(server: GearmanServer, dial: Dial) -> None:
    """Point 11."""
    client, worker = dial(server), dial(server)
    assert client.ask(WANT_EXCEPTIONS) == [Packet(Kind.OPTION_RES, b"exceptions")]
    job = running_job(client, worker)
    assert worker.ask(packet(Kind.WORK_EXCEPTION, job.handle, b"why")) == []
    assert client.ask() == [Packet(Kind.WORK_EXCEPTION, job.handle + b"\0why")]
    assert is_known(worker, job.handle)
    assert worker.ask(packet(Kind.WORK_FAIL, job.handle)) == []
    assert client.ask() == [Packet(Kind.WORK_FAIL, job.handle)]
    assert not is_known(worker, job.handle)


@on("perl")
def test_perls_server_keeps_exceptions_from_who_did_not_ask_for_them(server: GearmanServer, dial: Dial) -> None:
    """Point 11."""
    client, worker = dial(server), dial(server)
    job = running_job(client, worker)
    assert worker.ask(packet(Kind.WORK_EXCEPTION, job.handle, b"why")) == []
    assert client.ask() == []


@on("gearmand")
def test_gearmand_makes_a_failure_of_an_exception_that_nobody_asked_for(server: GearmanServer, dial: Dial) -> None:
    """Point 12: the handle has a NUL behind it."""
    client, worker = dial(server), dial(server)
    job = running_job(client, worker)
    assert worker.ask(packet(Kind.WORK_EXCEPTION, job.handle, b"why")) == []
    assert client.ask() == [Packet(Kind.WORK_FAIL, job.handle + b"\0")]


@on_every
def test_an_exception_and_a_failure_in_one_send_end_the_job_everywhere(server: GearmanServer, dial: Dial) -> None:
    """Point 11: the failure is one too many on gearmand, which says so, and on geard, which does not."""
    client, worker = dial(server), dial(server)
    job = running_job(client, worker)
    answers = worker.ask(packet(Kind.WORK_EXCEPTION, job.handle, b"why"), packet(Kind.WORK_FAIL, job.handle))
    assert [each.fields[0] for each in answers] == ([UNKNOWN] if server.kind == "gearmand" else [])
    assert len(client.ask()) == 1
    assert not is_known(worker, job.handle)


@on("perl")
@pytest.mark.parametrize("tail", [b"\0", b"\0extra"])
def test_perls_server_refuses_a_failure_with_more_than_the_handle(
    server: GearmanServer, dial: Dial, tail: bytes
) -> None:
    """Point 12."""
    client, worker = dial(server), dial(server)
    job = running_job(client, worker)
    assert worker.ask_one(packet(Kind.WORK_FAIL, job.handle + tail)).fields[0] == NOT_YOURS
    assert client.ask() == []
    assert is_known(worker, job.handle)


@on("gearmand", "geard")
@pytest.mark.parametrize("tail", [b"", b"\0", b"\0extra"])
def test_elsewhere_a_failure_is_passed_on_with_whatever_it_brings(
    server: GearmanServer, dial: Dial, tail: bytes
) -> None:
    """Point 12: so a client cuts a handle at the first NUL."""
    client, worker = dial(server), dial(server)
    job = running_job(client, worker)
    assert worker.ask(packet(Kind.WORK_FAIL, job.handle + tail)) == []
    assert client.ask() == [Packet(Kind.WORK_FAIL, job.handle + tail)]


@on("gearmand")
def test_gearmand_hangs_up_on_a_result_without_nul(server: GearmanServer, dial: Dial) -> None:
    """Point 12: when the next packet comes; until then it waits for more. The job is to be had again."""
    client, worker, heir = dial(server), dial(server), dial(server)
    job = running_job(client, worker)
    worker.send(packet(Kind.WORK_COMPLETE, job.handle), grab(server))
    assert worker.read_until_end() == []
    wait_until(lambda: client.counts_of(b"f") == [1, 0, 0], "the job to be queued again")
    heir.can_do(b"f")
    assert heir.grab() == job


@on("geard")
def test_geard_passes_on_a_result_without_nul(server: GearmanServer, dial: Dial) -> None:
    """Point 12."""
    client, worker = dial(server), dial(server)
    job = running_job(client, worker)
    assert worker.ask(packet(Kind.WORK_COMPLETE, job.handle)) == []
    assert client.ask() == [Packet(Kind.WORK_COMPLETE, job.handle)]


@on("gearmand", "perl")
def test_a_result_that_is_not_wanted_is_refused_and_the_connection_lives(server: GearmanServer, dial: Dial) -> None:
    """Point 13: the ERROR names no job, and is not the answer to the grab behind it."""
    client, worker = dial(server), dial(server)
    job = running_job(client, worker)
    client.submit(b"f", b"", b"another")
    worker.complete(job.handle)
    for handle in (job.handle, b"H:nobody"):
        refusal = worker.ask_one(packet(Kind.WORK_COMPLETE, handle, b""))
        assert refusal.kind == Kind.ERROR
        assert refusal.fields[0] == (UNKNOWN if server.kind == "gearmand" else NOT_YOURS)
        assert job.handle not in refusal.data
    refusal, assign = worker.ask(packet(Kind.WORK_COMPLETE, job.handle, b""), grab(server))
    assert refusal.kind == Kind.ERROR
    assert job_of(assign).payload == b"another"


@on("geard")
def test_geard_takes_no_notice_of_a_result_that_is_not_wanted(server: GearmanServer, dial: Dial) -> None:
    """Point 13."""
    client, worker = dial(server), dial(server)
    job = running_job(client, worker)
    for _ in range(2):
        assert worker.complete(job.handle) == []
    assert len(client.ask()) == 1


@on("gearmand", "perl")
def test_only_the_connection_that_holds_a_job_may_end_it(server: GearmanServer, dial: Dial) -> None:
    """Point 13: results go back over the connection that the job came from."""
    client, worker, stranger = dial(server), dial(server), dial(server)
    job = running_job(client, worker)
    stranger.can_do(b"f")
    assert stranger.ask_one(packet(Kind.WORK_COMPLETE, job.handle, b"")).kind == Kind.ERROR
    assert client.ask() == []


@on("geard")
def test_on_geard_anybody_may_end_a_job(server: GearmanServer, dial: Dial) -> None:
    """Point 13: also one that nobody has grabbed, which is then handed out all the same."""
    client, worker = dial(server), dial(server)
    handle = client.submit(b"f", kind=Kind.SUBMIT_JOB)
    assert dial(server).complete(handle) == []
    assert client.ask() == [Packet(Kind.WORK_COMPLETE, handle + b"\0")]
    worker.can_do(b"f")
    job = worker.grab()
    assert job is not None
    assert job.handle == handle


@on("gearmand")
def test_a_cancelled_job_that_runs_ends_twice(server: GearmanServer, dial: Dial) -> None:
    """Point 14: the worker is not told, and its result follows the failure."""
    client, worker, admin = dial(server), dial(server), dial(server)
    job = running_job(client, worker)
    assert admin.text(b"cancel job " + job.handle) == b"OK\r\n"
    assert client.ask() == [Packet(Kind.WORK_FAIL, job.handle)]
    assert worker.complete(job.handle, b"late") == []
    assert client.ask() == [Packet(Kind.WORK_COMPLETE, job.handle + b"\0late")]


@on("perl")
def test_a_job_that_ended_in_time_may_still_run_out_of_it(server: GearmanServer, dial: Dial) -> None:
    """Points 14 and 16: with two jobs in flight Perl's server keeps the wrong timer."""
    client, worker = dial(server), dial(server)
    assert worker.ask(packet(Kind.CAN_DO_TIMEOUT, b"f", b"1")) == []
    handles = [client.submit(b"f", kind=Kind.SUBMIT_JOB) for _ in range(2)]
    assert len(worker.ask(*[grab(server)] * 2)) == 2
    assert worker.complete(handles[0]) == []
    assert client.read() == Packet(Kind.WORK_COMPLETE, handles[0] + b"\0")
    assert client.read() == Packet(Kind.WORK_FAIL, handles[0])


@on("gearmand", "geard")
@pytest.mark.parametrize("kind", [Kind.WORK_DATA, Kind.WORK_WARNING, Kind.WORK_STATUS])
def test_what_comes_before_the_end_is_passed_on(server: GearmanServer, dial: Dial, kind: int) -> None:
    """Goes with point 12: to a client that waits, as it was sent."""
    client, worker = dial(server), dial(server)
    job = running_job(client, worker)
    assert worker.ask(packet(kind, job.handle, b"1", b"2")) == []
    assert client.ask() == [Packet(kind, job.handle + b"\x001\x002")]


@on_every
def test_nobody_hears_of_a_background_job(server: GearmanServer, dial: Dial) -> None:
    """Goes with point 12: not even who submitted it."""
    client, worker = dial(server), dial(server)
    job = running_job(client, worker, Kind.SUBMIT_JOB_BG)
    assert worker.ask(packet(Kind.WORK_STATUS, job.handle, b"1", b"2")) == []
    assert worker.complete(job.handle, b"result") == []
    assert client.ask() == []
