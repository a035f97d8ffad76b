"""A site: a fresh gearmand, and when asked a fresh store and a real worker, on free ports of 127.0.0.1."""

import os
import shlex
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness import admin, programs
from harness.topics import Topic
from tests.servers.gearman import Gearmand
from tests.servers.process import ServerProcess, find_program, free_port

SUBSCRIBE_WINDOW = 256
# Several workers would want the same port. And whoever measures has its own settings, not this machine's.
NO_PAGES = "[metrics]\nlisten =\n"
FASTER_LIBRARIES = ("uvloop", "hiredis", "msgspec")


@dataclass(frozen=True, slots=True)
class Setup:
    """What to start: the store's kind, gearmand's I/O threads (4 is its default), the worker's command line."""

    store: str = "redis"
    threads_count: int = 4
    worker: str = "gearhorn worker"
    worker_options: tuple[str, ...] = ()


class Worker(ServerProcess):
    """The real service, one of its site. It is ready when the Gearman server knows one more worker for `fanout`."""

    def __init__(self, argv: Sequence[str], port: int, folder: Path, number: int) -> None:
        super().__init__(argv, port, folder, {**_clean_environment(), "GEARHORN_INSTANCE": str(number)})
        self.number = number

    def is_ready(self) -> bool:
        return admin.queue_status(self.port, "fanout").worker_count > self.number

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def resident_bytes(self) -> int:
        return self._kernel_bytes("VmRSS")

    def peak_bytes(self) -> int:
        """The most resident memory that it ever had."""
        return self._kernel_bytes("VmHWM")

    def _kernel_bytes(self, name: str) -> int:
        """See proc(5)."""
        fields = dict(line.split(":", 1) for line in Path(f"/proc/{self.pid}/status").read_text().splitlines())
        return int(fields[name].split()[0]) * 1024

    def processor_s(self) -> float:
        """The processor time that it has used so far, in seconds; counted in hundredths."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def open_files_count(self) -> int:
        return len(list(Path(f"/proc/{self.pid}/fd").iterdir()))

    def loaded_libraries(self) -> list[str]:
        """Which of the optional faster libraries the process has loaded, seen from outside."""
        maps = Path(f"/proc/{self.pid}/maps").read_text()
        return [name for name in FASTER_LIBRARIES if f"/{name}/" in maps]


@dataclass(frozen=True, slots=True)
class Site:
    folder: Path
    port: int
    store_url: str
    workers: Sequence[Worker]

    @property
    def worker(self) -> Worker:
        return self.workers[0]

    def subscribe(self, topic: Topic) -> None:
        """Puts the topic's subscribers on its list by real `subscribe_fanout` jobs."""
        bodies = topic.write_subscriptions(self.folder)
        programs.publish(self.port, bodies, "-f", "subscribe_fanout", "-w", SUBSCRIBE_WINDOW, "-e", "").check()

    def publish(self, bodies: Path, *options: object) -> programs.Published:
        """Publishes with `publish`'s options, raises RuntimeError with the worker's log unless all went well."""
        try:
            return programs.publish(self.port, bodies, *options).check()
        except RuntimeError as error:
            raise RuntimeError(f"{error}\nthe worker's log ends with:\n{self.worker.log[-2000:]}") from error


@contextmanager
def open_gearmand(setup: Setup) -> Iterator[tuple[Path, int]]:
    """A fresh gearmand: a folder for files, and its port."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gearhorn-benchmark-")))
        server = stack.enter_context(Gearmand(folder / "gearmand", setup.threads_count))
        yield folder, server.port


@contextmanager
def open_site(setup: Setup, worker_count: int = 1) -> Iterator[Site]:
    """A fresh gearmand, store and workers; all are stopped at the end."""
    with ExitStack() as stack:
        folder, port = stack.enter_context(open_gearmand(setup))
        store, url = STORES[setup.store](folder / "store")
        if store is not None:
            stack.callback(store.stop)
            store.start()
        workers = [
            Worker(_worker_command(setup, folder, port, url), port, folder / f"worker{number}", number)
            for number in range(worker_count)
        ]
        for worker in workers:
            stack.callback(worker.stop)
            worker.start()
        yield Site(folder, port, url, workers)


def _redis(folder: Path) -> tuple[ServerProcess | None, str]:
    port = free_port()
    command = [find_program("redis-server"), "--bind", "127.0.0.1", "--port", str(port), "--save", ""]
    return ServerProcess(command, port, folder), f"redis://127.0.0.1:{port}/0"


def _memcached(folder: Path) -> tuple[ServerProcess | None, str]:
    port = free_port()
    command = [find_program("memcached"), "-l", "127.0.0.1", "-p", str(port), "-U", "0"]
    command += ["-u", "nobody"] if os.geteuid() == 0 else []
    return ServerProcess(command, port, folder), f"memcached://127.0.0.1:{port}"


def _sqlite(folder: Path) -> tuple[ServerProcess | None, str]:
    folder.mkdir()
    return None, f"sqlite:///{folder / 'lists.sqlite'}"


def _memory(_folder: Path) -> tuple[ServerProcess | None, str]:
    return None, "memory://"


STORES: Mapping[str, Callable[[Path], tuple[ServerProcess | None, str]]] = {
    "redis": _redis,
    "sqlite": _sqlite,
    "memcached": _memcached,
    "memory": _memory,
}


def _worker_command(setup: Setup, folder: Path, port: int, store_url: str) -> list[str]:
    command = shlex.split(setup.worker)
    settings = folder / "site.conf"
    settings.write_text(NO_PAGES)
    return [
        *command,
        "--config-file",
        str(settings),
        "--gearman",
        f"127.0.0.1:{port}",
        "--store",
        store_url,
        *setup.worker_options,
    ]


def _clean_environment() -> dict[str, str]:
    """Programs beside this interpreter come first; no servers from the caller's environment."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return {**{name: value for name, value in os.environ.items() if name != "GEARMAN_SERVERS"}, "PATH": path}
