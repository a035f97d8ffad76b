"""Subscribing with gear: the order of things, what a refusal looks like, and servers that come and go."""

import signal
import threading
from pathlib import Path

import gear
import pytest

from gearhorn.client import GearhornSubscriber
from gearhorn.errors import BadRequest, ServerUnavailable, Unavailable
from tests.functional.client.stand_in import StandIn, complete, put, refuse, stand_in, worker_count
from tests.servers.gearman import Geard, Gearmand, GearmanServer
from tests.servers.process import wait_until


def receive(subscriber: GearhornSubscriber) -> bytes:
    job = subscriber.getJob()
    job.sendWorkComplete()
    return job.arguments


def test_a_subscription_is_asked_for_and_its_copies_are_received(
    gearman_server: GearmanServer, service: StandIn, subscriber: GearhornSubscriber
) -> None:
    subscriber.subscribe("news")
    assert service.asked == [("subscribe_fanout", {"topic": "news", "client_id": "bob"})]
    put(gearman_server, "news_bob", b"hello")
    assert receive(subscriber) == b"hello"


def test_subscribe_returns_when_it_is_confirmed_and_not_before(
    service: StandIn, subscriber: GearhornSubscriber
) -> None:
    confirmed = threading.Event()

    def confirm(job: gear.WorkerJob) -> None:
        confirmed.wait(0.3)  # time for a subscribe that does not wait to return
        confirmed.set()
        complete(job)

    service.answer = confirm
    subscriber.subscribe("news")
    assert confirmed.is_set()


def test_the_queue_is_served_from_the_confirmation_on_until_the_subscription_has_ended(
    gearman_server: GearmanServer, service: StandIn, subscriber: GearhornSubscriber
) -> None:
    served = []

    def look(job: gear.WorkerJob) -> None:
        served.append((job.name, worker_count(gearman_server, "news_bob")))
        complete(job)

    service.answer = look
    subscriber.subscribe("news")
    subscriber.unsubscribe("news")
    assert served == [("subscribe_fanout", 0), ("unsubscribe_fanout", 1)]
    wait_until(lambda: worker_count(gearman_server, "news_bob") == 0, "the end of serving")


def test_a_ttl_is_passed_on_and_renewed_without_a_second_registration(
    gearman_server: GearmanServer, service: StandIn, subscriber: GearhornSubscriber
) -> None:
    for ttl in (60, 90):
        subscriber.subscribe("news", ttl=ttl)
    assert [body["ttl"] for body in service.bodies] == [60, 90]
    assert worker_count(gearman_server, "news_bob") == 1  # gearmand counts a worker that says it twice as two


@pytest.mark.parametrize("key", ["topic", "client_id", "ttl"])
def test_a_refusal_has_the_words_of_the_service_and_the_queue_is_not_served(
    gearman_server: GearmanServer, service: StandIn, subscriber: GearhornSubscriber, key: str
) -> None:
    service.answer = refuse(f"{key}: the queue a_b_c is that of another: a")
    with pytest.raises(BadRequest) as refused:
        subscriber.subscribe("news")
    assert (refused.value.key, refused.value.reason) == (key, "the queue a_b_c is that of another: a")
    assert worker_count(gearman_server, "news_bob") == 0


def test_a_refused_renewal_leaves_the_subscription_served(
    gearman_server: GearmanServer, service: StandIn, subscriber: GearhornSubscriber
) -> None:
    subscriber.subscribe("news")
    service.answer = refuse("ttl: is too long")
    with pytest.raises(BadRequest):
        subscriber.subscribe("news", ttl=5)
    put(gearman_server, "news_bob", b"hello")
    assert receive(subscriber) == b"hello"


def test_trouble_of_the_service_is_no_refusal_and_the_queue_stays_served(
    gearman_server: GearmanServer, service: StandIn, subscriber: GearhornSubscriber
) -> None:
    service.answer = refuse("the store cannot be reached: connection refused")
    with pytest.raises(Unavailable, match=r"^the store cannot be reached: connection refused$"):
        subscriber.subscribe("news")
    put(gearman_server, "news_bob", b"hello")
    assert receive(subscriber) == b"hello"


def test_a_failure_without_words_is_no_success(service: StandIn, subscriber: GearhornSubscriber) -> None:
    service.answer = lambda job: job.sendWorkFail()
    with pytest.raises(Unavailable, match="did not say why"):
        subscriber.subscribe("news")
    with pytest.raises(Unavailable, match="did not say why"):
        subscriber.unsubscribe("news")


@pytest.mark.parametrize(
    ("client_id", "topic"), [("bob", ""), ("bob", "a\nb"), ("b\tob", "news"), ("fanout", "subscribe")]
)
def test_a_bad_name_is_refused_before_anything_is_said_to_anybody(
    gearman_server: GearmanServer, service: StandIn, client_id: str, topic: str
) -> None:
    subscriber = GearhornSubscriber(client_id)
    subscriber.addServer("127.0.0.1", gearman_server.port)
    subscriber.waitForServer(20)
    for change in (subscriber.subscribe, subscriber.unsubscribe):
        with pytest.raises(BadRequest):
            change(topic)
    assert subscriber.worker.functions == {}
    assert service.asked == []
    subscriber.shutdown()


def test_to_unsubscribe_what_was_not_subscribed_succeeds_and_costs_no_connection(
    service: StandIn, subscriber: GearhornSubscriber
) -> None:
    (before,) = subscriber.worker.active_connections
    connected_at = before.connect_time
    subscriber.unsubscribe("news")
    subscriber.subscribe("news")
    assert [queue for queue, _ in service.asked] == ["unsubscribe_fanout", "subscribe_fanout"]
    # geard closes the connection of a worker that takes back what it never offered
    assert subscriber.worker.active_connections == [before]
    assert before.connect_time == connected_at


def test_a_result_that_gearmand_does_not_want_any_more_costs_no_connection(gearmand: Gearmand) -> None:
    subscriber = GearhornSubscriber("bob")
    subscriber.addServer("127.0.0.1", gearmand.port)
    with stand_in(gearmand):
        subscriber.subscribe("news")
        subscriber.subscribe("weather")
        (connection,) = subscriber.worker.active_connections
        connected_at = connection.connect_time
        put(gearmand, "news_bob", b"one")
        job = subscriber.getJob()
        subscriber.unsubscribe("news")
        job.sendWorkComplete()  # answered with ERROR: the job was taken back
        put(gearmand, "weather_bob", b"two")
        assert receive(subscriber) == b"two"
        assert connection.connect_time == connected_at
    subscriber.shutdown()


def test_no_answer_in_time_is_an_error_and_the_request_is_taken_back(
    gearman_server: GearmanServer, subscriber: GearhornSubscriber
) -> None:
    with pytest.raises(Unavailable, match=r"no answer within 0\.2 s"):
        subscriber.subscribe("news", timeout=0.2)
    subscriber.client.waitForServer(20)
    with stand_in(gearman_server) as service:
        subscriber.subscribe("weather")
        subscriber.unsubscribe("weather")
    assert [body["topic"] for body in service.bodies] == ["weather", "weather"]


def test_without_any_server_the_time_limit_holds(subscriber: GearhornSubscriber, gearman_server: GearmanServer) -> None:
    gearman_server.stop()
    wait_until(lambda: not subscriber.client.active_connections, "the loss of the connection")
    with pytest.raises(ServerUnavailable, match="no Gearman server is connected"):
        subscriber.subscribe("news", timeout=0.2)


def test_a_server_that_is_lost_in_the_middle_is_asked_again_when_it_is_back(
    gearman_server: GearmanServer, service: StandIn, subscriber: GearhornSubscriber
) -> None:
    def crash(job: gear.WorkerJob) -> None:
        service.answer = complete
        gearman_server.kill()
        gearman_server.start()

    service.answer = crash
    subscriber.subscribe("news", timeout=60)
    assert len(service.asked) == 2
    put(gearman_server, "news_bob", b"hello")
    assert receive(subscriber) == b"hello"


def test_with_one_server_away_the_other_is_asked_and_both_are_served_in_the_end(tmp_path: Path) -> None:
    with Gearmand(tmp_path / "a") as here, Geard(tmp_path / "b") as away, stand_in(here) as service:
        away.stop()
        subscriber = GearhornSubscriber("bob")
        for server in (here, away):
            subscriber.addServer("127.0.0.1", server.port)
        subscriber.waitForServer(20)
        subscriber.subscribe("news")
        assert len(service.asked) == 1
        away.start()
        put(away, "news_bob", b"from afar")
        assert receive(subscriber) == b"from afar"
        put(here, "news_bob", b"from here")
        assert receive(subscriber) == b"from here"
        subscriber.shutdown()


def test_with_a_server_that_hangs_the_other_is_asked_within_the_time_limit(tmp_path: Path) -> None:
    with Gearmand(tmp_path / "a") as sound, Gearmand(tmp_path / "b") as hung, stand_in(sound) as service:
        subscriber = GearhornSubscriber("bob")
        for server in (sound, hung):
            subscriber.addServer("127.0.0.1", server.port)
        wait_until(lambda: len(subscriber.client.active_connections) == 2, "both connections")
        hung.signal(signal.SIGSTOP)
        for topic in ("news", "weather"):  # gear takes turns: one of them is tried on each server
            subscriber.subscribe(topic, timeout=2)
        assert sorted(body["topic"] for body in service.bodies) == ["news", "weather"]
        hung.signal(signal.SIGCONT)
        subscriber.shutdown()


def test_waiting_for_a_server_has_a_time_limit() -> None:
    subscriber = GearhornSubscriber("bob")
    with pytest.raises(gear.TimeoutError):
        subscriber.waitForServer(0.1)
    subscriber.shutdown()


def test_shutdown_ends_the_waiting_for_copies_and_for_answers(
    gearman_server: GearmanServer, subscriber: GearhornSubscriber
) -> None:
    ended: list[type[Exception]] = []

    def note(call: object, *arguments: object) -> None:
        try:
            call(*arguments)  # type: ignore[operator]
        except (gear.InterruptedError, ServerUnavailable) as error:
            ended.append(type(error))

    threads = [
        threading.Thread(target=note, args=(subscriber.getJob,)),
        threading.Thread(target=note, args=(subscriber.subscribe, "news")),
    ]
    for thread in threads:
        thread.start()
    wait_until(lambda: subscriber.client.active_connections[0].related_jobs, "the request")
    wait_until(lambda: subscriber.worker.waiting_for_jobs, "the waiting")
    subscriber.shutdown()
    for thread in threads:
        thread.join(20)
    assert set(ended) == {gear.InterruptedError, ServerUnavailable}
