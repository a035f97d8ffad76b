"""Publishing with gear: what reaches the service, and what comes back to the caller's job."""

import json
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import gear
import pytest

from gearhorn.client import GearhornClient
from gearhorn.errors import BadRequest
from gearhorn.names import OwnQueues
from tests.functional.client.stand_in import QUEUES, StandIn, refuse, stand_in
from tests.servers.gearman import Gearmand, GearmanServer
from tests.servers.process import wait_until


def finish(job: gear.Job) -> gear.Job:
    """The way in which users of gear wait."""
    wait_until(lambda: job.complete, f"the end of {job}")
    return job


@contextmanager
def connected(publisher: GearhornClient, *servers: GearmanServer) -> Iterator[GearhornClient]:
    try:
        for server in servers:
            publisher.addServer("127.0.0.1", server.port)
        wait_until(lambda: len(publisher.active_connections) == len(servers), "connections to all servers")
        yield publisher
    finally:
        publisher.shutdown()


def test_a_job_is_published_to_the_topic_that_it_is_named_after(service: StandIn, publisher: GearhornClient) -> None:
    job = gear.Job("news", b"hello")
    publisher.submitJob(job)
    assert finish(job).failure is False
    assert job.data == [b"2"]
    assert service.asked == [("fanout", {"topic": "news", "payload": "hello"})]


def test_all_that_a_job_carries_reaches_the_service(service: StandIn, publisher: GearhornClient) -> None:
    job = gear.Job("news", b"hello", unique="only once")
    options = {"receiver_timeout": 5, "exclude": ["bob"], "expires": 4e9, "results": "failures"}
    publisher.submitJob(job, precedence=gear.PRECEDENCE_LOW, **options)
    finish(job)
    assert service.bodies == [
        {
            "topic": "news",
            "payload": "hello",
            "unique": "only once",
            "timeout": 5,
            "priority": "low",
            "exclude": ["bob"],
            "expires": 4e9,
            "results": "failures",
        }
    ]


@pytest.mark.parametrize(
    ("job", "sent"),
    [
        (gear.Job("news", b"\xff\0"), {"topic": "news", "payload": "/wA=", "encoding": "base64"}),
        (gear.TextJob("news", "Grüße"), {"topic": "news", "payload": "Grüße"}),
        (gear.BinaryJob("büro".encode(), b""), {"topic": "büro", "payload": ""}),
        (gear.TextJob("news", "x", unique="k"), {"topic": "news", "payload": "x", "unique": "k"}),
    ],
)
def test_every_kind_of_gear_job_can_be_published(
    service: StandIn, publisher: GearhornClient, job: gear.Job, sent: dict[str, str]
) -> None:
    publisher.submitJob(job, background=True)
    wait_until(lambda: service.asked, "the job")
    assert service.bodies == [{**sent, "background": True}]


def test_the_job_is_afterwards_as_the_caller_made_it(service: StandIn, publisher: GearhornClient) -> None:
    job = gear.Job("news", b"hello", unique="k")
    publisher.submitJob(job)
    assert (job.name, job.arguments, job.unique) == ("news", b"hello", b"k")
    assert job.handle.startswith(b"H:")
    assert job.connection is publisher.active_connections[0]
    finish(job)
    assert (job.name, job.arguments, job.unique) == ("news", b"hello", b"k")


def test_a_job_that_is_published_again_is_wrapped_once(service: StandIn, publisher: GearhornClient) -> None:
    job = gear.Job("news", b"hello")
    publisher.submitJob(job)
    finish(job)
    job.complete = False
    publisher.submitJob(job)
    finish(job)
    assert service.bodies == [{"topic": "news", "payload": "hello"}] * 2


def test_the_event_handlers_of_gear_get_the_callers_job(gearman_server: GearmanServer, service: StandIn) -> None:
    seen = []

    class Watching(GearhornClient):
        def handleJobCreated(self, packet: gear.Packet) -> gear.Job:
            seen.append(super().handleJobCreated(packet))
            return seen[-1]

        def handleWorkComplete(self, packet: gear.Packet) -> gear.Job:
            seen.append(super().handleWorkComplete(packet))
            return seen[-1]

    with connected(Watching(), gearman_server) as publisher:
        job = gear.Job("news", b"hello")
        publisher.submitJob(job)
        finish(job)
        assert seen == [job, job]


def test_the_reason_of_a_failure_arrives_as_an_exception(service: StandIn, publisher: GearhornClient) -> None:
    service.answer = refuse('[["bob","timeout"]]')
    job = gear.Job("news", b"hello")
    publisher.submitJob(job)
    assert finish(job).failure is True
    assert job.exception == b'[["bob","timeout"]]'


def test_asking_for_exceptions_oneself_does_no_harm(service: StandIn, publisher: GearhornClient) -> None:
    (before,) = publisher.active_connections
    publisher.setOption("exceptions")  # geard never answers: gear would wait, and then give up the connection
    service.answer = refuse("no")
    job = gear.Job("news", b"hello")
    publisher.submitJob(job)
    assert finish(job).exception == b"no"
    assert publisher.active_connections == [before]
    assert job.connection is before


def test_gearmand_confirms_that_it_shows_exceptions(gearmand: Gearmand) -> None:
    with connected(GearhornClient(), gearmand) as publisher:
        wait_until(lambda: publisher.setOption("exceptions"), "the option")


def test_an_option_that_gearmand_does_not_know_is_said_not_to_be_set(gearmand: Gearmand) -> None:
    with connected(GearhornClient(), gearmand) as publisher:
        assert publisher.setOption("nonsense", timeout=20) is False
        publisher.submitJob(gear.Job("news", b"x"), background=True, timeout=20)


def test_exceptions_are_asked_for_again_after_a_reconnect(gearmand: Gearmand) -> None:
    with connected(GearhornClient(), gearmand) as publisher:
        gearmand.stop()
        wait_until(lambda: not publisher.active_connections, "the loss of the connection")
        gearmand.start()
        wait_until(lambda: publisher.active_connections, "the connection")
        with stand_in(gearmand, answer=refuse("no")):
            job = gear.Job("news", b"hello")
            publisher.submitJob(job)
            assert finish(job).exception == b"no"


def test_progress_and_answers_show_on_the_job(service: StandIn, publisher: GearhornClient) -> None:
    def answer(job: gear.WorkerJob) -> None:
        job.sendWorkStatus(1, 2)
        job.sendWorkData(b'{"client_id":"bob"}\n')
        job.sendWorkComplete(b"1")

    service.answer = answer
    job = gear.Job("news", b"hello")
    publisher.submitJob(job, results=True)
    finish(job)
    assert job.fraction_complete == 0.5
    assert job.data == [b'{"client_id":"bob"}\n', b"1"]


def test_precedence_is_that_of_the_fanout_job_too(gearman_server: GearmanServer, publisher: GearhornClient) -> None:
    for topic, precedence in [
        ("last", gear.PRECEDENCE_LOW),
        ("second", gear.PRECEDENCE_NORMAL),
        ("first", gear.PRECEDENCE_HIGH),
    ]:
        publisher.submitJob(gear.Job(topic, b""), background=True, precedence=precedence)
    with stand_in(gearman_server) as service:
        wait_until(lambda: len(service.asked) == 3, "three jobs")
    assert [(body["topic"], body.get("priority")) for body in service.bodies] == [
        ("first", "high"),
        ("second", None),
        ("last", "low"),
    ]


def test_one_unique_on_two_topics_or_twice_is_still_so_many_broadcasts(
    gearman_server: GearmanServer, publisher: GearhornClient
) -> None:
    for topic in ("news", "weather", "news"):
        publisher.submitJob(gear.Job(topic, b"x", unique="today"), background=True)
    with stand_in(gearman_server) as service:
        wait_until(lambda: len(service.asked) == 3, "three jobs")
    assert [(body["topic"], body["unique"]) for body in service.bodies] == [
        ("news", "today"),
        ("weather", "today"),
        ("news", "today"),
    ]


def test_publishing_in_the_background_for_years_fills_no_memory(service: StandIn, publisher: GearhornClient) -> None:
    for number in range(20):
        publisher.submitJob(gear.Job("news", b"%d" % number), background=True)
    assert publisher.active_connections[0].related_jobs == {}


def test_what_is_refused_reaches_no_server(service: StandIn, publisher: GearhornClient) -> None:
    job = gear.Job("news", b"x", unique="k" * 64)
    with pytest.raises(BadRequest, match=r"^unique: "):
        publisher.submitJob(job)
    publisher.submitJob(gear.Job("news", b"good"), background=True)
    wait_until(lambda: service.asked, "the good one")
    assert [body["payload"] for body in service.bodies] == ["good"]


def test_threads_that_publish_at_the_same_time_get_their_own_answers(
    gearman_server: GearmanServer, service: StandIn
) -> None:
    service.answer = lambda job: job.sendWorkComplete(json.loads(job.arguments)["payload"].encode())
    second_is_sending = threading.Event()

    class Slow(GearhornClient):
        """Holds up the first job where gear has noted who waits for the answer, and has not sent."""

        is_first = True

        def sendPacket(self, packet: gear.Packet, connection: gear.Connection) -> None:
            if packet.ptype == gear.constants.SUBMIT_JOB and self.is_first:
                self.is_first = False
                second_is_sending.wait(0.5)
            elif packet.ptype == gear.constants.SUBMIT_JOB:
                second_is_sending.set()
            super().sendPacket(packet, connection)

    with connected(Slow(), gearman_server) as publisher:
        jobs = [gear.Job("news", b"%d" % number) for number in range(2)]
        threads = [threading.Thread(target=publisher.submitJob, args=(job,)) for job in jobs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [finish(job).data for job in jobs] == [[b"0"], [b"1"]]


def test_a_server_that_is_lost_before_it_answers_is_not_waited_for(tmp_path: Path) -> None:
    with (
        Gearmand(tmp_path / "a") as hung,
        Gearmand(tmp_path / "b") as sound,
        connected(GearhornClient(), hung, sound) as publisher,
    ):
        (to_hung,) = [connection for connection in publisher.active_connections if connection.port == hung.port]
        hung.signal(signal.SIGSTOP)
        jobs = [gear.Job("news", b"x") for _ in range(2)]  # gear takes turns: one of them goes to each server
        thread = threading.Thread(target=lambda: [publisher.submitJob(job, True, timeout=600) for job in jobs])
        thread.start()
        wait_until(lambda: to_hung.pending_tasks, "a job on its way to the server that hangs")
        hung.kill()
        thread.join(60)
        assert [job.connection.port for job in jobs] == [sound.port, sound.port]


def test_a_service_with_other_queue_names_is_published_to(gearman_server: GearmanServer) -> None:
    worker = gear.Worker("other names")
    worker.addServer("127.0.0.1", gearman_server.port)
    worker.registerFunction("broadcast")
    with connected(GearhornClient(queues=OwnQueues(fanout="broadcast")), gearman_server) as publisher:
        publisher.submitJob(gear.Job("news", b"hello"), background=True)
        assert json.loads(worker.getJob().arguments)["topic"] == "news"
    worker.shutdown()
    assert "broadcast" not in QUEUES
