"""A large background fanout of which half of the copies are out, and recorded, when its worker is killed."""

import redis

from gearhorn.resuming.record import PROGRESS
from tests.functional.crash.ledger import Ledger
from tests.functional.crash.lists import subscribe_many
from tests.functional.trouble.scene import Scene, fanout
from tests.servers.gearhorn_worker import GearhornWorker
from tests.servers.gearman import GearmanServer
from tests.servers.process import wait_until

LARGE_COUNT = 12_000
LIMIT_S = 60.0


class CutShort:
    """The job came over `server`; the other half of the copies was for a second one, which the worker did not reach."""

    def __init__(self, scene: Scene, server: GearmanServer, store: str) -> None:
        self._scene, self._server, self._store = scene, server, store
        self._other = scene.gearmand()
        to_other = scene.proxy(self._other)
        subscribe_many(Ledger(), store, "news", LARGE_COUNT)
        self.victim = scene.worker(server.address, to_other.address, store=store)
        to_other.stall()
        self.client = scene.client(server)
        self.handle = self.client.start("fanout", fanout("news", background=True))
        wait_until(lambda: _record_count(store) > 0, "a record of how far it has come", LIMIT_S)
        self.victim.kill()

    def go_on(self) -> GearhornWorker:
        """With another worker, which reaches both servers."""
        return self._scene.worker(self._server.address, self._other.address, store=self._store)


def _record_count(redis_url: str) -> int:
    with redis.Redis.from_url(redis_url) as client:
        return len(list(client.scan_iter(f"gearhorn:record:{PROGRESS}:*")))
