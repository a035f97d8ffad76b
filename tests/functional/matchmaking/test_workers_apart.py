"""Workers that cannot reach each other, or their store, for a while or for good."""

import time

from tests.functional.facts.raw import Kind
from tests.functional.matchmaking.crew import HELD_UP_LIMIT_S, NO_ANSWER, Crew, wait_for_words
from tests.functional.trouble.scene import Scene, fanout
from tests.servers.gearhorn_worker import LEASE_TTL_S
from tests.servers.process import wait_until
from tests.servers.proxy import Proxy
from tests.servers.stores import Redis

CHANGE_COUNT = 12


def test_workers_that_share_one_server_of_several_are_told_over_that_one(scene: Scene, crew: Crew) -> None:
    ann = crew.hire(servers=[scene.gearmand(), crew.server])
    ben = crew.hire(servers=[scene.gearmand(), crew.server])
    assert (ann.count("news"), ben.count("news")) == (0, 0)
    for number in range(10):
        ann.subscribe("news", f"host{number}")
        assert ben.count("news") == 2 * number + 1
        ben.subscribe("news", f"more{number}")
        assert ann.count("news") == 2 * number + 2
    assert NO_ANSWER not in ann.worker.log + ben.worker.log


def test_workers_that_share_no_server_see_each_others_changes_and_wait_for_few_of_them(
    scene: Scene, crew: Crew
) -> None:
    ann, ben = crew.hire(), crew.hire(servers=[scene.gearmand()])
    assert ben.count("news") == 0
    started_s = time.monotonic()
    ann.subscribe("news", "host0")
    assert time.monotonic() - started_s < HELD_UP_LIMIT_S
    for number in range(1, CHANGE_COUNT):
        ann.subscribe("news", f"host{number}")
        assert ben.count("news") == number + 1
    assert ann.worker.log.count(NO_ANSWER) < CHANGE_COUNT / 2


def test_a_worker_that_is_cut_off_from_its_server_serves_no_old_list(scene: Scene, crew: Crew) -> None:
    """It may go on with other servers, on which nobody can tell it of changes."""
    proxy, own = scene.proxy(crew.server), scene.gearmand()
    ann, ben = crew.hire(), crew.hire(servers=[own, proxy])
    assert ben.count("news") == 0
    proxy.stall()
    ann.subscribe("news", "bob")
    assert ben.count("news") == 1
    proxy.resume()
    wait_until(lambda: ben.worker.worker_id in crew.holders(), "the worker to hold a lease again")
    ann.subscribe("news", "eve")
    assert ben.count("news") == 2


def test_a_worker_that_is_cut_off_from_the_store_gives_its_memory_up_with_its_lease(
    scene: Scene, crew: Crew, redis: Redis
) -> None:
    proxy = scene.stack.enter_context(Proxy(redis.port))
    ann = crew.hire()
    crew.url = f"redis://{proxy.address}"
    ben = crew.hire("[store]\ntimeout = 1\n")
    assert ben.count("news") == 0
    proxy.refuse()
    proxy.cut()
    assert ben.count("news") == 0  # from memory
    ann.subscribe("news", "bob")  # ben hears of it as ever
    assert ben.count("news") == 1
    assert NO_ANSWER not in ann.worker.log
    time.sleep(LEASE_TTL_S)
    (waiting,) = ben.start_fanouts("news")
    wait_until(lambda: "the store is away" in ben.worker.log, "the fanout to wait for the store")
    ann.subscribe("news", "eve")
    proxy.listen()
    assert ben.client.finish(waiting).count == 2


def test_a_change_that_another_worker_took_over_does_not_come_back_later(
    scene: Scene, crew: Crew, redis: Redis
) -> None:
    """The first worker had it, but no store; then it lost its server, too, and the job went to the other one."""
    to_server = scene.proxy(crew.server)
    to_store = scene.stack.enter_context(Proxy(redis.port))
    settings = "[store]\ntimeout = 1\n"
    cut_off = scene.worker(to_server.address, store=f"redis://{to_store.address}", settings=settings)
    to_store.refuse()
    to_store.cut()
    client, bob = scene.client(crew.server), {"topic": "news", "client_id": "bob"}
    subscription = client.start("subscribe_fanout", bob)
    wait_for_words(cut_off, "the store is away")
    scene.worker(crew.server.address, store=crew.url)
    to_server.refuse()
    to_server.cut()
    assert client.finish(subscription).kind == Kind.WORK_COMPLETE
    assert client.request("unsubscribe_fanout", bob).kind == Kind.WORK_COMPLETE
    to_store.listen()
    wait_for_words(cut_off, "the store is back")
    to_server.listen()
    wait_for_words(cut_off, "is back\n")
    assert crew.subscribers("news") == set()
    assert client.request("fanout", fanout("news", background=True)).count == 0
