"""Handlers in one process, without a server: every body goes to one of their queues, and must get one ending."""

import asyncio
from collections import Counter
from collections.abc import Iterable
from itertools import count
from pathlib import Path
from random import Random

from gearhorn.core.members import Members
from gearhorn.handlers import Handlers, HandlerSettings
from gearhorn.metrics import Counters
from gearhorn.names import OwnQueues
from gearhorn.net.address import Address
from gearhorn.net.connection import LinkSettings
from gearhorn.net.dispatch import Dispatch
from gearhorn.net.shipment import Shipment
from gearhorn.patience import Patience, PatienceSettings
from gearhorn.resuming.ledger import Ledger, ResumingSettings
from gearhorn.signing.guard import Guard, SigningSettings
from gearhorn.store.base import Subscribe
from gearhorn.store.memory import MemoryStore
from gearhorn.subscribers.pauses import Pauses
from gearhorn.wire.worker_events import Assigned
from tests.unit.directories import directory_of

NOW_S = 1_000_000.0
QUEUES = (b"fanout", b"fanout", b"fanout", b"subscribe_fanout", b"register_fanout_subscriber", b"unsubscribe_fanout")
# Those of single topics: `fanout.news` and its sisters.
TOPIC_QUEUES = tuple(queue + suffix for queue in QUEUES for suffix in (b".news", b".memos"))
AT_ONCE = 200
SETTINGS = HandlerSettings(
    queues=OwnQueues(topics=("news", "memos")), foreground_timeout_s=0.01, foreground_timeout_limit_s=0.01
)
BUG = b"bug"

_handles = count(1)


class Job:
    """Stands in for a held job: counts its endings."""

    __slots__ = ("assigned", "backlog_bytes", "endings", "is_held")

    address = Address("lap", 4730)
    requeues = True

    def __init__(self, queue: bytes, body: bytes) -> None:
        self.assigned = Assigned(b"H:lap:%d" % next(_handles), queue, b"", body)
        self.endings: list[tuple[str, bytes]] = []
        self.backlog_bytes = 0
        self.is_held = True

    def complete(self, data: bytes = b"") -> None:
        self.endings.append(("complete", data))

    def refuse(self, text: bytes) -> None:
        self.endings.append(("refused", text))

    def send_status(self, done_count: int, total_count: int) -> None: ...

    def send_data(self, data: bytes) -> None: ...

    def weigh(self, more_bytes: int) -> None: ...


class Servers(Dispatch):
    """All copies are confirmed at once; receivers of foreground ones complete, fail or say nothing, by turns."""

    def __init__(self) -> None:
        super().__init__([], LinkSettings(), "test", 0.0)
        self._turn = 0

    def send(self, shipment: Shipment, members: Members) -> None:
        if not members:
            return
        portion = shipment.run.add_portion(members)
        _, row = portion.take(len(members))
        b"".join(shipment.encoder.encode(row.names, row.id_bytes))
        portion.withdraw()
        shipment.confirm(portion, 0, len(members))
        for position in range(len(members)) if shipment.run.foreground else ():
            self._turn += 1
            kind = (13, 14, 25, 0)[self._turn % 4]
            if kind:
                shipment.collect(portion, position, b"\xff piece")
                shipment.end(portion, position, kind, b"answer \xe4\xb8")


class House:
    """`try_all` gives each body to the handlers and returns how many ended how. With a file of keys some topics take
    signed jobs only.
    """

    def __init__(self, seed: int, keys_file: Path | None = None) -> None:
        self._random = Random(seed)
        self._keys_file = keys_file

    async def try_all(self, bodies: Iterable[bytes]) -> Counter[str]:
        store = MemoryStore()
        await store.open()
        await store.apply([Subscribe("news", "ann"), Subscribe("news", "bob")])
        directory, servers = directory_of(store, PatienceSettings(retry_timeout_s=0.0)), Servers()
        ledger = Ledger(ResumingSettings(), store, LinkSettings(), servers.go_on)
        handlers = Handlers(
            SETTINGS, directory, servers, ledger, lambda: NOW_S, Pauses(), Counters(), self._guard(store)
        )
        counts: Counter[str] = Counter()
        batch: list[Job] = []
        try:
            for body in bodies:
                batch.append(job := Job(self._random.choice(QUEUES * 2 + TOPIC_QUEUES), body))
                handlers.take(job)  # type: ignore[arg-type]
                if len(batch) == AT_ONCE:
                    counts += await _endings_of(batch)
                    batch = []
            return counts + await _endings_of(batch)
        finally:
            await handlers.close()
            await ledger.close()
            await directory.close()

    def _guard(self, store: MemoryStore) -> Guard | None:
        if self._keys_file is None:
            return None
        settings = SigningSettings(str(self._keys_file), required_topics=("news", "a*"))
        return Guard(settings, store, Patience(PatienceSettings(retry_timeout_s=0.0)), 5.0, lambda: NOW_S)


async def _endings_of(batch: list[Job]) -> Counter[str]:
    async with asyncio.timeout(60):
        for job in batch:
            while not job.endings:  # noqa: ASYNC110 - an event for each of a million jobs would take longer
                await asyncio.sleep(0)
    await asyncio.sleep(0)
    counts: Counter[str] = Counter()
    for job in batch:
        assert len(job.endings) == 1, (job.assigned, job.endings)
        how, text = job.endings[0]
        if how == "refused":
            assert BUG not in text, (job.assigned, text)
            assert b"\n" not in text, (job.assigned, text)
            if text.startswith(b"[["):
                how = "failures"  # of receivers: the job was served
            else:
                assert len(text) < 2000, (job.assigned, text)
                assert text.decode().isprintable(), (job.assigned, text)
        counts[how] += 1
    return counts
