"""How three servers hand out jobs, as small models: what a worker is told, when it sleeps for them, what wakes it.

One worker is connected. Sources: the measured behaviours that tests/functional/facts asks the real servers for.
"""

from tests.unit.wire.streams import HEADER, packet

CAN_DO, CANT_DO, PRE_SLEEP, NOOP, GRAB_JOB, NO_JOB, JOB_ASSIGN = 1, 2, 4, 6, 9, 10, 11
WORK_COMPLETE, WORK_FAIL, ERROR, WORK_EXCEPTION, GRAB_JOB_UNIQ, JOB_ASSIGN_UNIQ = 13, 14, 19, 25, 30, 31


class JobServer:
    """What all three have in common. Bytes of the worker go into `inbox`, those for it come out of `outbox`."""

    grab_kind = GRAB_JOB_UNIQ

    def __init__(self) -> None:
        self.inbox = b""
        self.outbox = b""
        self.functions: set[bytes] = set()
        self.queued: list[tuple[bytes, bytes]] = []  # handle and function
        self.given: dict[bytes, bytes] = {}
        self.asleep = False
        self.ended: list[bytes] = []
        self._count = 0

    def submit(self, function: bytes) -> None:
        self._count += 1
        self.queued.append((b"H:lap:%d" % self._count, function))
        if self.would_wake(function):
            self.wake()

    def would_wake(self, function: bytes) -> bool:
        return self.asleep and function in self.functions

    def wake(self) -> None:
        self.asleep = False
        self.outbox += packet(NOOP)

    def steal(self) -> None:
        """Another worker takes the job that is next."""
        if self.queued:
            self.queued.pop(0)

    @property
    def servable(self) -> list[tuple[bytes, bytes]]:
        return [job for job in self.queued if job[1] in self.functions]

    def serve_one(self) -> bool:
        """Takes the worker's next packet; False when none is whole."""
        if len(self.inbox) < HEADER.size:
            return False
        magic, kind, length = HEADER.unpack_from(self.inbox)
        assert magic == b"\0REQ"
        if len(self.inbox) < HEADER.size + length:
            return False
        body = self.inbox[HEADER.size : HEADER.size + length]
        self.inbox = self.inbox[HEADER.size + length :]
        self.take(kind, body)
        return True

    def take(self, kind: int, body: bytes) -> None:
        if kind == CAN_DO:
            self.functions.add(body)
        elif kind == CANT_DO:
            self.drop(body)
        elif kind == PRE_SLEEP:
            self.sleep()
        elif kind in (GRAB_JOB, GRAB_JOB_UNIQ):
            self.grab(kind)
        elif kind in (WORK_COMPLETE, WORK_FAIL, WORK_EXCEPTION):
            self.end(kind, body.partition(b"\0")[0])

    def drop(self, function: bytes) -> None:
        self.functions.discard(function)

    def sleep(self) -> None:
        self.asleep = True
        if self.servable:
            self.wake()

    def grab(self, kind: int) -> None:
        assert kind == self.grab_kind
        if not self.servable:
            self.outbox += packet(NO_JOB)
            return
        job = self.servable[0]
        self.queued.remove(job)
        self.given[job[0]] = job[1]
        unique = [b"unique"] if kind == GRAB_JOB_UNIQ else []
        self.outbox += packet(JOB_ASSIGN_UNIQ if unique else JOB_ASSIGN, *job, *unique, b"payload")

    def end(self, kind: int, handle: bytes) -> None:
        if self.given.pop(handle, None) is None:
            self.complain()
        else:
            self.ended.append(handle)

    def complain(self) -> None:
        """The worker spoke of a job that it does not hold."""


class Gearmand(JobServer):
    """A grab takes the sleep back. Leaving a function gives its jobs back."""

    def grab(self, kind: int) -> None:
        self.asleep = False
        super().grab(kind)

    def drop(self, function: bytes) -> None:
        super().drop(function)
        for handle in [handle for handle, of in self.given.items() if of == function]:
            self.queued.append((handle, self.given.pop(handle)))

    def complain(self) -> None:
        self.outbox += packet(ERROR, b"JOB_NOT_FOUND", b"Job given in work result not found")


class Geard(JobServer):
    """A grab leaves the sleep in force; unknown functions must not be left."""

    def drop(self, function: bytes) -> None:
        assert function in self.functions, "geard closes the connection over this"
        super().drop(function)


class Perl(JobServer):
    """Knows GRAB_JOB alone. Wakes for nothing when no grab has found the queue empty since its last job, and a sleeper
    only for the functions that it had when it fell asleep. An exception does not end a job."""

    grab_kind = GRAB_JOB

    def __init__(self) -> None:
        super().__init__()
        self._seems_full: set[bytes] = set()
        self._asleep_for: set[bytes] = set()

    def submit(self, function: bytes) -> None:
        self._seems_full.add(function)
        super().submit(function)

    def would_wake(self, function: bytes) -> bool:
        return self.asleep and function in self._asleep_for

    def sleep(self) -> None:
        self._asleep_for = set(self.functions)
        self.asleep = True
        if self._seems_full & self.functions:
            self.wake()

    def grab(self, kind: int) -> None:
        if kind == GRAB_JOB_UNIQ:
            self.outbox += packet(ERROR, b"server_error", b'Can\'t locate object method "CMD_" via package')
            return
        if not self.servable:
            self._seems_full -= self.functions
        super().grab(kind)

    def end(self, kind: int, handle: bytes) -> None:
        if kind != WORK_EXCEPTION:
            super().end(kind, handle)

    def complain(self) -> None:
        self.outbox += packet(ERROR, b"not_worker", b"")
