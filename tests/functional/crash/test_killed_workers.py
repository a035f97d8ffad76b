"""SIGKILL of workers at random moments of large fanouts, over and over; every copy counted on its queue."""

import os
from contextlib import closing
from random import Random

import pytest

from tests.functional.crash.fanouts import Fanouts
from tests.functional.crash.kills import Executioner
from tests.functional.crash.ledger import Ledger
from tests.functional.crash.lists import subscribe_many
from tests.functional.trouble.scene import Scene
from tests.servers.stores import Redis

SUBSCRIBER_COUNT = 20_000
KILL_COUNT = int(os.environ.get("GEARHORN_CHAOS_KILLS", "50"))
DUPLICATES_PER_KILL = 5_000


@pytest.mark.timeout(120 + 10 * KILL_COUNT)
def test_no_copy_is_lost_and_few_are_sent_twice_when_workers_are_killed(
    scene: Scene, redis: Redis, ledger: Ledger, chance: Random
) -> None:
    store = f"redis://{redis.address}"
    subscribe_many(ledger, store, "news", SUBSCRIBER_COUNT)
    gearmand = scene.gearmand()
    workers = [scene.worker(gearmand.address, store=store) for _ in range(2)]
    fanouts = scene.stack.enter_context(closing(Fanouts(gearmand, ledger)))
    executioner = Executioner(fanouts, workers, chance)
    executioner.measure("news")
    kill_count, hits = 0, 0
    while hits < KILL_COUNT:
        loss = executioner.kill_both("news") if chance.random() < 0.1 else executioner.kill_one("news")
        kill_count += loss.kill_count
        hits += 0 if loss.was_over else loss.kill_count
        print(loss)
        assert loss.answer == b"%d" % SUBSCRIBER_COUNT
        assert (loss.tally.lost, loss.tally.stray) == (0, 0)
        assert loss.tally.duplicate <= DUPLICATES_PER_KILL * loss.kill_count
    print(f"{kill_count} kills, {hits} of them before the end: {ledger.tally()}")
