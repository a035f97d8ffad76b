"""Thousands of jobs of all kinds, while connections are cut, the store fails and workers come and go."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from random import Random

import pytest

from gearhorn.core.limits import Limits
from gearhorn.core.matchmaking import MatchmakingLimits
from gearhorn.daemon.service import Daemon
from gearhorn.daemon.settings import DaemonSettings
from gearhorn.daemon.stop import Stop
from gearhorn.errors import StoreUnavailable
from gearhorn.handlers import HandlerSettings
from gearhorn.matchmaking.matchmaker import MatchmakingSettings
from gearhorn.names import OwnQueues
from gearhorn.net.address import Address
from gearhorn.net.connection import LinkSettings
from gearhorn.net.worker_link import WorkerSettings
from gearhorn.patience import PatienceSettings
from gearhorn.signing.guard import SigningSettings
from gearhorn.store.memory import MemoryLists
from tests.functional.endings.recorder import Recorder
from tests.fuzz.bodies import Bodies
from tests.fuzz.signing import SignedBodies, write_keys
from tests.unit.moody_store import MoodyStore

JOB_COUNT = 2500
AT_ONCE = 50
PAUSE_S = 0.02
# Far more than any run takes.
LIMIT_S = 60.0
QUEUES = (b"fanout",) * 5 + (b"subscribe_fanout", b"register_fanout_subscriber", b"unsubscribe_fanout", b"fanout.news")
CALLS = ("apply", "read", "settle")


class World:
    """A server that keeps count, a store that fails, and one worker after the other."""

    def __init__(
        self, kind: str, seed: int, *, refuses_with_exceptions: bool = True, keys_file: Path | None = None
    ) -> None:
        """With a file of keys most jobs are signed, and those of one topic have to be."""
        self.server = Recorder(kind, seed)
        self.random = Random(seed)
        self.bodies = iter(SignedBodies(seed, time.time()) if keys_file else Bodies(seed))
        self._refuses_with_exceptions = refuses_with_exceptions
        self._signing = SigningSettings(str(keys_file), ("news",)) if keys_file else SigningSettings()
        self._lists = MemoryLists()
        self._worker_count = 0

    async def open(self) -> None:
        self.port = await self.server.start()
        self._start_worker()

    def _start_worker(self) -> None:
        self._worker_count += 1
        self.store = MoodyStore(time.monotonic, self._lists)
        self.stop = Stop()
        daemon = Daemon(self._settings(f"w{self._worker_count}"), self.store, self.stop)
        self._running = asyncio.create_task(daemon.run())

    def _settings(self, worker_id: str) -> DaemonSettings:
        return DaemonSettings(
            servers=(Address("127.0.0.1", self.port),),
            link=LinkSettings(first_retry_s=0.01, most_retry_s=0.05),
            worker=WorkerSettings(worker_id, 16, 64, self._refuses_with_exceptions, body_limit_bytes=2000),
            signing=self._signing,
            handlers=HandlerSettings(
                queues=OwnQueues(topics=("news",)),
                foreground_timeout_s=0.1,
                foreground_timeout_limit_s=0.2,
                limits=Limits(payload_bytes=1000, subscribers_count=8, answer_bytes=1000, answers_bytes=5000),
            ),
            patience=PatienceSettings(retry_timeout_s=0.2),
            matchmaking=MatchmakingSettings(worker_id, ack_timeout_s=0.1, limits=MatchmakingLimits(1.0)),
            bytes_in_flight=20_000,
            drain_timeout_s=0.1,
        )

    async def restart(self, wishes: int = 1) -> None:
        """Ends the worker, in the middle of what it does if told twice, and starts another one."""
        await self.end(wishes)
        self._start_worker()

    async def end(self, wishes: int = 1) -> None:
        for _ in range(wishes):
            self.stop.ask()
        async with asyncio.timeout(LIMIT_S):
            await self._running

    def submit(self, count: int) -> None:
        for body in islice(self.bodies, count):
            self.server.submit(self.random.choice(QUEUES), body)

    async def make_trouble(self) -> None:
        chance = self.random.random()
        if chance < 0.4:
            self.server.cut_one()
        elif chance < 0.7:
            for call in CALLS:
                self.store.fail(call, *[StoreUnavailable("away")] * self.random.randrange(6))
        elif chance < 0.8:
            await self.restart(self.random.choice([1, 2]))

    async def until_all_are_over(self) -> None:
        async with asyncio.timeout(LIMIT_S):
            while self.server.open_jobs:  # noqa: ASYNC110 - a test that polls cannot miss what it waits for
                await asyncio.sleep(0.02)


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Thousands of refusals and restarts are as many lines. What no test may show is an error."""
    logging.disable(logging.WARNING)
    yield
    logging.disable(logging.NOTSET)


def check(server: Recorder) -> Counter[str]:
    """One ending each; none of a job that was not in hand. Returns how many ended how."""
    assert server.violations == []
    assert all(len(job.endings) == (not job.is_lost) for job in server.jobs.values())
    return Counter("lost" if job.is_lost else str(job.endings[0]) for job in server.jobs.values())


@pytest.mark.parametrize("kind", ["gearmand", "geard", "perl"])
async def test_in_peace_every_job_ends_once(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    world = World(kind, seed=1, refuses_with_exceptions=kind != "gearmand")
    await world.open()
    for _ in range(JOB_COUNT // AT_ONCE):
        world.submit(AT_ONCE)
        await asyncio.sleep(0)
    await world.until_all_are_over()
    await world.end()
    await world.server.close()
    counts = check(world.server)
    assert counts["lost"] == 0
    assert len(counts) == 2  # completed, and refused
    assert world.server.copy_count > 100  # how many go out depends on who is on the lists by then
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


@pytest.mark.parametrize("kind", ["gearmand", "geard"])
async def test_signed_jobs_end_once_too(kind: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    world = World(kind, seed=3, keys_file=write_keys(tmp_path))
    await world.open()
    for _ in range(JOB_COUNT // AT_ONCE):
        world.submit(AT_ONCE)
        await asyncio.sleep(PAUSE_S)
        await world.make_trouble()
    await world.until_all_are_over()
    await world.end()
    await world.server.close()
    assert check(world.server).total() == JOB_COUNT
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("kind", ["gearmand", "geard", "perl"])
async def test_in_trouble_every_job_ends_once_or_goes_with_its_connection(
    kind: str, seed: int, caplog: pytest.LogCaptureFixture
) -> None:
    world = World(kind, seed)
    await world.open()
    for _ in range(JOB_COUNT // AT_ONCE):
        world.submit(AT_ONCE)
        await asyncio.sleep(PAUSE_S)
        await world.make_trouble()
    await world.until_all_are_over()
    await world.end()
    await world.server.close()
    counts = check(world.server)
    if kind == "gearmand":
        assert counts["lost"] == 0
        assert max(job.given_count for job in world.server.jobs.values()) > 1
    assert counts.total() == JOB_COUNT
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
