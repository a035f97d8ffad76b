"""What a restart of a server leaves, and what it confuses."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.functional.facts.conftest import Dial
from tests.functional.facts.raw import Kind, grab, job_of
from tests.functional.facts.servers import on, on_every
from tests.servers.gearman import Gearmand, GearmanServer


@pytest.fixture
def persistent(tmp_path: Path) -> Iterator[Gearmand]:
    """gearmand with a queue that is also kept in a file."""
    options = ["--queue-type=libsqlite3", f"--libsqlite3-db={tmp_path / 'queue.db'}"]
    with Gearmand(tmp_path / "gearmand", extra=options) as server:
        yield server


@on_every
def test_a_restart_loses_the_queue_and_uses_handles_again(server: GearmanServer, dial: Dial) -> None:
    """Point 21: an old handle now means another job."""
    before = dial(server)
    old = before.submit(b"f", b"", b"old")
    server.stop()
    assert before.read_until_end() == []
    server.start()
    after = dial(server)
    assert after.status_of(old)[0] == b"0"
    assert after.counts_of(b"f") is None
    assert after.submit(b"g", b"", b"new") == old
    assert after.status_of(old)[0] == b"1"


@on_every
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_server_goes_without_a_word(server: GearmanServer, dial: Dial, number: signal.Signals) -> None:
    """Point 21: also to a client that waits for a result."""
    client, worker = dial(server), dial(server)
    client.submit(b"f", kind=Kind.SUBMIT_JOB)
    worker.can_do(b"f")
    assert worker.grab() is not None
    server.signal(number)
    assert client.read_until_end() == []
    assert worker.read_until_end() == []


def test_a_file_keeps_background_jobs_with_their_payload(persistent: Gearmand, dial: Dial) -> None:
    """Goes with points 19 and 21: those that ran come back too, those that waited for an answer do not."""
    client, worker = dial(persistent), dial(persistent)
    for unique, payload in ((b"u1", b"ran"), (b"u2", b"\0\xff")):
        client.submit(b"f", unique, payload)
    client.submit(b"f", b"u3", b"foreground", kind=Kind.SUBMIT_JOB)
    worker.can_do(b"f")
    assert worker.grab() is not None
    persistent.kill()
    persistent.start()
    heir = dial(persistent)
    heir.can_do(b"f")
    jobs = [job_of(each) for each in heir.ask(*[grab(persistent)] * 2)]
    assert {(job.unique, job.payload) for job in jobs} == {(b"u1", b"ran"), (b"u2", b"\0\xff")}
    assert heir.grab() is None


def test_a_file_keeps_one_job_of_a_function_without_unique(persistent: Gearmand, dial: Dial) -> None:
    """Point 19: both were confirmed."""
    client = dial(persistent)
    assert client.submit(b"f", b"", b"first") != client.submit(b"f", b"", b"second")
    client.submit(b"g", b"", b"of another function")
    persistent.stop()
    persistent.start()
    heir = dial(persistent)
    heir.can_do(b"f", b"g")
    payloads = {job_of(each).payload for each in heir.ask(*[grab(persistent)] * 2)}
    assert payloads == {b"second", b"of another function"}
    assert heir.grab() is None


@on("gearmand")
def test_handles_are_counted_from_one(server: GearmanServer, dial: Dial) -> None:
    """Point 21."""
    client = dial(server)
    numbers = [client.submit(b"f").rpartition(b":")[2] for _ in range(3)]
    assert numbers == [b"1", b"2", b"3"]
