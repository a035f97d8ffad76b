"""A service as there may be one: two Gearman servers, a Redis, three workers, hosts, and somebody who publishes."""

import contextlib
import math
import random
import re
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

from tests.functional.contract.clients import Client
from tests.functional.trouble.scene import Scene, fanout, subscribe
from tests.servers.gearman import Gearmand
from tests.servers.process import wait_until
from tests.servers.stores import Redis
from tools.screenshots.fleet import GONE, LATELY_GONE, Fleet

WORKERS = ("east1", "east2", "west1")
# So many fanouts a second, more or less.
RATE = 12.0
_WAVE_S = 70.0
MOST_DEPLOY_S = 6.0


@dataclass
class Stage:
    """`folder` is for whatever the pictures need. The second of the servers may be stopped."""

    folder: Path
    url: str
    store: str
    servers: tuple[Gearmand, Gearmand]
    client: Client

    @property
    def options(self) -> list[str]:
        """For commands."""
        return [f"--store={self.store}", *(f"--gearman={server.address}" for server in self.servers)]

    def lose_some_more(self) -> None:
        for topic, host in LATELY_GONE:
            _lose(self.client, topic, host)


@contextlib.contextmanager
def set_up(folder: Path, seconds: float) -> Iterator[Stage]:
    """Hosts that are gone from the beginning are dead after half of `seconds`."""
    with ExitStack() as stack:
        scene = Scene(folder, stack)
        servers, redis = (scene.gearmand(), scene.gearmand()), stack.enter_context(Redis(folder / "redis"))
        store = f"redis://{redis.address}"
        addresses = [server.address for server in servers]
        for name in WORKERS:
            scene.worker(*addresses, store=store, settings=_settings(name, seconds))
        client = scene.client(servers[0])
        stack.enter_context(Fleet(addresses, min(MOST_DEPLOY_S, 2 + seconds / 20)))
        for topic, host in GONE:
            _lose(client, topic, host)
        stack.enter_context(_publishing(scene.client(servers[0])))
        found = re.search(r"the dashboard is at (\S+)", scene.workers[0].log)
        assert found, scene.workers[0].log
        yield Stage(folder, found[1], store, servers, client)


def _settings(worker_id: str, seconds: float) -> str:
    listen = "[dashboard]\nlisten = 127.0.0.1:0\n" if worker_id == WORKERS[0] else ""
    return f"""
{listen}
[matchmaking]
worker_id = {worker_id}
lease_ttl = 10
[reaper]
interval = 0.5
max_backlog = 10
grace = 0.5
dead_after = {seconds / 2:g}
policies = configuration:pause
"""


def _lose(client: Client, topic: str, host: str) -> None:
    """Somebody who subscribes, for whom copies wait, and who never comes."""
    subscribe(client, topic, [host])
    for _ in range(15):
        client.finish(client.start("fanout", fanout(topic, background=True)))


@contextlib.contextmanager
def _publishing(client: Client) -> Iterator[None]:
    ended = threading.Event()
    thread = threading.Thread(target=_publish, args=(client, ended))
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _publish(client: Client, ended: threading.Event) -> None:
    """More and less, in waves."""
    chance = random.Random(1)
    topics = ("cache.flush", "cache.flush", "certificates", "logs.rotate")
    while not ended.is_set():
        wave = 1 + 0.6 * math.sin(2 * math.pi * time.monotonic() / _WAVE_S)
        topic = chance.choice(topics)
        client.finish(client.start("fanout", fanout(topic, background=True)))
        if chance.random() < 0.01:  # somebody asks all hosts for something, and two of them fail
            client.start("fanout", fanout("deploy", timeout=5))
        ended.wait(chance.expovariate(RATE * wave))


def wait_for_page(stage: Stage, text: str, limit_s: float) -> None:
    """Until the overview has the text."""
    wait_until(lambda: text in urlopen(f"{stage.url}/?format=json").read().decode(), text, limit_s)
