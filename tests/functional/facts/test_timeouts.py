"""What CAN_DO_TIMEOUT does. Its shortest time is a second."""

from tests.functional.facts.conftest import Dial
from tests.functional.facts.raw import Job, Kind, Packet, grab, job_of, packet
from tests.functional.facts.servers import on
from tests.servers.gearman import GearmanServer
from tests.servers.process import wait_until

ONE_SECOND = packet(Kind.CAN_DO_TIMEOUT, b"f", b"1")


@on("geard")
def test_on_geard_it_does_not_even_register_the_function(server: GearmanServer, dial: Dial) -> None:
    """Point 16."""
    client, worker = dial(server), dial(server)
    client.submit(b"f")
    assert worker.ask(ONE_SECOND) == []
    assert worker.grab() is None
    assert client.counts_of(b"f") == [1, 0, 0]


@on("gearmand")
def test_on_gearmand_only_one_of_several_jobs_runs_out_of_time(server: GearmanServer, dial: Dial) -> None:
    """Point 16: that one wakes a sleeper and is handed out again; worker and client are told nothing.

    The other two were grabbed at the same moment, and their results are still welcome afterwards.
    """
    client, worker, heir = dial(server), dial(server), dial(server)
    assert worker.ask(ONE_SECOND) == []
    handles = [client.submit(b"f", kind=Kind.SUBMIT_JOB) for _ in range(3)]
    assert [job_of(each).handle for each in worker.ask(*[grab(server)] * 3)] == handles
    heir.can_do(b"f")
    assert heir.grab() is None
    assert heir.sleep() == []
    assert heir.read().kind == Kind.NOOP
    requeued: list[Job] = []
    wait_until(lambda: requeued.extend(filter(None, [heir.grab()])) or requeued, "the job to follow the NOOP")
    assert (worker.ask(), client.ask()) == ([], [])
    refusals = [worker.complete(handle) for handle in handles]
    assert [[each.fields[0] for each in answer] for answer in refusals] == [
        [b"JOB_NOT_FOUND"] if handle == requeued[0].handle else [] for handle in handles
    ]
    assert [each.fields[0] for each in client.ask()] == [h for h in handles if h != requeued[0].handle]


@on("gearmand")
def test_on_gearmand_no_time_is_no_limit(server: GearmanServer, dial: Dial) -> None:
    """Goes with point 16."""
    client, worker = dial(server), dial(server)
    assert worker.ask(packet(Kind.CAN_DO_TIMEOUT, b"f", b"0")) == []
    handle = client.submit(b"f", kind=Kind.SUBMIT_JOB)
    assert worker.grab() is not None
    assert worker.complete(handle) == []
    assert client.ask() == [Packet(Kind.WORK_COMPLETE, handle + b"\0")]


@on("perl")
def test_on_perls_server_a_job_out_of_time_fails(server: GearmanServer, dial: Dial) -> None:
    """Point 16: the client is told, the worker is not, and its late result disappears."""
    client, worker = dial(server), dial(server)
    assert worker.ask(ONE_SECOND) == []
    handle = client.submit(b"f", kind=Kind.SUBMIT_JOB)
    assert worker.grab() is not None
    assert client.read() == Packet(Kind.WORK_FAIL, handle)
    assert worker.ask() == []
    assert worker.complete(handle) == []
    assert client.ask() == []


@on("perl")
def test_on_perls_server_no_time_is_over_at_once(server: GearmanServer, dial: Dial) -> None:
    """Point 16."""
    client, worker = dial(server), dial(server)
    assert worker.ask(packet(Kind.CAN_DO_TIMEOUT, b"f", b"0")) == []
    handle = client.submit(b"f", kind=Kind.SUBMIT_JOB)
    assert worker.grab() is not None
    assert client.read() == Packet(Kind.WORK_FAIL, handle)
