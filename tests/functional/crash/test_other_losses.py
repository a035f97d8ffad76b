"""Large fanouts that are cut short in other ways than by the death of a worker on gearmand; every copy counted."""

import signal
import time
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from tests.functional.crash.fanouts import LIMIT_S, Fanouts
from tests.functional.crash.ledger import Ledger, Tally
from tests.functional.crash.lists import subscribe_many
from tests.functional.trouble.scene import Scene
from tests.servers.gearhorn_worker import GearhornWorker
from tests.servers.gearman import Gearmand, GearmanServer
from tests.servers.process import wait_until
from tests.servers.stores import Redis

SUBSCRIBER_COUNT = 20_000
DUPLICATES_PER_LOSS = 5_000

# How long the copies take, roughly: the moments are spread over this.
SPAN_S = 0.1
STALL_S = 0.1
PERSISTENT_SPAN_S = 2.0
GEARD_SPAN_S = 0.2
GEARD_SUBSCRIBER_COUNT = 20_000


def open_fanouts(scene: Scene, server: GearmanServer, ledger: Ledger) -> Fanouts:
    return scene.stack.enter_context(closing(Fanouts(server, ledger)))


def put_up_workers(
    scene: Scene,
    redis: Redis,
    ledger: Ledger,
    *addresses: str,
    settings: str = "",
    subscriber_count: int = SUBSCRIBER_COUNT,
) -> list[GearhornWorker]:
    """One for each address. Many are subscribed to the topic `news`."""
    store = f"redis://{redis.address}"
    subscribe_many(ledger, store, "news", subscriber_count)
    return [scene.worker(address, store=store, settings=settings) for address in addresses]


@pytest.mark.timeout(240)
def test_a_server_with_a_persistent_queue_is_killed_and_started_again(
    scene: Scene, redis: Redis, ledger: Ledger, chance: Random, memory_folder: Path
) -> None:
    options = ["--queue-type=libsqlite3", f"--libsqlite3-db={memory_folder}/queue.db"]
    gearmand = scene.stack.enter_context(Gearmand(scene.folder / "gearmand", extra=options))
    settings = "[gearman]\npersistent_queue = true\n"
    put_up_workers(scene, redis, ledger, gearmand.address, gearmand.address, settings=settings)
    fanouts = open_fanouts(scene, gearmand, ledger)
    for _ in range(6):
        fanouts.publish_and_leave("news")
        time.sleep(chance.uniform(0, PERSISTENT_SPAN_S))
        done_count = fanouts.backlog()
        fanouts.close()
        gearmand.kill()
        gearmand.start()
        fanouts.wait_until_all_done()
        tally = fanouts.count_copies()
        print(f"killed after {done_count} copies: {tally}")
        assert (tally.lost, tally.stray) == (0, 0)
        assert tally.duplicate <= DUPLICATES_PER_LOSS
    fanouts.close()


@pytest.mark.parametrize("is_killed", [False, True], ids=["in good order", "by SIGKILL"])
def test_redis_is_started_again_with_its_data(
    scene: Scene, redis: Redis, ledger: Ledger, chance: Random, is_killed: bool
) -> None:
    gearmand = scene.gearmand()
    put_up_workers(scene, redis, ledger, gearmand.address, gearmand.address)
    fanouts = open_fanouts(scene, gearmand, ledger)
    for _ in range(5):
        handle = fanouts.publish("news")
        time.sleep(chance.uniform(0, SPAN_S))
        done_count = fanouts.backlog()
        if is_killed:
            redis.kill()
            redis.start()
        else:
            redis.restart()
        assert fanouts.finish(handle).count == SUBSCRIBER_COUNT
        assert (tally := fanouts.count_copies()) == Tally(), f"after {done_count} copies: {tally}"


def test_redis_is_started_again_and_the_worker_killed_when_it_is_back(
    scene: Scene, redis: Redis, ledger: Ledger, chance: Random
) -> None:
    gearmand = scene.gearmand()
    workers = put_up_workers(scene, redis, ledger, gearmand.address, gearmand.address)
    fanouts = open_fanouts(scene, gearmand, ledger)
    for _ in range(4):
        workers.reverse()
        victim, heir = workers
        heir.signal(signal.SIGSTOP)
        handle = fanouts.publish("news")
        time.sleep(chance.uniform(0, SPAN_S))
        victim.signal(signal.SIGSTOP)
        redis.kill()
        redis.start()
        victim.signal(signal.SIGCONT)
        time.sleep(chance.uniform(0, SPAN_S))
        victim.kill()
        heir.signal(signal.SIGCONT)
        assert fanouts.finish(handle).count == SUBSCRIBER_COUNT
        victim.start()
        tally = fanouts.count_copies()
        print(tally)
        assert tally.lost == tally.stray == 0
        assert tally.duplicate <= DUPLICATES_PER_LOSS


@pytest.mark.parametrize(
    ("reset", "is_stalled"),
    [(True, False), (False, False), (True, True)],
    ids=["RST", "FIN", "with what is on its way"],
)
def test_the_connection_between_a_worker_and_its_server_is_cut(
    scene: Scene, redis: Redis, ledger: Ledger, chance: Random, reset: bool, is_stalled: bool
) -> None:
    gearmand = scene.gearmand()
    proxy = scene.proxy(gearmand)
    _, other = put_up_workers(scene, redis, ledger, proxy.address, gearmand.address)
    fanouts = open_fanouts(scene, gearmand, ledger)
    for _ in range(8):
        other.signal(signal.SIGSTOP)
        handle = fanouts.publish("news")
        time.sleep(chance.uniform(0, SPAN_S))
        done_count = fanouts.backlog()
        if is_stalled:
            proxy.stall()
            time.sleep(STALL_S)
        proxy.cut(reset=reset)
        proxy.resume()
        other.signal(signal.SIGCONT)
        assert fanouts.finish(handle).count == SUBSCRIBER_COUNT
        wait_until(lambda: proxy.connection_count >= 2, "the worker to come back", LIMIT_S)
        time.sleep(0.2)
        tally = fanouts.count_copies()
        print(f"cut after {done_count} copies: {tally}")
        assert (tally.lost, tally.stray) == (0, 0)
        assert tally.duplicate <= DUPLICATES_PER_LOSS


@pytest.mark.timeout(240)
def test_a_worker_is_killed_on_a_server_that_drops_its_jobs(
    scene: Scene, redis: Redis, ledger: Ledger, chance: Random
) -> None:
    """Another worker finds what it has left, which takes up to half a minute, and says so."""
    geard = scene.geard()
    addresses = [geard.address] * 2
    workers = put_up_workers(scene, redis, ledger, *addresses, subscriber_count=GEARD_SUBSCRIBER_COUNT)
    fanouts = open_fanouts(scene, geard, ledger)
    victim, heir = workers
    heir.signal(signal.SIGSTOP)
    fanouts.publish_and_leave("news")
    wait_until(lambda: fanouts.backlog() > 0, "the first copies", LIMIT_S)
    time.sleep(chance.uniform(0, GEARD_SPAN_S))
    victim.kill()
    done_count = fanouts.backlog()
    assert done_count < GEARD_SUBSCRIBER_COUNT, "the moment was too late"
    heir.signal(signal.SIGCONT)
    wait_until(lambda: "finished the fanout" in heir.log, "another worker to finish it", LIMIT_S)
    tally = fanouts.count_copies()
    print(f"killed after {done_count} copies: {tally}")
    assert (tally.lost, tally.stray) == (0, 0)
    assert tally.duplicate <= DUPLICATES_PER_LOSS
    assert "its worker is lost, and the Gearman server has dropped the job" in heir.log
