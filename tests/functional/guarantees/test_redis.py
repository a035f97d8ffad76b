"""What a Redis costs that loses its data, is replaced, or is full."""

import time

from tests.functional.crash.ledger import Ledger
from tests.functional.crash.lists import subscribe_many
from tests.functional.guarantees.page import wait_for_quotes
from tests.functional.guarantees.words import AWAY, IMPATIENT, TORN, cannot_subscribe, is_refused
from tests.functional.matchmaking.crew import Crew
from tests.functional.trouble.scene import Scene
from tests.servers.commands import run_gearhorn
from tests.servers.gearhorn_worker import LEASE_TTL_S
from tests.servers.process import wait_until
from tests.servers.stores import Redis, Replica, Sentinel

LIST_COUNT = 20_000
BALLAST_BYTES = 20_000_000
# After so long a lease that nobody renews has run out.
RUN_OUT_S = LEASE_TTL_S + 0.5


def test_g11_redis_comes_back_without_its_data(crew: Crew, redis: Redis, scene: Scene) -> None:
    """G-11"""
    ann, ben = crew.hire(), crew.hire()
    for topic in ("news", "memos"):
        ann.subscribe(topic, "bob")
        ann.subscribe(topic, "eve")
    assert ann.count("news") == 2
    redis.restart()
    assert is_refused(ben, "news")  # the first that is read after the loss
    wait_until(lambda: is_refused(ann, "news"), "the end of the lease")  # until then it goes by what it has
    carl = crew.hire()
    assert is_refused(carl, "news")
    ann.subscribe("news", "bob")
    assert [worker.count("news") for worker in (ann, ben, carl)] == [1, 1, 1]
    assert is_refused(carl, "memos")
    wait_for_quotes("G-11", ann.worker, ben.worker, carl.worker)
    assert "topic 'news' had 2 subscribers before the store lost lists, and has 1 now" in ann.worker.log
    assert ann.worker.log.count("the store has lost its lists of subscribers") == 1
    shown = run_gearhorn(scene.folder, "topics", f"--store={crew.url}")
    assert "the store lost its lists at" in shown.stderr
    assert run_gearhorn(scene.folder, "topics", "forget-loss", f"--store={crew.url}").returncode == 0
    assert [worker.count("memos") for worker in (ann, ben, carl)] == [0, 0, 0]


def test_g12_redis_is_started_again_with_its_data(durable_crew: Crew, durable_redis: Redis) -> None:
    """G-12"""
    ann = durable_crew.hire()
    ann.subscribe("news", "bob")
    durable_redis.stop()
    subscription = ann.start_subscribing("news", "eve")
    assert ann.count("news") == 1
    durable_redis.start()
    ann.client.finish(subscription)
    assert ann.count("news") == 2
    assert ann.count("never") == 0
    wait_for_quotes("G-12", ann.worker)


def test_g13_sentinel_makes_a_replica_the_master(scene: Scene) -> None:
    """G-13"""
    master = scene.stack.enter_context(Redis(scene.folder / "master"))
    replica = scene.stack.enter_context(Replica(scene.folder / "replica", master))
    sentinel = scene.stack.enter_context(Sentinel(scene.folder / "sentinel", master))
    sentinel.wait_for_replica(replica)
    crew = Crew(scene, f"redis+sentinel://{sentinel.address}/mymaster")
    ann = crew.hire("[store]\ntimeout = 1\n")
    ann.subscribe("news", "bob")
    wait_until(lambda: replica.ask("SISMEMBER gearhorn:topic:news bob") == b":1\r\n", "the replica to have it")
    assert ann.count("news") == 1
    master.kill()
    assert ann.count("news") == 1
    ann.subscribe("news", "eve")
    assert ann.count("news") == 2
    assert b"role:master" in replica.ask("INFO replication")
    wait_for_quotes("G-13", ann.worker)


def test_g14_the_memory_of_redis_is_full(crew: Crew, redis: Redis) -> None:
    """G-14"""
    with redis.client() as client:
        client.set("ballast", "x" * BALLAST_BYTES)
    with redis.client() as client:  # what the one before took for itself is free again
        client.config_set("maxmemory", int(client.info("memory")["used_memory"] * 1.05))
    ann = crew.hire(IMPATIENT)
    ann.subscribe("news", "bob")
    redis.ask("CONFIG SET maxmemory 1")
    assert ann.count("news") == 1
    assert cannot_subscribe(ann, "news", "eve")
    time.sleep(RUN_OUT_S)
    assert ann.count("news") == 1
    assert ann.count("never") == 0
    redis.ask("CONFIG SET maxmemory 0")
    ann.subscribe("news", "eve")
    assert ann.count("news") == 2
    wait_for_quotes("G-14", ann.worker)


def test_g15_redis_throws_a_list_out(crew: Crew, redis: Redis) -> None:
    """G-15"""
    subscribe_many(Ledger(), crew.url, "news", LIST_COUNT)
    redis.ask("CONFIG SET maxmemory 100mb")
    redis.ask("CONFIG SET maxmemory-samples 64")  # of the few keys that there are it is to look at all
    redis.ask("CONFIG SET maxmemory-policy allkeys-lru")
    ann = crew.hire()
    ann.subscribe("memos", "bob")
    throw_out(redis, "gearhorn:topic:news")
    assert is_refused(ann, "news", TORN)
    assert ann.count("memos") == 1
    ann.subscribe("news", "00007")  # who is still among the queues, and not on the list
    assert ann.count("news") == 1
    wait_for_quotes("G-15", ann.worker)


def throw_out(redis: Redis, key: str) -> None:
    """Has Redis do it: the one key that nobody has used for seconds, which is large enough."""
    client = redis.client()
    try:
        while client.exists(key):
            time.sleep(2)  # its clock for this goes in steps of a second
            client.touch(*(name for name in client.scan_iter() if name != key))
            client.config_set("maxmemory", int(client.info("memory")["used_memory"]) - 50_000)
            client.config_set("maxmemory", "100mb")
        assert client.exists("gearhorn:queues", "gearhorn:versions", "gearhorn:topics") == 3
    finally:
        client.close()


def test_g16_redis_becomes_a_replica(crew: Crew, redis: Redis, scene: Scene) -> None:
    """G-16"""
    ann = crew.hire(IMPATIENT)
    ann.subscribe("news", "bob")
    other = scene.stack.enter_context(Replica(scene.folder / "other", redis))
    other.ask("REPLICAOF NO ONE")
    redis.ask(f"REPLICAOF 127.0.0.1 {other.port}")
    assert ann.count("news") == 1
    assert cannot_subscribe(ann, "news", "eve", AWAY)
    time.sleep(RUN_OUT_S)
    assert ann.count("news") == 1
    redis.ask("REPLICAOF NO ONE")
    ann.subscribe("news", "eve")
    assert ann.count("news") == 2
    wait_for_quotes("G-16", ann.worker)
