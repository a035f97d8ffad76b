"""Stores that go away while the service works."""

from pathlib import Path

import pytest

from tests.functional.facts.raw import Kind
from tests.functional.trouble.scene import Scene, fanout, subscribe
from tests.servers.process import wait_until
from tests.servers.stores import Memcached, Redis


@pytest.fixture
def redis(scene: Scene, tmp_path: Path) -> Redis:
    return scene.stack.enter_context(Redis(tmp_path / "redis", "--appendonly", "yes", "--appendfsync", "always"))


def test_redis_started_again_between_two_fanouts_goes_unnoticed(scene: Scene, redis: Redis) -> None:
    gearmand = scene.gearmand()
    scene.worker(gearmand.address, store=f"redis://{redis.address}")
    client = scene.client(gearmand)
    subscribe(client, "news", ["bob"])
    assert client.request("fanout", fanout("news", background=True)).count == 1
    redis.restart()
    assert client.request("fanout", fanout("news", background=True)).count == 1
    assert scene.copies(gearmand, "news", ["bob"]) == {"bob": 2}


def test_jobs_wait_for_a_redis_that_is_away_and_trouble_is_said_once(scene: Scene, redis: Redis) -> None:
    gearmand = scene.gearmand()
    worker = scene.worker(gearmand.address, store=f"redis://{redis.address}")
    client = scene.client(gearmand)
    subscribe(client, "news", ["bob"])
    redis.stop()
    handles = client.start_many(
        [
            ("fanout", fanout("news", background=True)),
            ("subscribe_fanout", {"topic": "news", "client_id": "ann"}),
            ("fanout", {"topic": "news"}),
        ]
    )
    published, subscribed, refused = handles
    assert client.finish(refused).data == b"payload: is missing"  # what needs no store does not wait for it
    wait_until(lambda: "the store is away" in worker.log, "the worker to notice")
    assert not client.has_ended(published)
    redis.start()
    assert client.finish(published).count in (1, 2)  # the order of the two jobs is open
    assert client.finish(subscribed).kind == Kind.WORK_COMPLETE
    assert client.request("fanout", fanout("news", background=True)).count == 2
    assert worker.log.count("the store is away") == worker.log.count("the store is back") == 1


def test_a_store_that_stays_away_ends_jobs_in_an_exception_and_not_the_worker(scene: Scene, tmp_path: Path) -> None:
    gearmand = scene.gearmand()
    memcached = scene.stack.enter_context(Memcached(tmp_path / "memcached"))
    settings = "[store]\nretry_timeout = 0.2\n"
    scene.worker(gearmand.address, store=f"memcached://{memcached.address}", settings=settings)
    client = scene.client(gearmand)
    memcached.stop()
    for queue, body in (("fanout", fanout("news")), ("subscribe_fanout", {"topic": "news", "client_id": "bob"})):
        kind, text, _ = client.request(queue, body)
        assert kind == Kind.WORK_EXCEPTION
        assert text.startswith(b"the store cannot be reached: ")
        assert b"\n" not in text
    memcached.start()
    subscribe(client, "news", ["bob"])
    assert client.request("fanout", fanout("news", background=True)).count == 1


def test_a_change_that_waits_for_its_store_holds_up_no_fanout_whose_list_is_in_memory(
    scene: Scene, redis: Redis
) -> None:
    gearmand = scene.gearmand()
    settings = "[worker]\njobs_in_flight = 1\ndrain_timeout = 0\n[matchmaking]\nlease_ttl = 60\n"
    scene.worker(gearmand.address, store=f"redis://{redis.address}", settings=settings)
    client = scene.client(gearmand)
    subscribe(client, "news", ["bob"])
    assert client.request("fanout", fanout("news", background=True)).count == 1
    redis.stop()
    [waiting] = client.start_many([("subscribe_fanout", {"topic": "news", "client_id": "ann"})])
    for _ in range(3):
        assert client.request("fanout", fanout("news", background=True)).count == 1
    assert not client.has_ended(waiting)
