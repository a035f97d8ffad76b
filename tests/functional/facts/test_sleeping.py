"""What wakes a worker, and what does not."""

import time

from tests.functional.facts.conftest import Dial
from tests.functional.facts.raw import Kind, Packet, Peer, grab, job_of, packet
from tests.functional.facts.servers import on, on_every
from tests.servers.gearman import GearmanServer
from tests.servers.process import wait_until

NO_JOB = Packet(Kind.NO_JOB, b"")
NOOP = Packet(Kind.NOOP, b"")


def sleeper(dial: Dial, server: GearmanServer) -> Peer:
    """A worker of `f` that sleeps as it should: its grab was answered with NO_JOB before it said so."""
    worker = dial(server)
    worker.can_do(b"f")
    assert worker.grab() is None
    assert worker.sleep() == []
    return worker


@on_every
def test_a_worker_that_heard_no_job_and_then_sleeps_is_woken(server: GearmanServer, dial: Dial) -> None:
    """Point 4."""
    client, worker = dial(server), sleeper(dial, server)
    client.submit(b"f")
    assert worker.ask() == [NOOP]
    assert worker.grab() is not None


@on_every
def test_a_job_that_came_between_no_job_and_sleep_wakes_at_once(server: GearmanServer, dial: Dial) -> None:
    """Point 4: nothing is lost in between."""
    client, worker = dial(server), dial(server)
    worker.can_do(b"f")
    assert worker.grab() is None
    client.submit(b"f")
    assert worker.sleep() == [NOOP]


@on_every
def test_jobs_in_flight_do_not_keep_a_sleeper_from_being_woken(server: GearmanServer, dial: Dial) -> None:
    """Point 4: a worker with free slots may sleep while it works."""
    client, worker = dial(server), dial(server)
    worker.can_do(b"f")
    held = client.submit(b"f")
    assert worker.grab() is not None
    assert worker.grab() is None
    assert worker.sleep() == []
    assert worker.complete(held) == []
    client.submit(b"f")
    assert worker.ask() == [NOOP]


@on("gearmand")
def test_on_gearmand_a_grab_behind_pre_sleep_cancels_the_sleep(server: GearmanServer, dial: Dial) -> None:
    """Point 4: the job comes, and nobody says so. A worker that did this would hang."""
    client, worker = dial(server), dial(server)
    worker.can_do(b"f")
    assert worker.ask(packet(Kind.PRE_SLEEP), grab(server)) == [NO_JOB]
    client.submit(b"f")
    assert worker.ask() == []
    assert worker.sleep() == [NOOP]


@on("geard", "perl")
def test_elsewhere_a_grab_behind_pre_sleep_leaves_it_in_force(server: GearmanServer, dial: Dial) -> None:
    """Point 4."""
    client, worker = dial(server), dial(server)
    worker.can_do(b"f")
    assert worker.ask(packet(Kind.PRE_SLEEP), grab(server)) == [NO_JOB]
    client.submit(b"f")
    assert worker.ask() == [NOOP]


@on("perl")
def test_perls_server_wakes_for_nothing_who_has_not_heard_no_job(server: GearmanServer, dial: Dial) -> None:
    """Point 4: the last grab emptied the queue, and a sleep right behind it is answered with NOOP."""
    client, worker = dial(server), dial(server)
    client.submit(b"f")
    worker.can_do(b"f")
    assert worker.grab() is not None
    assert worker.sleep() == [NOOP]
    assert worker.grab() is None
    assert worker.sleep() == []


@on_every
def test_many_jobs_give_one_noop_however_often_sleep_was_said(server: GearmanServer, dial: Dial) -> None:
    """Points 5 and 6: repeating PRE_SLEEP does no harm."""
    client, worker = dial(server), sleeper(dial, server)
    assert worker.ask(*[packet(Kind.PRE_SLEEP)] * 3) == []
    for _ in range(3):
        client.submit(b"f")
    assert worker.ask() == [NOOP]
    assert [worker.grab() is not None for _ in range(4)] == [True, True, True, False]


@on_every
def test_a_noop_does_not_promise_a_job(server: GearmanServer, dial: Dial) -> None:
    """Point 5: one job wakes two sleepers."""
    client, quick, late = dial(server), sleeper(dial, server), sleeper(dial, server)
    client.submit(b"f")
    assert quick.ask() == [NOOP]
    assert quick.grab() is not None
    assert late.ask() == [NOOP]
    assert late.grab() is None


@on_every
def test_sleep_said_again_with_jobs_waiting_is_answered_each_time(server: GearmanServer, dial: Dial) -> None:
    """Point 6: the price of repeating it is one NOOP more."""
    client, worker = dial(server), dial(server)
    client.submit(b"f")
    worker.can_do(b"f")
    assert worker.ask(*[packet(Kind.PRE_SLEEP)] * 3) == [NOOP] * 3


@on_every
def test_a_new_function_with_jobs_does_not_wake_its_sleeper_until_sleep_is_said_again(
    server: GearmanServer, dial: Dial
) -> None:
    """Point 6."""
    client, worker = dial(server), sleeper(dial, server)
    client.submit(b"late")
    worker.can_do(b"late")
    assert worker.ask() == []
    assert worker.sleep() == [NOOP]


@on("gearmand", "geard")
def test_the_next_job_of_a_new_function_wakes(server: GearmanServer, dial: Dial) -> None:
    """Goes with point 6."""
    client, worker = dial(server), sleeper(dial, server)
    worker.can_do(b"late")
    client.submit(b"late")
    assert worker.ask() == [NOOP]


@on("perl")
def test_on_perls_server_not_even_the_next_job_of_a_new_function_wakes(server: GearmanServer, dial: Dial) -> None:
    """Point 6."""
    client, worker = dial(server), sleeper(dial, server)
    worker.can_do(b"late")
    client.submit(b"late")
    assert worker.ask() == []
    assert worker.sleep() == [NOOP]


@on("gearmand")
def test_a_scheduled_job_wakes_when_it_is_submitted_and_not_when_it_falls_due(
    server: GearmanServer, dial: Dial
) -> None:
    """Point 6: only a new PRE_SLEEP finds it. The time is gearmand's, in whole seconds."""
    client, worker, observer = dial(server), sleeper(dial, server), dial(server)
    observer.can_do(b"f")
    due = b"%d" % (int(time.time()) + 2)
    handle = client.ask_one(packet(Kind.SUBMIT_JOB_EPOCH, b"f", b"", due, b"payload")).data
    assert worker.ask() == [NOOP]
    assert worker.grab() is None
    assert worker.sleep() == []
    wait_until(lambda: observer.sleep() == [NOOP], "the job to fall due")
    assert worker.ask() == []
    assert worker.sleep() == [NOOP]
    assert job_of(worker.ask_one(grab(server)))[:2] == (handle, b"f")


@on("gearmand")
def test_a_scheduled_job_whose_time_has_passed_is_due(server: GearmanServer, dial: Dial) -> None:
    """Goes with point 6."""
    client, worker = dial(server), dial(server)
    worker.can_do(b"f")
    for due in (b"0", b"1", b"-1", b"", b"abc"):
        client.ask_one(packet(Kind.SUBMIT_JOB_EPOCH, b"f", b"", due, b"payload"))
        assert job_of(worker.ask_one(grab(server))).payload == b"payload"
