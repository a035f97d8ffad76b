"""What a submit is answered with, and what a shared unique does."""

from tests.functional.facts.conftest import Dial
from tests.functional.facts.raw import Kind, Packet, Peer, grab, job_of, packet, submit
from tests.functional.facts.servers import on, on_every
from tests.servers.gearman import GearmanServer

NO_JOB = Packet(Kind.NO_JOB, b"")


def number_of(handle: bytes) -> int:
    return int(handle.rpartition(b":")[2])


def grab_all(worker: Peer, count: int) -> list[bytes]:
    """The handles of all jobs, in order; there are fewer than `count`."""
    answers = worker.ask(*[grab(worker.server)] * count)
    assert answers[-1] == NO_JOB
    return [job_of(each).handle for each in answers if each != NO_JOB]


@on_every
def test_confirmations_come_in_the_order_of_the_submits(server: GearmanServer, dial: Dial) -> None:
    """Point 8: and a worker gets the jobs in that order, under these handles."""
    client, worker = dial(server), dial(server)
    answers = client.ask(*[submit(b"f", b"", b"%d" % n) for n in range(200)])
    assert {each.kind for each in answers} == {Kind.JOB_CREATED}
    handles = [each.data for each in answers]
    numbers = [number_of(handle) for handle in handles]
    assert numbers == sorted(set(numbers))
    worker.can_do(b"f")
    assert grab_all(worker, 201) == handles


@on_every
def test_answers_of_different_kinds_keep_the_order_of_the_questions(server: GearmanServer, dial: Dial) -> None:
    """Point 8."""
    client = dial(server)
    question = [submit(b"f"), packet(Kind.GET_STATUS, b"H:none:1")]
    answers = client.ask(*question * 50)
    assert [each.kind for each in answers] == [Kind.JOB_CREATED, Kind.STATUS_RES] * 50


@on("gearmand")
def test_gearmand_puts_a_refusal_in_the_place_of_its_confirmation(server: GearmanServer, dial: Dial) -> None:
    """Points 8 and 18: an ERROR stands where JOB_CREATED would, names no submit, and ends nothing."""
    client = dial(server)
    good, bad = submit(b"f"), submit(b"f", b"u" * 65)
    answers = client.ask(good, good, bad, good, bad, good)
    refused = Packet(Kind.ERROR, b"ARGUMENT_TOO_LARGE\0Unique value too large")
    assert [each.kind for each in answers if each != refused] == [Kind.JOB_CREATED] * 4
    assert [each == refused for each in answers] == [False, False, True, False, True, False]


@on("perl")
def test_perls_server_puts_a_refusal_in_the_place_of_its_confirmation(server: GearmanServer, dial: Dial) -> None:
    """Point 8."""
    client = dial(server)
    good, bad = submit(b"f"), submit(b"")
    answers = client.ask(good, bad, good)
    assert [each.kind for each in answers] == [Kind.JOB_CREATED, Kind.ERROR, Kind.JOB_CREATED]
    assert answers[1].fields[0] == b"invalid_args"


@on("gearmand", "perl")
def test_submits_with_one_unique_share_a_handle_and_each_gets_its_ending(server: GearmanServer, dial: Dial) -> None:
    """Point 8: three confirmations, one job, the first payload, three endings on the same connection."""
    client, worker = dial(server), dial(server)
    handles = [client.submit(b"f", b"u", payload, kind=Kind.SUBMIT_JOB) for payload in (b"1", b"2", b"3")]
    assert len(set(handles)) == 1
    worker.can_do(b"f")
    job = worker.grab()
    assert job is not None
    assert (job.handle, job.payload) == (handles[0], b"1")
    assert worker.grab() is None
    worker.complete(job.handle, b"done")
    assert client.ask() == [Packet(Kind.WORK_COMPLETE, job.handle + b"\0done")] * 3


@on("gearmand", "perl")
def test_a_submit_joins_a_job_that_runs_already(server: GearmanServer, dial: Dial) -> None:
    """Point 8: it hears what happens from now on."""
    client, latecomer, worker = dial(server), dial(server), dial(server)
    handle = client.submit(b"f", b"u", kind=Kind.SUBMIT_JOB)
    worker.can_do(b"f")
    assert worker.grab() is not None
    assert worker.ask(packet(Kind.WORK_STATUS, handle, b"1", b"2")) == []
    assert latecomer.submit(b"f", b"u", kind=Kind.SUBMIT_JOB) == handle
    worker.complete(handle)
    assert [each.kind for each in client.ask()] == [Kind.WORK_STATUS, Kind.WORK_COMPLETE]
    assert [each.kind for each in latecomer.ask()] == [Kind.WORK_COMPLETE]


@on("gearmand", "perl")
def test_an_empty_unique_joins_nothing(server: GearmanServer, dial: Dial) -> None:
    """Point 8: equal payloads or not."""
    client = dial(server)
    assert client.submit(b"f", b"", b"payload") != client.submit(b"f", b"", b"payload")


@on("gearmand", "perl")
def test_a_dash_as_unique_joins_what_has_the_same_payload(server: GearmanServer, dial: Dial) -> None:
    """Point 8."""
    client = dial(server)
    first = client.submit(b"f", b"-", b"payload")
    assert client.submit(b"f", b"-", b"payload") == first
    assert client.submit(b"f", b"-", b"another") != first


@on("gearmand", "perl")
def test_one_unique_on_two_functions_makes_two_jobs(server: GearmanServer, dial: Dial) -> None:
    """Point 8: so all copies of one broadcast may carry the same unique."""
    client = dial(server)
    assert client.submit(b"f", b"u") != client.submit(b"g", b"u")


@on("gearmand", "perl")
def test_a_unique_may_be_used_again_when_its_job_has_ended(server: GearmanServer, dial: Dial) -> None:
    """Point 8."""
    client, worker = dial(server), dial(server)
    first = client.submit(b"f", b"u")
    worker.can_do(b"f")
    assert worker.grab() is not None
    worker.complete(first)
    assert client.submit(b"f", b"u") != first


@on("geard")
def test_geard_joins_nothing(server: GearmanServer, dial: Dial) -> None:
    """Point 8: there a unique is only carried to the worker."""
    client, worker = dial(server), dial(server)
    handles = [client.submit(b"f", unique, b"payload") for unique in (b"u", b"u", b"-", b"-")]
    assert len(set(handles)) == 4
    worker.can_do(b"f")
    assert grab_all(worker, 5) == handles


@on("gearmand", "geard")
def test_priorities_hold_within_a_function(server: GearmanServer, dial: Dial) -> None:
    """Goes with point 8: high before normal before low, and each in order."""
    client, worker = dial(server), dial(server)
    kinds = [Kind.SUBMIT_JOB_LOW_BG, Kind.SUBMIT_JOB_BG, Kind.SUBMIT_JOB_HIGH_BG]
    low, normal, high = ([client.submit(b"f", kind=kind) for _ in range(2)] for kind in kinds)
    worker.can_do(b"f")
    assert grab_all(worker, 7) == high + normal + low


@on("perl")
def test_perls_server_knows_one_priority_besides_the_normal_one(server: GearmanServer, dial: Dial) -> None:
    """Goes with point 8: high in the foreground. The others are refused, and the connection lives."""
    client = dial(server)
    client.submit(b"f", kind=Kind.SUBMIT_JOB_HIGH)
    for kind in (Kind.SUBMIT_JOB_HIGH_BG, Kind.SUBMIT_JOB_LOW, Kind.SUBMIT_JOB_LOW_BG):
        refusal = client.ask_one(submit(b"f", kind=kind))
        assert (refusal.kind, refusal.fields[0]) == (Kind.ERROR, b"server_error")


@on("gearmand")
def test_a_full_queue_refuses_with_an_error_in_order(server: GearmanServer, dial: Dial) -> None:
    """Goes with point 8: the limit counts running jobs too."""
    client, worker = dial(server), dial(server)
    worker.can_do(b"f")
    assert client.text(b"maxqueue f 2") == b"OK\r\n"
    client.submit(b"f")
    assert worker.grab() is not None
    answers = client.ask(*[submit(b"f")] * 2)
    assert answers[0].kind == Kind.JOB_CREATED
    assert answers[1] == Packet(Kind.ERROR, b"QUEUE_ERROR\0Job queue is full")


@on("perl")
def test_a_full_queue_of_perls_server_drops_the_newest_that_waits(server: GearmanServer, dial: Dial) -> None:
    """Goes with point 8: the new job is confirmed, and the one before it fails ahead of that confirmation."""
    client, worker = dial(server), dial(server)
    worker.can_do(b"f")
    assert client.text(b"maxqueue f 1") == b"OK\n"
    victim = client.submit(b"f", b"", b"old", kind=Kind.SUBMIT_JOB)
    failed, created = client.ask(submit(b"f", b"", b"new", Kind.SUBMIT_JOB))
    assert failed == Packet(Kind.WORK_FAIL, victim)
    assert created.kind == Kind.JOB_CREATED
    assert grab_all(worker, 2) == [created.data]
