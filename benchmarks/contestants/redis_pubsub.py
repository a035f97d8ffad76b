"""A Redis server of our own for its pub/sub, which keeps nothing for who is away."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.sites import STORES

from tests.servers.process import ServerProcess


@contextmanager
def open_redis(folder: Path) -> Iterator[ServerProcess]:
    """A fresh server on a free port of 127.0.0.1, stopped at the end."""
    server, _ = STORES["redis"](folder)
    assert server is not None
    try:
        yield server.start()
    finally:
        server.stop()
