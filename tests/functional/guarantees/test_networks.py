"""What connections cost that break, or swallow what is sent."""

import time

from tests.functional.contract.clients import Client
from tests.functional.facts.raw import Kind
from tests.functional.guarantees.page import quotes, wait_for_quotes
from tests.functional.guarantees.words import AWAY, is_refused
from tests.functional.matchmaking.crew import HELD_UP_LIMIT_S, Crew
from tests.functional.trouble.scene import Scene, fanout, names, subscribe
from tests.servers.process import wait_until
from tests.servers.proxy import Proxy
from tests.servers.stores import Redis

MANY = names(3000)
HALF_WAY_BYTES = 200_001


def test_g23_the_connection_of_a_worker_to_its_server_breaks(scene: Scene) -> None:
    """G-23"""
    gearmand = scene.gearmand()
    proxy = scene.proxy(gearmand)
    worker = scene.worker(proxy.address)
    client = scene.client(gearmand)
    subscribe(client, "news", MANY)
    proxy.cut_after(HALF_WAY_BYTES)
    assert client.request("fanout", fanout("news", background=True)).count == len(MANY)
    assert scene.copies(gearmand, "news", MANY).keys() == set(MANY)
    wait_for_quotes("G-23", worker)


def test_g24_the_connection_of_a_worker_to_its_server_swallows_everything(crew: Crew, scene: Scene) -> None:
    """G-24"""
    proxy = scene.proxy(crew.server)
    settings = "[gearman]\nanswer_timeout = 1\n"
    ann = crew.hire()
    cut_off = scene.worker(proxy.address, store=crew.url, settings=settings)
    ann.subscribe("news", "bob")
    proxy.stall()
    ann.subscribe("news", "eve")
    assert ann.count("news") == 2
    wait_for_quotes("G-24", cut_off)
    proxy.cut()
    proxy.resume()
    wait_until(lambda: "(jobs) is back" in cut_off.log, "the worker to be there again")
    assert scene.client(crew.server).request("fanout", fanout("news", background=True)).count == 2


def test_g25_a_worker_cannot_reach_the_store(crew: Crew, scene: Scene, redis: Redis) -> None:
    """G-25"""
    ann = crew.hire()
    proxy = scene.stack.enter_context(Proxy(redis.port))
    crew.url = f"redis://{proxy.address}"
    ben = crew.hire("[store]\ntimeout = 1\nretry_timeout = 0.5\n")
    ben.subscribe("news", "bob")
    assert ben.count("news") == 1
    proxy.refuse()
    proxy.cut()
    assert ben.count("news") == 1
    ann.subscribe("news", "eve")
    assert ben.count("news") == 2  # it was told
    wait_until(lambda: is_refused(ben, "news", AWAY), "the end of the lease")
    proxy.listen()
    wait_until(lambda: not is_refused(ben, "news", AWAY), "the store to be back")
    wait_for_quotes("G-25", ben.worker)


def test_g26_two_workers_share_no_server(crew: Crew, scene: Scene) -> None:
    """G-26"""
    ann, ben = crew.hire(), crew.hire(servers=[scene.gearmand()])
    assert ben.count("news") == 0
    for number in range(3):
        started_s = time.monotonic()
        ann.subscribe("news", f"host{number}")
        assert time.monotonic() - started_s < HELD_UP_LIMIT_S
        assert ben.count("news") == number + 1
    wait_for_quotes("G-26", ann.worker, ben.worker)


def test_g27_a_publisher_loses_its_connection(scene: Scene) -> None:
    """G-27"""
    assert not quotes("G-27")
    gearmand = scene.gearmand()
    worker = scene.worker(gearmand.address)
    client = scene.client(gearmand)
    subscribe(client, "news", ["bob", "eve"])
    receiver = scene.receiver(gearmand, "news", ["bob"])
    leaver = Client(gearmand)
    leaver.start("fanout", fanout("news"))
    copy = receiver.take()
    worker.kill()
    leaver.start("fanout", fanout("news", background=True), Kind.SUBMIT_JOB_BG)
    leaver.start("fanout", fanout("news"))  # waits for a worker, and goes with its publisher
    leaver.close()
    receiver.report(copy, Kind.WORK_COMPLETE, b"")
    worker.start()
    wait_until(lambda: client.counts_of(b"fanout")[:2] == [0, 0], "the worker to have done what is left")
    assert scene.copies(gearmand, "news", ["bob", "eve"])["bob"] == 1


def test_g28_a_receiver_loses_its_connection(scene: Scene) -> None:
    """G-28"""
    assert not quotes("G-28")
    gearmand, geard = scene.gearmand(), scene.geard()
    for server in (gearmand, geard):
        scene.worker(server.address, store=f"sqlite:///{scene.folder}/{server.kind}.db")
        client = scene.client(server)
        subscribe(client, "news", ["bob"])
        waiting = client.start("fanout", fanout("news", timeout=1))
        assert client.request("fanout", fanout("news", background=True)).count == 1
        receiver = scene.receiver(server, "news", ["bob"])
        taken = [receiver.take(), receiver.take()]
        receiver.close()
        assert len(taken) == 2
        failures = client.finish(waiting).failures
        left = scene.copies(server, "news", ["bob"])
        if server is gearmand:
            assert (failures, left) == ({"bob": "timeout"}, {"bob": 2})
        else:
            assert (failures, left) == ({"bob": "failed"}, {})
        assert client.request("fanout", fanout("news", background=True)).count == 1
