"""A Redis that forgets: workers remember what it does not know, and must not go by it."""

import pytest

from tests.functional.facts.raw import Kind
from tests.functional.matchmaking.crew import Crew, Member, wait_for_words
from tests.functional.trouble.scene import Scene, subscribe
from tests.servers.process import wait_until
from tests.servers.stores import Redis

HELD = "the store may have lost leases"


@pytest.fixture
def lasting_redis(scene: Scene) -> Redis:
    return scene.stack.enter_context(Redis(scene.folder / "lasting", "--appendonly", "yes", "--appendfsync", "always"))


def see_that_they_agree(crew: Crew, ann: Member, ben: Member) -> None:
    """A change after the loss is held, and then nobody goes by an older list."""
    before_count = len(crew.subscribers("news"))
    ann.subscribe("news", "eve")
    assert ben.count("news") == before_count + 1
    assert ann.count("news") == before_count + 1
    wait_for_words(ann.worker, HELD)
    ben.unsubscribe("news", "eve")
    assert ann.count("news") == before_count
    wait_until(lambda: crew.holders() == {ann.worker.worker_id, ben.worker.worker_id}, "both to hold leases again")
    ann.subscribe("news", "eve")
    assert ben.count("news") == before_count + 1


@pytest.mark.parametrize("command", ["FLUSHALL", "FLUSHDB"])
def test_nobody_serves_an_old_list_after_redis_was_emptied(crew: Crew, redis: Redis, command: str) -> None:
    ann, ben = crew.hire(), crew.hire()
    ann.subscribe("news", "bob")
    assert (ann.count("news"), ben.count("news")) == (1, 1)
    assert redis.ask(command).startswith(b"+OK")
    see_that_they_agree(crew, ann, ben)


def test_nobody_serves_an_old_list_after_redis_came_back_without_its_data(crew: Crew, redis: Redis) -> None:
    ann, ben = crew.hire(), crew.hire()
    ann.subscribe("news", "bob")
    assert (ann.count("news"), ben.count("news")) == (1, 1)
    redis.restart()
    see_that_they_agree(crew, ann, ben)


def test_nobody_serves_an_old_list_after_redis_came_back_with_its_data(scene: Scene, lasting_redis: Redis) -> None:
    crew = Crew(scene, f"redis://{lasting_redis.address}")
    ann, ben = crew.hire(), crew.hire()
    ann.subscribe("news", "bob")
    assert (ann.count("news"), ben.count("news")) == (1, 1)
    lasting_redis.restart()
    assert crew.subscribers("news") == {"bob"}
    see_that_they_agree(crew, ann, ben)


def test_workers_come_back_to_the_list_that_redis_forgot(crew: Crew, redis: Redis) -> None:
    ann, ben = crew.hire(), crew.hire()
    redis.ask("FLUSHALL")
    ids = {ann.worker.worker_id, ben.worker.worker_id}
    wait_until(lambda: crew.subscribers("__matchmaking") == ids, "both to be on the list again")


def test_a_list_that_was_full_and_is_lost_takes_whoever_comes(scene: Scene, redis: Redis) -> None:
    gearmand = scene.gearmand()
    settings = "[worker]\nsubscribers_limit = 1\n[matchmaking]\nenabled = false\n"
    scene.worker(gearmand.address, store=f"redis://{redis.address}", settings=settings)
    client = scene.client(gearmand)
    subscribe(client, "news", ["bob"])
    eve = {"topic": "news", "client_id": "eve"}
    assert client.request("subscribe_fanout", eve).kind == Kind.WORK_EXCEPTION
    redis.ask("DEL gearhorn:topic:news")
    assert client.request("subscribe_fanout", eve).kind == Kind.WORK_COMPLETE
