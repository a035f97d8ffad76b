"""A Gearman server that keeps count: which job was given to which connection, and every packet that ended it.

It stands in for gearmand, geard or Perl's server as far as workers can tell them apart, and for the receivers of what
is submitted to it. Shares no code with the package.
"""

import asyncio
import contextlib
from collections import defaultdict, deque
from dataclasses import dataclass, field
from random import Random
from struct import Struct

HEADER = Struct(">4sII")
REQ, RES = b"\0REQ", b"\0RES"

CAN_DO, CANT_DO, PRE_SLEEP, NOOP, JOB_CREATED, GRAB_JOB, NO_JOB, JOB_ASSIGN = 1, 2, 4, 6, 8, 9, 10, 11
WORK_STATUS, WORK_COMPLETE, WORK_FAIL, GET_STATUS, ERROR, STATUS_RES, WORK_EXCEPTION = 12, 13, 14, 15, 19, 20, 25
OPTION_REQ, OPTION_RES, WORK_DATA, WORK_WARNING, GRAB_JOB_UNIQ, JOB_ASSIGN_UNIQ = 26, 27, 28, 29, 30, 31
FOREGROUND, BACKGROUND = {7, 21, 33}, {18, 32, 34}
ENDINGS = {WORK_COMPLETE, WORK_FAIL, WORK_EXCEPTION}


def packet(kind: int, *arguments: bytes) -> bytes:
    body = b"\0".join(arguments)
    return HEADER.pack(RES, kind, len(body)) + body


@dataclass(eq=False)
class Job:
    """A job of the test, for the service. `endings` are the packets that the server took for its end."""

    handle: bytes
    queue: bytes
    body: bytes
    holder: "Link | None" = None
    given_count: int = 0
    is_lost: bool = False  # with a connection, on a server that gives it to nobody else
    has_exception: bool = False
    endings: list[int] = field(default_factory=list)

    @property
    def is_over(self) -> bool:
        return self.is_lost or bool(self.endings)


class Link(asyncio.Protocol):
    """One connection of a worker or client."""

    def __init__(self, server: "Recorder") -> None:
        self.server = server
        self.queues: set[bytes] = set()
        self.is_asleep = False
        self.transport: asyncio.Transport | None = None
        self._unread = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.server.links.add(self)

    def connection_lost(self, error: Exception | None) -> None:
        self.transport = None
        self.server.lost(self)

    def data_received(self, data: bytes) -> None:
        self._unread += data
        while self._unread.startswith(b"s"):
            line, end, self._unread = self._unread.partition(b"\n")
            assert end, line
            self.send(b".\n")
        while len(self._unread) >= HEADER.size:
            magic, kind, length = HEADER.unpack_from(self._unread)
            assert magic == REQ, self._unread[:20]
            if len(self._unread) < HEADER.size + length:
                return
            body = self._unread[HEADER.size : HEADER.size + length]
            self._unread = self._unread[HEADER.size + length :]
            self.server.take(self, kind, body)

    def send(self, data: bytes) -> None:
        if self.transport is not None:
            self.transport.write(data)

    def cut(self) -> None:
        if self.transport is not None:
            self.transport.abort()


class Recorder:
    """`violations` are endings of jobs that their sender did not hold, and whatever else no worker may do."""

    def __init__(self, kind: str, seed: int) -> None:
        self.kind = kind
        self.jobs: dict[bytes, Job] = {}
        self.links: set[Link] = set()
        self.violations: list[str] = []
        self.copy_count = 0
        self._random = Random(seed)
        self._queued: dict[bytes, deque[Job]] = defaultdict(deque)
        self._server: asyncio.Server | None = None

    async def start(self) -> int:
        """Returns the port."""
        self._server = await asyncio.get_running_loop().create_server(lambda: Link(self), "127.0.0.1", 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()
        for link in list(self.links):
            link.cut()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._server.wait_closed(), 5)

    # What the test does.

    def submit(self, queue: bytes, body: bytes) -> None:
        job = Job(b"H:lap:%d" % (len(self.jobs) + 1), queue, body)
        self.jobs[job.handle] = job
        self._put(job)

    def cut_one(self) -> None:
        if self.links:
            self._random.choice(sorted(self.links, key=id)).cut()

    @property
    def open_jobs(self) -> list[Job]:
        return [job for job in self.jobs.values() if not job.is_over]

    # What workers and clients say.

    def take(self, link: Link, kind: int, body: bytes) -> None:
        if kind == CAN_DO:
            link.queues.add(body)
        elif kind == CANT_DO:
            self._leave(link, body)
        elif kind == PRE_SLEEP:
            link.is_asleep = True
            self._wake([link])
        elif kind in (GRAB_JOB, GRAB_JOB_UNIQ):
            self._grab(link, kind)
        elif kind in ENDINGS:
            self._end(link, kind, body)
        elif kind in FOREGROUND | BACKGROUND:
            self._submitted(link, kind)
        elif kind == GET_STATUS:
            link.send(packet(STATUS_RES, body, b"0", b"0", b"0", b"0"))
        elif kind == OPTION_REQ and self.kind != "geard":
            link.send(packet(OPTION_RES, body))
        elif kind in (WORK_DATA, WORK_WARNING, WORK_STATUS):
            self._told(link, kind, body)

    def lost(self, link: Link) -> None:
        self.links.discard(link)
        for job in self.jobs.values():
            if job.holder is link:
                job.holder = None
                job.has_exception = False
                if self.kind == "gearmand":
                    self._put(job)
                else:
                    job.is_lost = True

    def _put(self, job: Job) -> None:
        self._queued[job.queue].append(job)
        self._wake(self.links)

    def _wake(self, links: "set[Link] | list[Link]") -> None:
        for link in links:
            if link.is_asleep and any(self._queued[queue] for queue in link.queues):
                link.is_asleep = False
                link.send(packet(NOOP))

    def _leave(self, link: Link, queue: bytes) -> None:
        held = [job.handle for job in self.jobs.values() if job.holder is link and job.queue == queue]
        if held:
            self.violations.append(f"left {queue!r} with {held} in hand")
        link.queues.discard(queue)

    def _grab(self, link: Link, kind: int) -> None:
        if self.kind == "perl" and kind == GRAB_JOB_UNIQ:
            link.send(packet(ERROR, b"server_error", b'Can\'t locate object method "CMD_" via package'))
            return
        link.is_asleep = False
        job = next((self._queued[queue].popleft() for queue in link.queues if self._queued[queue]), None)
        if job is None:
            link.send(packet(NO_JOB))
            return
        job.holder = link
        job.given_count += 1
        if kind == GRAB_JOB_UNIQ:
            link.send(packet(JOB_ASSIGN_UNIQ, job.handle, job.queue, b"", job.body))
        else:
            link.send(packet(JOB_ASSIGN, job.handle, job.queue, job.body))

    def _end(self, link: Link, kind: int, body: bytes) -> None:
        handle = body.partition(b"\0")[0]
        job = self.jobs.get(handle)
        if job is None or job.holder is not link:
            self.violations.append(f"packet {kind} for {handle!r}, which is not held there")
        elif self.kind == "perl" and kind == WORK_EXCEPTION:
            if job.has_exception:
                self.violations.append(f"two exceptions for {handle!r}")
            job.has_exception = True
        else:
            if job.has_exception and kind == WORK_COMPLETE:
                self.violations.append(f"{handle!r} was completed after its exception")
            job.endings.append(kind)
            job.holder = None

    def _told(self, link: Link, kind: int, body: bytes) -> None:
        handle = body.partition(b"\0")[0]
        if handle not in self.jobs or self.jobs[handle].holder is not link:
            self.violations.append(f"packet {kind} for {handle!r}, which is not held there")
        if self.kind == "perl" and kind in (WORK_DATA, WORK_WARNING):
            self.violations.append("Perl's server knows no such packet")

    # What becomes of copies.

    def _submitted(self, link: Link, kind: int) -> None:
        self.copy_count += 1
        chance = self._random.random()
        if chance < 0.05:
            link.send(packet(ERROR, b"QUEUE_ERROR", b"Job queue is full"))
        elif chance < 0.055:
            link.cut()
        else:
            handle = b"H:copy:%d" % self.copy_count
            link.send(packet(JOB_CREATED, handle))
            if kind in FOREGROUND:
                self._answer(link, handle)

    def _answer(self, link: Link, handle: bytes) -> None:
        """At once, a little later, or never; some receivers end twice."""
        choose = self._random.choice
        pieces = [packet(WORK_DATA, handle, b"piece"), packet(WORK_STATUS, handle, b"1", b"2")]
        ends = [packet(WORK_COMPLETE, handle, b"\xff done" * choose([0, 1, 2000])), packet(WORK_FAIL, handle)]
        ends += [packet(WORK_EXCEPTION, handle, b"no \xff" * choose([1, 500])), b"", packet(WORK_COMPLETE, handle, b"")]
        data = choose([b"", *pieces]) + choose(ends) + choose([b""] * 9 + [packet(WORK_COMPLETE, handle, b"again")])
        delay_s = choose([0.0, 0.0, 0.001, 0.02, 0.3])
        if delay_s:
            asyncio.get_running_loop().call_later(delay_s, link.send, data)
        else:
            link.send(data)
