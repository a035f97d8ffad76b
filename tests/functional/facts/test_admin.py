"""The text protocol: what may be asked, and what the lists say."""

import pytest

from tests.functional.facts.conftest import Dial
from tests.functional.facts.raw import Kind, Packet, packet, submit
from tests.functional.facts.servers import on, on_every
from tests.servers.gearman import GearmanServer
from tests.servers.process import wait_until


@on_every
def test_status_counts_jobs_running_jobs_and_workers(server: GearmanServer, dial: Dial) -> None:
    """Point 22: the total includes what runs."""
    client, worker = dial(server), dial(server)
    assert client.table(b"status") == []
    for _ in range(3):
        client.submit(b"f")
    worker.can_do(b"f")
    assert worker.grab() is not None
    client.send(b"status\n")
    assert [client.read_line(), client.read_line()] == [b"f\t3\t1\t1\n", b".\n"]


@on("gearmand")
def test_gearmand_never_forgets_a_name(server: GearmanServer, dial: Dial) -> None:
    """Point 22: neither one that was worked on nor one that was submitted to."""
    client, worker = dial(server), dial(server)
    worker.can_do(b"registered", b"done")
    handle = client.submit(b"done")
    assert worker.grab() is not None
    worker.complete(handle)
    worker.close()
    wait_until(lambda: client.counts_of(b"registered") == [0, 0, 0], "the worker to be gone")
    assert client.counts_of(b"done") == [0, 0, 0]


@on("geard")
def test_geard_never_forgets_a_name_that_a_worker_had(server: GearmanServer, dial: Dial) -> None:
    """Point 22: one that was only submitted to goes with its jobs."""
    client, waiting, worker = dial(server), dial(server), dial(server)
    worker.can_do(b"registered")
    waiting.submit(b"submitted", kind=Kind.SUBMIT_JOB)
    assert client.counts_of(b"submitted") == [1, 0, 0]
    waiting.close()
    wait_until(lambda: client.counts_of(b"submitted") is None, "the job to go with its client")
    worker.close()
    wait_until(lambda: client.counts_of(b"registered") == [0, 0, 0], "the worker to be gone")


@on("perl")
def test_perls_server_forgets_names_that_nobody_uses(server: GearmanServer, dial: Dial) -> None:
    """Point 22."""
    client, worker = dial(server), dial(server)
    worker.can_do(b"registered")
    worker.close()
    wait_until(lambda: client.counts_of(b"registered") is None, "the name to be forgotten")


@on("gearmand")
def test_gearmand_counts_what_will_never_run_until_a_grab_sweeps_it(server: GearmanServer, dial: Dial) -> None:
    """Point 22: a count above zero does not mean that there is work."""
    client, waiting, worker = dial(server), dial(server), dial(server)
    waiting.submit(b"f", kind=Kind.SUBMIT_JOB)
    waiting.close()
    wait_until(lambda: len(client.table(b"workers")) == 2, "the client to be gone")
    assert client.counts_of(b"f") == [1, 0, 0]
    worker.can_do(b"f")
    assert worker.grab() is None
    assert client.counts_of(b"f") == [0, 0, 1]


NOT_ON_GEARD = [b"version", b"show jobs", b"prioritystatus", b"getpid", b"create function f", b"nonsense", b""]


@on("geard")
@pytest.mark.parametrize("command", NOT_ON_GEARD)
def test_geard_never_answers_a_command_that_it_does_not_know(server: GearmanServer, dial: Dial, command: bytes) -> None:
    """Point 23: what comes behind is answered as if nothing had been asked."""
    admin = dial(server)
    admin.send(command + b"\n", b"status\n")
    assert admin.read_line() == b".\n"


@on_every
def test_workers_lists_all_connections_with_their_functions(server: GearmanServer, dial: Dial) -> None:
    """Point 23: address, id and functions; clients too."""
    admin, worker = dial(server), dial(server)
    worker.can_do(b"f")
    assert worker.ask(packet(Kind.SET_CLIENT_ID, b"me")) == []
    rows = [row[0].split() for row in admin.table(b"workers")]
    assert sorted(row[1:] for row in rows) == [[b"127.0.0.1", b"-", b":"], [b"127.0.0.1", b"me", b":", b"f"]]


@on("gearmand", "geard")
def test_a_job_that_waits_can_be_cancelled(server: GearmanServer, dial: Dial) -> None:
    """Point 23: gearmand tells the client, geard does not."""
    client, worker, admin = dial(server), dial(server), dial(server)
    handle = client.submit(b"f", kind=Kind.SUBMIT_JOB)
    assert admin.text(b"cancel job " + handle).rstrip() == b"OK"
    assert client.ask() == ([Packet(Kind.WORK_FAIL, handle)] if server.kind == "gearmand" else [])
    worker.can_do(b"f")
    assert worker.grab() is None


@on("gearmand", "geard")
def test_an_unknown_job_cannot_be_cancelled(server: GearmanServer, dial: Dial) -> None:
    """Point 23."""
    assert dial(server).text(b"cancel job H:nobody:1").rstrip() == b"ERR UNKNOWN_JOB"


@on("geard")
def test_geard_does_not_cancel_a_job_that_runs(server: GearmanServer, dial: Dial) -> None:
    """Point 23."""
    client, worker = dial(server), dial(server)
    handle = client.submit(b"f")
    worker.can_do(b"f")
    assert worker.grab() is not None
    assert client.text(b"cancel job " + handle) == b"ERR UNKNOWN_JOB\n"


@on_every
def test_text_and_packets_may_share_a_connection(server: GearmanServer, dial: Dial) -> None:
    """Goes with point 23: answers keep the order."""
    client = dial(server)
    client.send(submit(b"f"), b"status\n", packet(Kind.GET_STATUS, b"H:nobody"))
    assert client.read().kind == Kind.JOB_CREATED
    assert client.table(b"") == [[b"f", b"1", b"0", b"0"]]
    assert client.read().kind == Kind.STATUS_RES


@on("gearmand")
def test_gearmand_says_who_it_is(server: GearmanServer, dial: Dial) -> None:
    """Goes with point 23."""
    admin = dial(server)
    assert admin.text(b"version").startswith(b"OK 1.1.")
    assert server.process is not None
    assert admin.text(b"getpid") == b"OK %d\n" % server.process.pid


@on("gearmand", "perl")
def test_elsewhere_an_unknown_command_is_refused(server: GearmanServer, dial: Dial) -> None:
    """Point 23."""
    assert dial(server).text(b"nonsense").lower().startswith(b"err unknown_command")


@on("gearmand")
def test_gearmand_lists_what_waits_by_priority(server: GearmanServer, dial: Dial) -> None:
    """Goes with point 22."""
    client = dial(server)
    for kind in (Kind.SUBMIT_JOB_HIGH_BG, Kind.SUBMIT_JOB_BG, Kind.SUBMIT_JOB_BG):
        client.submit(b"f", kind=kind)
    assert client.table(b"prioritystatus") == [[b"f", b"1", b"2", b"0", b"0"]]
