"""Everything fails at once, again and again, while many use the service; and not a copy is lost.

GEARHORN_CHAOS_SECONDS makes it last longer, GEARHORN_CHAOS_SEED repeats its troubles:

    GEARHORN_CHAOS_SECONDS=900 make test TESTS=functional ARGS='-s tests/functional/crash/test_soak.py'
"""

import os
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random

import pytest

from tests.functional.crash.fanouts import LIMIT_S, Fanouts
from tests.functional.crash.ledger import Ledger
from tests.functional.crash.lists import subscribe_many
from tests.functional.crash.townsfolk import (
    JOBS_AT_ONCE,
    Answerers,
    Caller,
    Drainer,
    Folk,
    GuestBook,
    Guests,
    LargePublisher,
    SmallPublisher,
    Town,
)
from tests.functional.matchmaking.history import History
from tests.functional.matchmaking.receivers import Roster
from tests.functional.matchmaking.troubles import (
    END_LIMIT_S,
    GearmanVictim,
    Making,
    ProxyVictim,
    StoreVictim,
    Victim,
    WorkerVictim,
)
from tests.functional.trouble.scene import Scene
from tests.servers.gearman import Gearmand
from tests.servers.proxy import Proxy
from tests.servers.stores import Redis

SECONDS = float(os.environ.get("GEARHORN_CHAOS_SECONDS", "0")) or 60.0
MARGIN_S = 240.0

LARGE_COUNT, SMALL_COUNT, RECEIVER_COUNT = 8_000, 20, 5
GUESTS_PER_S = 3
# For each large fanout under way, of which there may be one more than JOBS_AT_ONCE. Most troubles cost much less.
DUPLICATES_PER_TROUBLE = 5_000 * (JOBS_AT_ONCE + 1)

SETTINGS = """
[gearman]
persistent_queue = true
[matchmaking]
ack_timeout = 0.5
[store]
timeout = 1.5
"""


class QuietGearmanVictim(GearmanVictim):
    """Not while somebody empties queues: what was taken, and not completed, would come again."""

    def __init__(self, town: Town, seed: int, history: History) -> None:
        super().__init__(town.server, seed, history, 0)
        self._town = town

    def down(self, lasts_s: float) -> None:
        with self._town.quiet:
            super().down(lasts_s)


class ShortProxyVictim(ProxyVictim):
    """For so short that a worker which is started meanwhile is up in time."""

    longest_s = 5.0


class RestartVictim(StoreVictim):
    """Redis is started again, or stands still for a moment."""

    def troubles(self) -> list[Making]:
        return [self.down, self.paused]


@pytest.mark.timeout(SECONDS + MARGIN_S)
def test_nothing_is_lost_while_everything_fails(
    scene: Scene, redis: Redis, ledger: Ledger, chance: Random, memory_folder: Path
) -> None:
    seed, history, store = chance.getrandbits(32), History(), f"redis://{redis.address}"
    options = ["--queue-type=libsqlite3", f"--libsqlite3-db={memory_folder}/queue.db"]
    gearmand = scene.stack.enter_context(Gearmand(scene.folder / "gearmand", extra=options))
    for topic, count in (("large", LARGE_COUNT), ("small", SMALL_COUNT), ("calls", RECEIVER_COUNT)):
        subscribe_many(ledger, store, topic, count)
    guests = Guests("small", [f"guest{number}" for number in range(round(SECONDS * GUESTS_PER_S))])
    ledger.enlist("small", guests.states)
    town, roster = Town(gearmand, ledger, seed), Roster()
    for number in range(RECEIVER_COUNT):
        roster.add("calls", f"{number:05}")

    to_server, to_store = scene.proxy(gearmand), scene.stack.enter_context(Proxy(redis.port))
    workers = [
        scene.worker(gearmand.address, store=store, settings=SETTINGS),
        scene.worker(to_server.address, store=f"redis://{to_store.address}", settings=SETTINGS),
        scene.worker(gearmand.address, store=store, settings=SETTINGS),
    ]
    answerers = Answerers(town, roster)
    caller = Caller(town, "caller", 0.05, "calls", RECEIVER_COUNT)
    drainer = Drainer(town, "drainer", 1.0, lambda: ledger.queues("large", "small"))
    folk: list[Folk] = [
        LargePublisher(town, "large", 1.5),
        *(SmallPublisher(town, f"small {number}", 0.05, guests) for number in range(2)),
        GuestBook(town, "guests", 0.5 / GUESTS_PER_S, guests),
        caller,
    ]
    victims: list[Victim] = [
        *(WorkerVictim(worker, None, seed, history, f"worker {number}") for number, worker in enumerate(workers)),
        QuietGearmanVictim(town, seed, history),
        RestartVictim(redis, seed, history, keeps_data=True),
        ShortProxyVictim("worker 1 to the server", to_server, seed, history),
        ShortProxyVictim("worker 1 to the store", to_store, seed, history),
    ]
    threads: Sequence[threading.Thread] = [answerers, drainer, *folk, *victims]
    for thread in threads:
        thread.start()
    time.sleep(SECONDS)
    for group in (victims, folk, [drainer]):
        for one in group:
            one.stop()
        for one in group:
            one.join(2 * END_LIMIT_S)
            assert not one.is_alive(), f"{one.name} does not end"
    fanouts = Fanouts(gearmand, ledger)
    fanouts.wait_until_all_done(2 * LIMIT_S)
    drainer.act()
    answerers.stop()
    fanouts.close()

    trouble_count = len(history.troubles) // 2
    tally = ledger.tally()
    print(f"{len(ledger.messages)} messages, {town.answer_count} answers, {trouble_count} troubles: {tally}")
    print(f"{caller.failed_count} calls failed; guests left in between: {[*guests.states.values()].count(None)}")
    surprises = [*town.surprises, *history.surprises]
    assert not surprises, "\n".join(surprises)
    if tally.lost or tally.stray:
        pytest.fail(describe_losses(ledger))
    assert tally.duplicate <= DUPLICATES_PER_TROUBLE * trouble_count


def describe_losses(ledger: Ledger) -> str:
    bad = {number: message for number, message in ledger.messages.items() if message.tally()[::2] != (0, 0)}
    return "\n".join(f"message {number} to {message.topic}: {message.tally()}" for number, message in bad.items())
