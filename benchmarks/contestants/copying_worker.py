"""The limit of a worker: a program in C that sends the same copies and has nothing to look up."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness import admin, programs

from tests.servers.process import ServerProcess

DIFFERENCE = (
    "the limit of a worker, `c/copying_worker.c`: takes `fanout` jobs, sends the copies over a connection of their "
    "own, waits for their confirmations. Does less: knows the queues from its start, cuts the payload out of the JSON "
    "unread, has no lists, no window and no errors"
)


class CopyingWorker(ServerProcess):
    """Ready when the Gearman server at `port` knows it as a worker for `fanout`."""

    def __init__(self, port: int, names: Path, folder: Path, grab_count: int, set_count: int) -> None:
        options = map(str, ("-p", port, "-n", names, "-g", grab_count, "-k", set_count))
        super().__init__([str(programs.build("copying_worker")), *options], port, folder)

    def is_ready(self) -> bool:
        return admin.queue_status(self.port, "fanout").worker_count > 0


@contextmanager
def open_worker(port: int, names: Path, folder: Path, grab_count: int, set_count: int = 1) -> Iterator[None]:
    """Serves until the end of this; raises RuntimeError with its words if it has ended by itself.

    It has `grab_count` grabs in flight: many where many jobs wait, one where they come one by one, for those that
    find nothing cost the server time. With a `set_count` the names are so many sets, and each job goes to the next one.
    """
    worker = CopyingWorker(port, names, folder, grab_count, set_count)
    worker.start()
    try:
        yield
        if worker.process is None or worker.process.poll() is not None:
            raise RuntimeError(f"the worker in C has ended: {worker.log}")
    finally:
        worker.stop()
