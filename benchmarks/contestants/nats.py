"""A NATS server of our own: its core, without JetStream, so it keeps nothing for who is away."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.servers.process import ServerProcess, find_program, free_port


@contextmanager
def open_nats(folder: Path) -> Iterator[ServerProcess]:
    """A fresh server on a free port of 127.0.0.1, stopped at the end."""
    port = free_port()
    server = ServerProcess([find_program("nats-server"), "-a", "127.0.0.1", "-p", str(port)], port, folder)
    try:
        server.start()
        yield server
    finally:
        server.stop()
