"""The helpers on gear with the service itself: subscribe, publish, receive, and what is refused."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import gear
import pytest

from gearhorn.client import GearhornClient, GearhornSubscriber
from gearhorn.errors import BadRequest
from tests.servers.gearhorn_worker import GearhornWorker
from tests.servers.gearman import GearmanServer
from tests.servers.process import wait_until


@pytest.fixture(autouse=True)
def running_service(gearman_server: GearmanServer, tmp_path: Path) -> Iterator[GearhornWorker]:
    with GearhornWorker([gearman_server.address], "memory://", tmp_path / "service") as worker:
        yield worker


def published(publisher: GearhornClient, job: gear.Job, **options: object) -> gear.Job:
    publisher.submitJob(job, **options)
    wait_until(lambda: job.complete, "the end of the fanout")
    return job


def test_a_subscriber_receives_what_is_published_until_it_unsubscribes(
    publisher: GearhornClient, subscriber: GearhornSubscriber
) -> None:
    payload = bytes(range(256))
    subscriber.subscribe("news")
    job = gear.Job("news", payload, unique="k")
    publisher.submitJob(job)
    copy = subscriber.getJob()
    assert (copy.name, copy.arguments, copy.unique) == ("news_bob", payload, b"k")
    copy.sendWorkComplete()
    wait_until(lambda: job.complete, "the end of the fanout")
    assert (job.failure, job.data) == (False, [b"1"])
    subscriber.unsubscribe("news")
    assert published(publisher, gear.Job("news", b"nobody is left")).data == [b"0"]


def test_a_receiver_that_fails_is_named_in_the_exception(
    publisher: GearhornClient, subscriber: GearhornSubscriber
) -> None:
    subscriber.subscribe("news")
    receiving = threading.Thread(target=lambda: subscriber.getJob().sendWorkFail())
    receiving.start()
    job = published(publisher, gear.Job("news", b"hello"), results=True)
    receiving.join()
    assert job.failure
    ((client_id, reason),) = json.loads(job.exception)
    assert client_id == "bob"
    assert reason.startswith("failed")


def test_a_receiver_that_does_not_answer_is_waited_for_as_long_as_told(
    publisher: GearhornClient, subscriber: GearhornSubscriber
) -> None:
    subscriber.subscribe("news")
    job = published(publisher, gear.Job("news", b"hello"), receiver_timeout=0.1)
    ((client_id, reason),) = json.loads(job.exception)
    assert (client_id, reason.startswith("timeout")) == ("bob", True)


def test_who_is_excluded_gets_no_copy_and_an_expired_job_sends_none(
    publisher: GearhornClient, subscriber: GearhornSubscriber
) -> None:
    subscriber.subscribe("news")
    assert published(publisher, gear.Job("news", b"hello"), exclude=["bob"]).data == [b"0"]
    assert published(publisher, gear.Job("news", b"hello"), expires=1).data == [b"0"]


def test_a_queue_that_another_pair_has_is_refused_in_the_words_of_the_service(
    gearman_server: GearmanServer,
) -> None:
    first, second = GearhornSubscriber("b_c"), GearhornSubscriber("c")
    for subscriber in (first, second):
        subscriber.addServer("127.0.0.1", gearman_server.port)
        subscriber.waitForServer(20)
    first.subscribe("a")
    with pytest.raises(BadRequest, match="is that of a subscriber of topic 'a'") as refused:
        second.subscribe("a_b")
    assert refused.value.key == "client_id"
    assert second.worker.functions == {}
    first.shutdown()
    second.shutdown()
