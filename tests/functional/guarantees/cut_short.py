"""A large background fanout whose worker is killed in the middle of it."""

from redis import Redis as Client

from tests.functional.crash.ledger import Ledger
from tests.functional.crash.lists import subscribe_many
from tests.functional.facts.raw import Kind
from tests.functional.trouble.scene import Scene, fanout
from tests.servers.gearhorn_worker import GearhornWorker
from tests.servers.gearman import GearmanServer
from tests.servers.process import wait_until
from tests.servers.stores import Redis

LARGE_COUNT = 30_000
LIMIT_S = 60.0
TRIES = 10


class CutShort:
    """On `server`, with the database `number` of Redis. The kill came behind its first record.

    `handle` is that of its job. Where nobody is to be told of the job's end it is a background job.
    """

    def __init__(
        self, scene: Scene, server: GearmanServer, redis: Redis, number: int = 0, kind: int = Kind.SUBMIT_JOB
    ) -> None:
        self._scene, self._server, self._kind = scene, server, kind
        self._store = f"redis://{redis.address}/{number}"
        self.client = scene.client(server)
        subscribe_many(Ledger(), self._store, "news", LARGE_COUNT)
        self._worker = scene.worker(server.address, store=self._store)
        with Client(unix_socket_path=str(redis.socket_path), db=number, decode_responses=True) as records:
            self.handle = self._cut_short(records)

    def _cut_short(self, records: Client) -> bytes:
        for _ in range(TRIES):
            handle = self.client.start("fanout", fanout("news", background=True), self._kind)
            wait_until(lambda: _finds_one(records), "a record of the fanout", LIMIT_S)
            self._worker.kill()
            if not self._is_over(handle, records):
                return handle
            records.flushdb()  # the record of one that was answered stays for a while
            subscribe_many(Ledger(), self._store, "news", LARGE_COUNT)
            self._worker.start()
        raise TimeoutError(f"{TRIES} fanouts were over before their workers could be killed")

    def _is_over(self, handle: bytes, records: Client) -> bool:
        if self._kind == Kind.SUBMIT_JOB_BG:
            return not _finds_one(records)
        self.client.catch_up()
        return self.client.has_ended(handle)

    def go_on(self) -> GearhornWorker:
        """With another worker."""
        return self._scene.worker(self._server.address, store=self._store)


def _finds_one(records: Client) -> bool:
    return bool(records.keys("gearhorn:record:fanout:*"))
