"""A system to look at, and how it is asked."""

import asyncio
import json
import os
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from gearhorn.cmd.doctor import examine_system
from gearhorn.cmd.main import build_parser
from gearhorn.cmd.settings import overrides_of
from gearhorn.config import Config
from gearhorn.doctor.findings import CheckResult, Finding, worst_of
from gearhorn.names import queue_name
from gearhorn.net.address import parse_addresses
from gearhorn.overview.observer import Observer, ObserverSettings
from gearhorn.overview.source import already_open
from gearhorn.store.opening import StoreSettings, open_store
from tests.functional.contract.clients import Client, Receiver
from tests.functional.facts.raw import Kind
from tests.servers.commands import run_gearhorn
from tests.servers.gearhorn_worker import GearhornWorker
from tests.servers.gearman import GearmanServer
from tests.servers.stores import Redis


class System(NamedTuple):
    folder: Path
    redis: Redis
    gearmand: GearmanServer
    geard: GearmanServer
    worker: GearhornWorker

    @property
    def store_url(self) -> str:
        return f"redis://{self.redis.address}"

    @property
    def addresses(self) -> list[str]:
        return [self.gearmand.address, self.geard.address]

    @property
    def places(self) -> list[str]:
        """The options by which commands find it."""
        return [f"--store={self.store_url}", *(f"--gearman={address}" for address in self.addresses)]

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return run_gearhorn(self.folder, *words[:1], *self.places, *words[1:])

    def doctor(self, *words: str) -> tuple[str, dict[str, Finding]]:
        """How it is, and findings by their codes."""
        return examine(*self.places, *words)

    def subscribe(self, topic: str, *client_ids: str) -> None:
        with asking(self.gearmand) as client:
            for client_id in client_ids:
                answer = client.request("subscribe_fanout", {"topic": topic, "client_id": client_id})
                assert answer.kind == Kind.WORK_COMPLETE

    def unsubscribe(self, topic: str, client_id: str) -> None:
        with asking(self.gearmand) as client:
            client.request("unsubscribe_fanout", {"topic": topic, "client_id": client_id})

    def publish(self, topic: str, times: int = 1) -> None:
        with asking(self.gearmand) as client:
            for _ in range(times):
                client.request("fanout", {"topic": topic, "payload": "x", "background": True})

    def empty(self, topic: str, client_id: str) -> None:
        """Takes what waits there: a queue that nobody owns would be a finding in other tests."""
        for server in (self.gearmand, self.geard):
            receiver = Receiver(server)
            receiver.can_do(queue_name(topic, client_id))
            for job in receiver.take_all():
                receiver.report(job, Kind.WORK_COMPLETE, b"")
            receiver.close()

    @contextmanager
    def config_file(self, text: str, mode: int = 0o600) -> Iterator[str]:
        path = self.folder / "some.conf"
        path.write_text(text)
        path.chmod(mode)
        yield f"--config-file={path}"
        path.unlink()


@contextmanager
def asking(server: GearmanServer) -> Iterator[Client]:
    client = Client(server)
    try:
        yield client
    finally:
        client.close()


def examine(*words: str) -> tuple[str, dict[str, Finding]]:
    """What the command finds, without a process of its own, which would take a second each time."""
    results = examine_all(*words)
    return worst_of(results), {finding.code: finding for result in results for finding in result.findings}


def examine_all(*words: str) -> list[CheckResult]:
    arguments = build_parser().parse_args(["doctor", *words])
    config = Config(
        [f"--config-file={name}" for name in arguments.config_file or [os.devnull]], overrides_of(arguments)
    )
    results, _ = asyncio.run(examine_system(config, arguments, None))
    return results


def findings_in(output: str) -> dict[str, Any]:
    return {finding["code"]: finding for check in json.loads(output)["checks"] for finding in check["findings"]}


@contextmanager
def nobody() -> Iterator[str]:
    """An address where nobody listens."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{one.getsockname()[1]}"


@contextmanager
def silence() -> Iterator[str]:
    """An address where connections are taken and nothing is said."""
    with socket.create_server(("127.0.0.1", 0)) as one:
        yield f"127.0.0.1:{one.getsockname()[1]}"


@asynccontextmanager
async def observing(system: System, *more: str, patience_s: float = 30.0) -> AsyncIterator[Observer]:
    """Who looks at the system, and at servers at addresses `more` besides."""
    store = open_store(StoreSettings(system.store_url))
    await store.open()
    addresses = tuple(parse_addresses([*system.addresses, *more]))
    yield Observer(ObserverSettings(addresses, patience_s=patience_s), already_open(store))
    await store.close()
