"""What a grab is answered with."""

from tests.functional.facts.conftest import Dial
from tests.functional.facts.raw import Kind, Packet, grab, job_of, packet, submit
from tests.functional.facts.servers import on, on_every
from tests.servers.gearman import GearmanServer

NO_JOB = Packet(Kind.NO_JOB, b"")
NOOP = Packet(Kind.NOOP, b"")
FIVE = [b"%d" % n for n in range(5)]


@on_every
def test_a_result_and_the_next_grab_in_one_send_are_both_served(server: GearmanServer, dial: Dial) -> None:
    """Point 1. What it gains is not to be seen here: benchmarks measure it."""
    client, worker = dial(server), dial(server)
    worker.can_do(b"f")
    for payload in (b"first", b"second"):
        client.submit(b"f", b"", payload, kind=Kind.SUBMIT_JOB)
    first = worker.grab()
    assert first is not None
    second = job_of(worker.ask_one(packet(Kind.WORK_COMPLETE, first.handle, b"done"), grab(server)))
    assert (first.payload, second.payload) == (b"first", b"second")
    assert client.read() == Packet(Kind.WORK_COMPLETE, first.handle + b"\0done")


@on_every
def test_every_grab_gets_one_answer_in_order(server: GearmanServer, dial: Dial) -> None:
    """Point 2: eight grabs at once for five jobs."""
    client, worker = dial(server), dial(server)
    handles = [client.submit(b"f", b"", payload) for payload in FIVE]
    worker.can_do(b"f")
    answers = worker.ask(*[grab(server)] * 8)
    assert [(job_of(each).handle, job_of(each).payload) for each in answers[:5]] == list(
        zip(handles, FIVE, strict=True)
    )
    assert answers[5:] == [NO_JOB] * 3


@on_every
def test_jobs_in_flight_on_one_connection_may_end_in_any_order(server: GearmanServer, dial: Dial) -> None:
    """Point 2: several jobs at once on one connection are no special case."""
    client, worker = dial(server), dial(server)
    handles = [client.submit(b"f", b"", payload, kind=Kind.SUBMIT_JOB) for payload in FIVE]
    worker.can_do(b"f")
    assert len(worker.ask(*[grab(server)] * 5)) == 5
    for handle in reversed(handles):
        assert worker.complete(handle) == []
    assert [client.read().fields[0] for _ in FIVE] == handles[::-1]


@on_every
def test_grabs_without_a_function_or_a_job_are_answered_with_no_job(server: GearmanServer, dial: Dial) -> None:
    """Point 2."""
    worker = dial(server)
    assert worker.ask(*[grab(server)] * 3) == [NO_JOB] * 3
    worker.can_do(b"f")
    assert worker.ask(*[grab(server)] * 3) == [NO_JOB] * 3


@on_every
def test_a_noop_may_come_before_the_answer_to_a_grab(server: GearmanServer, dial: Dial) -> None:
    """Point 2: it is not the answer."""
    client, worker = dial(server), dial(server)
    client.submit(b"f")
    worker.can_do(b"f")
    noop, assign, no_job = worker.ask(packet(Kind.PRE_SLEEP), grab(server), grab(server))
    assert (noop, no_job) == (NOOP, NO_JOB)
    assert job_of(assign).function == b"f"


@on_every
def test_jobs_are_never_pushed(server: GearmanServer, dial: Dial) -> None:
    """Point 2: neither when a worker says what it can do, nor when a job comes while it is awake."""
    client, worker = dial(server), dial(server)
    client.submit(b"f")
    worker.can_do(b"f")
    client.submit(b"f")
    assert worker.ask() == []


@on("gearmand", "geard")
def test_an_assigned_job_carries_its_unique(server: GearmanServer, dial: Dial) -> None:
    """Point 3. Bytes of the payload are nobody's business, NULs least of all."""
    client, worker = dial(server), dial(server)
    handle = client.submit(b"f", b"u", b"\0\xff\0")
    worker.can_do(b"f")
    assert worker.ask(packet(Kind.GRAB_JOB_UNIQ)) == [Packet(Kind.JOB_ASSIGN_UNIQ, handle + b"\0f\0u\0\0\xff\0")]


@on("perl")
def test_perls_server_says_that_it_knows_no_grab_with_unique(server: GearmanServer, dial: Dial) -> None:
    """Point 3: an ERROR with its own code; the connection lives, and GRAB_JOB works."""
    client, worker = dial(server), dial(server)
    handle = client.submit(b"f", b"u", b"payload")
    worker.can_do(b"f")
    refusal = worker.ask_one(packet(Kind.GRAB_JOB_UNIQ))
    assert (refusal.kind, refusal.fields[0]) == (Kind.ERROR, b"server_error")
    assert worker.ask(packet(Kind.GRAB_JOB)) == [Packet(Kind.JOB_ASSIGN, handle + b"\0f\0payload")]


@on("gearmand", "perl")
def test_a_grab_without_unique_is_answered_without_it(server: GearmanServer, dial: Dial) -> None:
    """Point 3."""
    client, worker = dial(server), dial(server)
    handle = client.submit(b"f", b"u", b"payload")
    worker.can_do(b"f")
    assert worker.ask(packet(Kind.GRAB_JOB)) == [Packet(Kind.JOB_ASSIGN, handle + b"\0f\0payload")]


@on("geard")
def test_geard_never_answers_a_grab_without_unique(server: GearmanServer, dial: Dial) -> None:
    """Points 2 and 3: with a job waiting it says nothing, and goes on with what comes behind."""
    client, worker = dial(server), dial(server)
    client.submit(b"f")
    worker.can_do(b"f")
    assert worker.ask(packet(Kind.GRAB_JOB)) == []
    assert worker.ask_one(packet(Kind.GRAB_JOB), packet(Kind.GRAB_JOB_UNIQ)).kind == Kind.JOB_ASSIGN_UNIQ


@on("gearmand")
def test_gearmand_empties_the_function_named_last_before_any_other(server: GearmanServer, dial: Dial) -> None:
    """Goes with point 2: a busy queue starves those that were named before it, whatever their priority."""
    client, worker = dial(server), dial(server)
    worker.can_do(b"named first", b"named last")
    for kind in (Kind.SUBMIT_JOB_HIGH_BG, Kind.SUBMIT_JOB_BG):
        client.submit(b"named first", kind=kind)
        client.submit(b"named last", kind=kind)
    answers = worker.ask(*[grab(server)] * 4)
    assert [job_of(each).function for each in answers] == [b"named last"] * 2 + [b"named first"] * 2


@on("geard")
def test_geard_hands_out_in_order_of_submission_over_all_functions(server: GearmanServer, dial: Dial) -> None:
    """Goes with point 2."""
    client, worker = dial(server), dial(server)
    worker.can_do(b"a", b"b")
    order = [b"a", b"b", b"b", b"a"]
    for function in order:
        client.submit(function)
    assert [job_of(each).function for each in worker.ask(*[grab(server)] * 4)] == order


@on_every
def test_a_job_is_announced_to_its_client_before_it_ends(server: GearmanServer, dial: Dial) -> None:
    """Goes with point 8: JOB_CREATED comes before WORK_COMPLETE also when a worker waits for the job."""
    client, worker = dial(server), dial(server)
    worker.can_do(b"f")
    created, ended = [], []
    client.send(*[submit(b"f", b"", b"", Kind.SUBMIT_JOB)] * 200)
    while len(ended) < 200:
        for assign in worker.ask(*[grab(server)] * 20):
            if assign != NO_JOB:
                worker.send(packet(Kind.WORK_COMPLETE, job_of(assign).handle, b""))
        for event in client.ask():
            (created if event.kind == Kind.JOB_CREATED else ended).append(event.fields[0])
            assert set(ended) <= set(created)
    assert ended == created
