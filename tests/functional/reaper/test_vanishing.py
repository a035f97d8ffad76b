"""A tenth of ten thousand subscribers vanishes, on real servers: every copy of the others is counted."""

import re
from typing import Any, NamedTuple

import pytest

from tests.functional.contract.clients import Client
from tests.functional.reaper.crowd import Crowd
from tests.functional.reaper.looks import LIMIT_S, resident_bytes, settings, subscribers_of, waiting_on
from tests.functional.trouble.scene import Scene, names, subscribe
from tests.servers.gearman import GearmanServer
from tests.servers.process import wait_until

GONE_COUNT = 1000
CROWD_COUNT = 3
SUBSCRIBED_AT_ONCE = 2000


class Load(NamedTuple):
    """What is published before the vanished are dropped. geard serves ten times slower behind a long backlog."""

    fanout_count: int
    payload_bytes: int


LOADS = {"gearmand": Load(6, 5000), "geard": Load(1, 5000)}


def publish(client: Client, topic: str, load: Load, count: int) -> None:
    body: dict[str, Any] = {"topic": topic, "payload": "x" * load.payload_bytes, "background": True}
    for _ in range(load.fanout_count):
        assert client.request("fanout", body).count == count


def join(client: Client, topic: str, client_ids: list[str]) -> None:
    for at in range(0, len(client_ids), SUBSCRIBED_AT_ONCE):
        subscribe(client, topic, client_ids[at : at + SUBSCRIBED_AT_ONCE])


def told_count(log: str) -> int:
    """How many were reported suspect: a look in the middle of a fanout finds some of them, the next one the rest."""
    summed_up = sum(int(count) for count in re.findall(r"(\d+) subscribers are suspect", log))
    return summed_up + len(re.findall(r"subscriber client_id='\w+' topic='news' is suspect", log))


def dropped(log: str) -> dict[str, int]:
    """How many copies were taken off whose queue, by the lines of the log."""
    told = re.findall(r"dropped subscriber client_id='(\w+)' topic='news': took (\d+) copies", log)
    return {client_id: int(count) for client_id, count in told}


def wait_until_dropped(server: GearmanServer, url: str, topic: str, rest: set[str]) -> None:
    wait_until(lambda: subscribers_of(url, topic) == rest, "the dead to be off the list", LIMIT_S)
    wait_until(lambda: not waiting_on(server, f"{topic}_"), "their queues to be empty", LIMIT_S)


@pytest.mark.parametrize("kind", LOADS)
def test_a_thousand_of_ten_thousand_are_dropped_and_the_others_miss_nothing(scene: Scene, kind: str) -> None:
    load = LOADS[kind]
    server: GearmanServer = getattr(scene, kind)()
    letters = scene.folder / "letters"
    reaper = settings("drop", f"dead_letter_file = {letters}", max_backlog=load.fanout_count - 1)
    worker = scene.worker(server.address, settings=reaper)
    url = f"sqlite:///{scene.folder}/lists.db"
    client = scene.client(server)
    everybody = names(10_000)
    gone, stay = everybody[:GONE_COUNT], everybody[GONE_COUNT:]
    join(client, "news", everybody)
    crowds = [Crowd(server, "news", stay[number::CROWD_COUNT]) for number in range(CROWD_COUNT)]
    for crowd in crowds:
        scene.stack.callback(crowd.vanish)
    Crowd(server, "news", gone).vanish()

    publish(client, "news", load, len(everybody))
    full_bytes = resident_bytes(server)
    wait_until(lambda: told_count(worker.log) == GONE_COUNT, "all of them to be reported", LIMIT_S)
    wait_until_dropped(server, url, "news", set(stay))
    publish(client, "news", Load(1, 10), len(stay))
    expected = dict.fromkeys(stay, load.fanout_count + 1)
    wait_until(lambda: sum(crowd.counts.total() for crowd in crowds) >= sum(expected.values()), "the copies", LIMIT_S)
    assert {client_id: count for crowd in crowds for client_id, count in crowd.counts.items()} == expected

    lost = GONE_COUNT * load.fanout_count
    wait_until(lambda: dropped(worker.log) == dict.fromkeys(gone, load.fanout_count), "a line for each", LIMIT_S)
    assert letters.read_bytes().count(b"\n") == lost

    # What they held is free again for the next thousand.
    join(client, "more", gone)
    publish(client, "more", load, len(gone))
    wait_until_dropped(server, url, "more", set())
    print(f"{kind}: {full_bytes >> 10} kB when it was full, {resident_bytes(server) >> 10} kB the second time")
    assert resident_bytes(server) - full_bytes < lost * load.payload_bytes / 2
