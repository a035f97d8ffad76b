"""Who runs a job again, and who loses it, when a connection or the server goes away."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.functional.facts.conftest import Dial
from tests.functional.facts.raw import REQ, RES, Job, Kind, Packet, Peer, grab, job_of, packet
from tests.functional.facts.servers import on, on_every
from tests.servers.gearman import Gearmand, GearmanServer
from tests.servers.process import wait_until

End = Callable[[Peer], None]
ENDS: dict[str, End] = {"FIN": Peer.close, "RST": Peer.reset}
every_end = pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)


def is_known(peer: Peer, handle: bytes) -> bool:
    return peer.status_of(handle)[0] == b"1"


def wait_for_connections(asker: Peer, count: int) -> None:
    """Until the server has seen the others go."""
    wait_until(lambda: len(asker.table(b"workers")) == count, f"{count} connections to remain")


def take(worker: Peer) -> Job:
    """The next job, waited for if there is none yet."""
    worker.can_do(b"f")
    job = worker.grab()
    if job is None:
        worker.send(packet(Kind.PRE_SLEEP))
        assert worker.read().kind == Kind.NOOP
        job = worker.grab()
    assert job is not None
    return job


@on("gearmand")
@pytest.mark.parametrize("kind", [Kind.SUBMIT_JOB, Kind.SUBMIT_JOB_BG])
@every_end
def test_gearmand_hands_out_again_what_a_worker_left(server: GearmanServer, dial: Dial, kind: int, end: End) -> None:
    """Point 15: without limit and under the same handle; the client notices nothing."""
    client = dial(server)
    handle = client.submit(b"f", b"", b"payload", kind=kind)
    for _ in range(12):
        worker = dial(server)
        job = take(worker)
        assert (job.handle, job.payload) == (handle, b"payload")
        end(worker)
    assert client.ask() == []


@on("gearmand")
def test_gearmand_wakes_a_sleeper_for_what_a_worker_left_behind_what_waits(server: GearmanServer, dial: Dial) -> None:
    """Point 15: requeued jobs stand at the end, the latest first."""
    client, worker, heir = dial(server), dial(server), dial(server)
    handles = [client.submit(b"f", b"", payload) for payload in (b"1", b"2")]
    worker.can_do(b"f")
    assert len(worker.ask(*[grab(server)] * 2)) == 2
    heir.can_do(b"f")
    assert heir.grab() is None
    assert heir.sleep() == []
    worker.close()
    assert heir.read().kind == Kind.NOOP
    wait_until(lambda: client.counts_of(b"f") == [2, 0, 1], "both jobs to be queued again")
    waiting = client.submit(b"f", b"", b"3")
    order = [job_of(each).handle for each in heir.ask(*[grab(server)] * 3)]
    assert order == [*reversed(handles), waiting]


@pytest.mark.parametrize("kind", [Kind.SUBMIT_JOB, Kind.SUBMIT_JOB_BG])
def test_gearmand_gives_up_where_it_was_told_to(tmp_path: Path, dial: Dial, kind: int) -> None:
    """Point 15: with --job-retries=2 the second death is the end, which only a foreground client hears of."""
    with Gearmand(tmp_path / "gearmand", extra=["--job-retries=2"]) as server:
        client = dial(server)
        handle = client.submit(b"f", kind=kind)
        for _ in range(2):
            worker = dial(server)
            assert take(worker).handle == handle
            worker.close()
        wait_until(lambda: not is_known(dial(server), handle), "gearmand to give up")
        expected = [Packet(Kind.WORK_FAIL, handle)] if kind == Kind.SUBMIT_JOB else []
        assert client.ask() == expected


@on("geard", "perl")
@every_end
def test_elsewhere_a_background_job_dies_with_its_worker(server: GearmanServer, dial: Dial, end: End) -> None:
    """Point 15: without a word."""
    client, worker, heir = dial(server), dial(server), dial(server)
    handle = client.submit(b"f")
    assert take(worker).handle == handle
    end(worker)
    wait_until(lambda: not is_known(client, handle), "the job to be forgotten")
    heir.can_do(b"f")
    assert heir.grab() is None


@on("geard", "perl")
@every_end
def test_elsewhere_a_foreground_job_fails_with_its_worker(server: GearmanServer, dial: Dial, end: End) -> None:
    """Points 15 and 7: geard says so with the magic of a request."""
    client, worker = dial(server), dial(server)
    handle = client.submit(b"f", kind=Kind.SUBMIT_JOB)
    take(worker)
    end(worker)
    assert client.read() == Packet(Kind.WORK_FAIL, handle, REQ if server.kind == "geard" else RES)
    assert not is_known(client, handle)


GIVE_UP = {"CANT_DO": packet(Kind.CANT_DO, b"f"), "RESET_ABILITIES": packet(Kind.RESET_ABILITIES)}


@on("gearmand")
@pytest.mark.parametrize("word", GIVE_UP)
def test_on_gearmand_who_gives_up_a_function_loses_its_jobs(server: GearmanServer, dial: Dial, word: str) -> None:
    """Point 15: the job goes to the next worker, and the result of the first is refused. So drain first."""
    client, worker, heir = dial(server), dial(server), dial(server)
    handle = client.submit(b"f", kind=Kind.SUBMIT_JOB)
    take(worker)
    assert worker.ask(GIVE_UP[word]) == []
    assert take(heir).handle == handle
    (refusal,) = worker.complete(handle)
    assert refusal.fields[0] == b"JOB_NOT_FOUND"
    assert client.ask() == []


@on("geard", "perl")
@pytest.mark.parametrize("word", GIVE_UP)
def test_elsewhere_who_gives_up_a_function_keeps_its_jobs(server: GearmanServer, dial: Dial, word: str) -> None:
    """Point 15."""
    client, worker = dial(server), dial(server)
    handle = client.submit(b"f", kind=Kind.SUBMIT_JOB)
    take(worker)
    assert worker.ask(GIVE_UP[word]) == []
    assert worker.complete(handle) == []
    assert client.ask() == [Packet(Kind.WORK_COMPLETE, handle + b"\0")]


@on_every
def test_a_foreground_job_whose_client_left_is_never_begun(server: GearmanServer, dial: Dial) -> None:
    """Goes with point 15."""
    client, worker = dial(server), dial(server)
    worker.can_do(b"f")
    handle = client.submit(b"f", kind=Kind.SUBMIT_JOB)
    client.close()
    wait_for_connections(worker, 1)
    assert worker.grab() is None
    assert not is_known(worker, handle)


@on_every
def test_a_foreground_job_that_runs_goes_on_when_its_client_leaves(server: GearmanServer, dial: Dial) -> None:
    """Goes with point 15: the worker is told nothing."""
    client, worker = dial(server), dial(server)
    handle = client.submit(b"f", kind=Kind.SUBMIT_JOB)
    take(worker)
    client.close()
    wait_for_connections(worker, 1)
    assert worker.complete(handle) == []


@on_every
def test_a_client_that_shuts_only_its_own_direction_is_hung_up_on(server: GearmanServer, dial: Dial) -> None:
    """Goes with point 15: there is no half-open connection."""
    client = dial(server)
    client.submit(b"f", kind=Kind.SUBMIT_JOB)
    client.socket.shutdown(1)
    assert client.read_until_end() == []


@on("gearmand")
def test_gearmand_drops_a_background_submit_that_shares_its_unique_with_a_dead_client(
    server: GearmanServer, dial: Dial
) -> None:
    """Point 19: the two were one job, and it went with the client that waited for it."""
    client, waiting, worker = dial(server), dial(server), dial(server)
    worker.can_do(b"f")
    assert client.submit(b"f", b"u") == waiting.submit(b"f", b"u", kind=Kind.SUBMIT_JOB)
    waiting.close()
    wait_for_connections(worker, 2)
    assert worker.grab() is None


@on("geard", "perl")
def test_elsewhere_a_background_submit_outlives_a_client_with_the_same_unique(
    server: GearmanServer, dial: Dial
) -> None:
    """Point 19."""
    client, waiting, worker = dial(server), dial(server), dial(server)
    worker.can_do(b"f")
    client.submit(b"f", b"u")
    waiting.submit(b"f", b"u", kind=Kind.SUBMIT_JOB)
    waiting.close()
    wait_for_connections(worker, 2)
    assert worker.grab() is not None
    assert worker.grab() is None
