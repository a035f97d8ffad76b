"""What servers do with those who do not read: they go on, and keep everything."""

from tests.functional.facts.conftest import Dial
from tests.functional.facts.raw import Kind, grab, job_of, submit
from tests.functional.facts.servers import on_every
from tests.servers.gearman import GearmanServer
from tests.servers.process import wait_until

SMALL_BUFFER_BYTES = 4096


@on_every
def test_submits_are_taken_from_a_client_that_does_not_read(server: GearmanServer, dial: Dial) -> None:
    """Point 20: all of them, and the answers lie ready, in order, when it reads at last."""
    count = 10_000
    flooder, other = dial(server, receive_buffer_bytes=SMALL_BUFFER_BYTES), dial(server)
    flooder.send(*[submit(b"f", b"", b"p" * 100)] * count)
    wait_until(lambda: other.counts_of(b"f") == [count, 0, 0], "all submits to be taken")
    answers = flooder.read_many(count)
    assert {each.kind for each in answers} == {Kind.JOB_CREATED}
    numbers = [int(each.data.rpartition(b":")[2]) for each in answers]
    assert numbers == sorted(set(numbers))


@on_every
def test_jobs_are_handed_to_a_worker_that_does_not_read(server: GearmanServer, dial: Dial) -> None:
    """Point 20: 15 MB wait in the server, more than sockets hold; others are served meanwhile."""
    count, payload = 150, bytes(range(250)) * 400
    worker, other = dial(server, receive_buffer_bytes=SMALL_BUFFER_BYTES), dial(server)
    for _ in range(count):
        other.submit(b"f", b"", payload)
    worker.can_do(b"f")
    worker.send(*[grab(server)] * count)
    wait_until(lambda: other.counts_of(b"f") == [count, count, 1], "all jobs to be handed out")
    other.submit(b"g")
    assert all(job_of(worker.read()).payload == payload for _ in range(count))


@on_every
def test_a_payload_of_a_mebibyte_arrives_whole(server: GearmanServer, dial: Dial) -> None:
    """Point 20: both ways. Beyond it geard's time grows with the square of the size."""
    payload = bytes(range(256)) * 4096
    client, worker = dial(server), dial(server)
    client.submit(b"f", b"", payload, kind=Kind.SUBMIT_JOB)
    worker.can_do(b"f")
    job = worker.grab()
    assert job is not None
    assert job.payload == payload
    assert worker.complete(job.handle, payload[::-1]) == []
    assert client.read().data == job.handle + b"\0" + payload[::-1]
