"""What tests of the reaper look at: the queues on a server, the lists in a store, the memory of a process."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from gearhorn.store.base import Store
from gearhorn.store.opening import StoreSettings, open_store
from tests.servers.gearhorn_worker import GearhornWorker
from tests.servers.gearman import GearmanServer
from tests.servers.process import wait_until

LIMIT_S = 60.0

Result = TypeVar("Result")


def settings(policy: str = "report", *lines: str, max_backlog: int = 5, grace: float = 1, dead_after: float = 1) -> str:
    """A worker that looks every half second."""
    return "\n".join(
        [
            "[reaper]",
            "interval = 0.5",
            f"policy = {policy}",
            f"max_backlog = {max_backlog}",
            f"grace = {grace}",
            f"dead_after = {dead_after}",
            *lines,
            "",
        ]
    )


def wait_for_line(worker: GearhornWorker, words: str) -> None:
    """With the patience that a busy machine needs."""
    wait_until(lambda: words in worker.log, f"{words!r} in the worker's log", LIMIT_S)


def waiting_on(server: GearmanServer, prefix: str) -> dict[str, int]:
    """How many jobs wait in each queue whose name begins so, where there are any."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=LIMIT_S) as connection:
        connection.sendall(b"status\n")
        answer = b""
        while not answer.endswith(b"\n.\n") and answer != b".\n":
            answer += connection.recv(1 << 20)
    lines = [line.split("\t") for line in answer.decode().splitlines() if line.startswith(prefix)]
    return {name: int(total) - int(running) for name, total, running, _ in lines if int(total) > int(running)}


def ask_store(url: str, question: Callable[[Store], Awaitable[Result]]) -> Result:
    async def ask() -> Result:
        store = open_store(StoreSettings(url))
        await store.open()
        try:
            return await question(store)
        finally:
            await store.close()

    return asyncio.run(ask())


def subscribers_of(url: str, topic: str) -> set[str]:
    return {one.client_id for one in ask_store(url, lambda store: store.subscriptions(topic))}


def resident_bytes(server: GearmanServer) -> int:
    assert server.process is not None
    pages = int(Path(f"/proc/{server.process.pid}/statm").read_text().split()[1])
    return pages * 4096
