"""What gearmand itself costs by the number of queues that it knows, and what more servers gain."""

import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

from harness import admin, programs
from harness.registrations import Registration
from harness.scenario import Outcome, Pace, Plot, Scenario, Series

from tests.servers.gearman import Gearmand

PAYLOAD_BYTES = 100
WINDOW = 4096
LIMIT_S = 280  # on a machine that is busy with other things 200,000 new queues take minutes
MOST_ROUNDS = 2  # a server with 300,000 queues takes half a minute to build up, and differs little from the next one
KNOWN, NEW, STATUS = "onto known queues", "onto new queues", "admin status"
QUEUE, COPY = "memory of a queue with one copy of 100 bytes", "memory of each further copy"
EACH_ALONE, EACH_SERVER = "without receivers", "with receivers connected to every server"


@dataclass(frozen=True, slots=True)
class Size:
    known_counts: Sequence[int] = (10_000, 100_000, 300_000)
    group_count: int = 10_000  # copies per measurement
    fleet_queue_count: int = 100_000
    server_counts: Sequence[int] = (1, 2, 4)


QUICK = Size((1_000, 10_000, 30_000), 1_000, 10_000)
Figures = defaultdict[tuple[str, str, str, int], list[float]]  # by contestant, point, unit and x; a figure per round


class Server:
    """A fresh gearmand, and the numbers of the queues that it has been told of."""

    def __init__(self, folder: Path, threads_count: int) -> None:
        self._folder = folder
        self._gearmand = Gearmand(folder / "gearmand", threads_count).start()
        self._registration: Registration | None = None
        self.known_count = 0
        self.second_count = 0  # copies that wait on a queue on which there is one already

    def stop(self) -> None:
        if self._registration is not None:
            self._registration.close()
        self._gearmand.stop()

    def register(self, queues: Sequence[str]) -> None:
        """As receivers do that are connected to this server, all of them."""
        self._registration = Registration(self._gearmand.port, queues)

    def blast(self, queues: Sequence[str]) -> float:
        """Puts one copy on each of these queues; copies per second."""
        names = self._folder / "names"
        names.write_text("".join(f"{queue}\n" for queue in queues))
        options = ("-p", self._gearmand.port, "-n", names, "-s", PAYLOAD_BYTES, "-w", WINDOW, "-t", LIMIT_S)
        return programs.copies_per_s("blast", *options)

    def blast_new(self, count: int) -> float:
        first = self.known_count
        self.known_count += count
        return self.blast([queue_name(number) for number in range(first, first + count)])

    def blast_known(self, count: int) -> float:
        """Takes its queues from the oldest to the newest: gearmand finds those that it met last before others."""
        self.second_count += count
        step = self.known_count // count
        return self.blast([queue_name(number) for number in range(0, count * step, step)])

    def status_ms(self) -> float:
        started_s = time.monotonic()
        answer = admin.read_status(self._gearmand.port)
        took_s = time.monotonic() - started_s
        listed_count = sum(line.startswith(b"news_") for line in answer.splitlines())
        if listed_count != self.known_count:
            raise RuntimeError(f"gearmand lists {listed_count} queues of {self.known_count}")
        return took_s * 1e3

    def resident_bytes(self) -> int:
        assert self._gearmand.process is not None
        fields = Path(f"/proc/{self._gearmand.process.pid}/statm").read_text().split()
        return int(fields[1]) * 4096


def queue_name(number: int) -> str:
    return f"news_host{number:016d}"


@contextmanager
def open_server(threads_count: int) -> Iterator[Server]:
    with tempfile.TemporaryDirectory(prefix="gearhorn-benchmark-") as folder:
        server = Server(Path(folder), threads_count)
        try:
            yield server
        finally:
            server.stop()


def run(pace: Pace) -> Outcome:
    size = QUICK if pace.is_quick else Size()
    figures: Figures = defaultdict(list)
    round_count = min(pace.round_count, MOST_ROUNDS)
    for turn in range(round_count):
        _measure_growth(pace.setup.threads_count, size, figures)
        _measure_fleets(pace.setup.threads_count, size, figures)
        print(f"round {turn + 1}/{round_count}  many queues: done", file=sys.stderr, flush=True)
    series = [Series(name, point, unit, each, x) for (name, point, unit, x), each in figures.items()]
    return Outcome(series, remarks=_remarks(size, round_count, pace.round_count))


def _measure_growth(threads_count: int, size: Size, figures: Figures) -> None:
    with open_server(threads_count) as server:
        empty_bytes = server.resident_bytes()
        copy_bytes = 0.0
        for known_count in size.known_counts:
            point = f"{known_count:,} queues"
            server.blast_new(known_count - server.known_count)
            grown_bytes = server.resident_bytes() - empty_bytes - server.second_count * copy_bytes
            figures[QUEUE, point, "bytes", known_count].append(grown_bytes / known_count)
            _measure_server(server, size.group_count, point, known_count, figures)
            copy_bytes = copy_bytes or figures[COPY, point, "bytes", known_count][-1]


def _measure_server(server: Server, group_count: int, point: str, x: int, figures: Figures) -> None:
    figures[STATUS, point, "ms", x].append(server.status_ms())
    before_bytes = server.resident_bytes()
    figures[KNOWN, point, "copies/s", x].append(server.blast_known(group_count))
    if x <= group_count:  # later on gearmand has memory to spare, and does not grow by what it needs
        figures[COPY, point, "bytes", x].append((server.resident_bytes() - before_bytes) / group_count)
    figures[NEW, point, "copies/s", x].append(server.blast_new(group_count))


def _measure_fleets(threads_count: int, size: Size, figures: Figures) -> None:
    """The servers have their turns one after the other: on one machine they would share its cores."""
    queues = [queue_name(number) for number in range(size.fleet_queue_count)]
    for server_count in size.server_counts:
        parts = _spread(queues, server_count)
        point = f"{len(queues):,} queues over {server_count}"
        for name, registered in ((EACH_ALONE, []), (EACH_SERVER, queues)):
            seconds = sum(_fill(threads_count, part, registered) for part in parts)
            figures[name, point, "copies/s of one of several servers", server_count].append(len(queues) / seconds)


def _fill(threads_count: int, queues: Sequence[str], registered: Sequence[str]) -> float:
    with open_server(threads_count) as server:
        server.register(registered)
        return len(queues) / server.blast(queues)


def _spread(queues: Sequence[str], server_count: int) -> list[list[str]]:
    """By hash, as the service does it; which hash makes no difference."""
    parts: list[list[str]] = [[] for _ in range(server_count)]
    for queue in queues:
        parts[crc32(queue.encode()) % server_count].append(queue)
    return parts


def _remarks(size: Size, round_count: int, wanted_count: int) -> list[str]:
    fewer = [f"{round_count} rounds instead of {wanted_count}: a large server takes long to build up."]
    return [
        f"Each figure of copies/s {KNOWN} and {NEW} is a blast of {size.group_count:,} copies at a server that knows "
        "so many queues before it; a copy waits on every queue.",
        "Of several servers one after the other has its turn, all by itself: what each would take on a machine of its "
        "own; on one machine they share its cores. They get the first copy for each queue of their share.",
        *(fewer if round_count < wanted_count else []),
    ]


SCENARIO = Scenario(
    name="many_queues",
    title="The server by the number of its queues",
    question="What does a copy cost gearmand that knows 10,000, 100,000, 300,000 queues, what memory does it need for "
    "them, and what do more servers gain? The service has no part in this.",
    contestants={
        KNOWN: "The raw blast, onto queues that the server has heard of before.",
        NEW: "The raw blast, onto queues that it has not: the first copy for each.",
        STATUS: "The time that the admin command `status` takes, from the connection to the last byte.",
        QUEUE: "gearmand's resident memory, less that of an empty one, for each queue. It never forgets a queue.",
        COPY: "The growth of the resident memory with a second copy on each queue.",
        EACH_ALONE: "Each of so many servers gets the copies of its share of the queues, and hears of no other queue.",
        EACH_SERVER: "The same, but every server has heard of all queues: receivers have to register theirs on each.",
    },
    run=run,
    plots=(Plot("copies/s", "queues known", is_log=True), Plot("copies/s of one of several servers", "servers")),
)
