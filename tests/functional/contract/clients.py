"""Clients of the service as anybody might write them: one that asks for jobs, and one that receives copies."""

import itertools
import json
import socket
from collections import defaultdict
from collections.abc import Iterable
from typing import Any, NamedTuple

from tests.functional.facts.raw import Job, Kind, Packet, Peer, packet, submit
from tests.servers.gearman import GearmanServer

# Long enough for 64 MB on a busy machine; only a hang takes longer.
LIMIT_S = 20.0

ENDINGS = (Kind.WORK_COMPLETE, Kind.WORK_EXCEPTION, Kind.WORK_FAIL)

_uniques = itertools.count()

Body = bytes | dict[str, Any]


class Answer(NamedTuple):
    """A job's ending, and what was said about the job before it."""

    kind: int
    data: bytes
    before: list[Packet]

    @property
    def count(self) -> int:
        """Of a fanout that completed."""
        assert self.kind == Kind.WORK_COMPLETE, self
        return int(self.data)

    @property
    def failures(self) -> dict[str, str]:
        """Client ids and reasons of a fanout that some receivers failed."""
        assert self.kind == Kind.WORK_EXCEPTION, self
        pairs = json.loads(self.data)
        assert len(dict(pairs)) == len(pairs)
        return dict(pairs)

    @property
    def results(self) -> list[dict[str, str]]:
        """What receivers answered, one JSON object in each WORK_DATA."""
        pieces = self.told(Kind.WORK_DATA)
        assert all(piece.count(b"\n") == 1 and piece.endswith(b"\n") for piece in pieces)
        return [json.loads(piece) for piece in pieces]

    @property
    def progress(self) -> list[tuple[int, int]]:
        """Receivers done and receivers in all, of each WORK_STATUS."""
        return [progress_of(data) for data in self.told(Kind.WORK_STATUS)]

    def told(self, kind: int) -> list[bytes]:
        """What came in packets of this kind, without the handle."""
        return [text_of(each) for each in self.before if each.kind == kind]


def encode(body: Body) -> bytes:
    return body if isinstance(body, bytes) else json.dumps(body).encode()


def text_of(report: Packet) -> bytes:
    return report.data.partition(b"\0")[2]


def progress_of(data: bytes) -> tuple[int, int]:
    done, total = data.split(b"\0")
    return int(done), int(total)


class EagerPeer(Peer):
    """A Peer that acknowledges at once: geard, which sets no TCP_NODELAY, waits 40 ms for that, again and again."""

    def __init__(self, server: GearmanServer, **options: Any) -> None:
        super().__init__(server, **options)
        self.socket.settimeout(LIMIT_S)

    def _fill(self) -> None:
        super()._fill()
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)  # sends what acknowledgement is due


class Client(EagerPeer):
    """Asks for jobs and waits for them, for many at a time if need be.

    It asks for exceptions, which geard needs not and never answers; unless `wants_exceptions` is off.
    """

    def __init__(self, server: GearmanServer, *, wants_exceptions: bool = True, **options: Any) -> None:
        super().__init__(server, **options)
        self._news: dict[bytes, list[Packet]] = defaultdict(list)
        try:
            self.ask(*[packet(Kind.OPTION_REQ, b"exceptions")] * wants_exceptions)
        except BaseException:
            self.close()
            raise

    def start(self, queue: str, body: Body, kind: int = Kind.SUBMIT_JOB) -> bytes:
        """Submits a job and returns its handle, when the server has it."""
        (handle,) = self.start_many([(queue, body)], kind)
        return handle

    def start_many(self, requests: Iterable[tuple[str, Body]], kind: int = Kind.SUBMIT_JOB) -> list[bytes]:
        """Submits all of them in one send."""
        submits = [submit(queue.encode(), b"%d" % next(_uniques), encode(body), kind) for queue, body in requests]
        self.send(*submits)
        return [self._next_handle() for _ in submits]

    def finish(self, handle: bytes) -> Answer:
        """Waits for the job's ending."""
        while not (self._news[handle] and self._news[handle][-1].kind in ENDINGS):
            self._note(self.read())
        *before, ending = self._news.pop(handle)
        return Answer(ending.kind, text_of(ending), before)

    def request(self, queue: str, body: Body) -> Answer:
        return self.finish(self.start(queue, body))

    def wait_for(self, handle: bytes, kind: int, data: bytes | None = None) -> bytes:
        """Waits until the job has sent a packet of this kind, with this data if it is given, and returns the data."""
        while (found := self._find(handle, kind, data)) is None:
            assert not self.has_ended(handle), f"it ended before: {self._news[handle]}"
            self._note(self.read())
        return found

    def wait_for_progress(self, handle: bytes, done_count: int, total_count: int) -> None:
        """Waits until the job says that so much is done."""
        self.wait_for(handle, Kind.WORK_STATUS, b"%d\0%d" % (done_count, total_count))

    def has_ended(self, handle: bytes) -> bool:
        """Whether an ending has come in so far: for all that the server has sent, `catch_up` first."""
        return any(each.kind in ENDINGS for each in self._news[handle])

    def catch_up(self) -> None:
        """Takes in what the server has to say up to now."""
        for report in self.ask():
            self._note(report)

    def endings_of(self, handle: bytes) -> list[int]:
        """The kinds of all the endings that came for a job, which should be one."""
        return [each.kind for each in self._news[handle] if each.kind in ENDINGS]

    def _find(self, handle: bytes, kind: int, data: bytes | None) -> bytes | None:
        texts = [text_of(each) for each in self._news[handle] if each.kind == kind]
        return next((text for text in texts if data is None or text == data), None)

    def _next_handle(self) -> bytes:
        while (answer := self.read()).kind != Kind.JOB_CREATED:
            assert answer.kind != Kind.ERROR, answer
            self._note(answer)
        return answer.data

    def _note(self, report: Packet) -> None:
        self._news[report.fields[0]].append(report)


class Receiver(EagerPeer):
    """Serves queues of subscribers, one job after the other or many at once."""

    def __init__(self, server: GearmanServer, **options: Any) -> None:
        super().__init__(server, **options)
        assert self.ask() == []

    def take(self) -> Job:
        """The next job; waits until there is one."""
        while (job := self.grab()) is None:
            self.send(packet(Kind.PRE_SLEEP))
            assert self.read().kind == Kind.NOOP
        return job

    def take_all(self) -> list[Job]:
        """What is queued now."""
        return list(iter(self.grab, None))

    def report(self, job: Job, kind: int, *data: bytes) -> None:
        """Returns when the server has taken it in."""
        assert self.ask(packet(kind, job.handle, *data)) == []

    def fail(self, job: Job) -> None:
        self.report(job, Kind.WORK_FAIL)
