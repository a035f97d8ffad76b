"""The limit of a worker: a program in C that sends the same copies and has nothing to look up."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness import admin, programs

from tests.servers.process import ServerProcess

DIFFERENCE = (
    "the limit, `c/copying_worker.c`: takes `fanout` jobs, 64 grabs in flight, sends the copies over a connection of "
    "their own, waits for their confirmations. Does less: knows the queues from its start, cuts the payload out of the "
    "JSON unread, has no lists, no window and no errors"
)


class CopyingWorker(ServerProcess):
    """Ready when the Gearman server at `port` knows it as a worker for `fanout`."""

    def __init__(self, port: int, names: Path, folder: Path) -> None:
        super().__init__([str(programs.build("copying_worker")), "-p", str(port), "-n", str(names)], port, folder)

    def is_ready(self) -> bool:
        return admin.queue_status(self.port, "fanout").worker_count > 0


@contextmanager
def open_worker(port: int, names: Path, folder: Path) -> Iterator[None]:
    """Serves until the end of this; raises RuntimeError with its words if it has ended by itself."""
    worker = CopyingWorker(port, names, folder)
    worker.start()
    try:
        yield
        if worker.process is None or worker.process.poll() is not None:
            raise RuntimeError(f"the worker in C has ended: {worker.log}")
    finally:
        worker.stop()
