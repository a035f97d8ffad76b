"""The worker's side of one connection: which jobs are held, when to grab, when to sleep.

How servers differ here, and why the order of grabbing and sleeping is what it is:

* Every grab gets exactly one answer, in order; NOOP can come between.
* gearmand: a grab sent while asleep cancels the wake-up, so PRE_SLEEP goes out only when no grab is open. Perl's
  server answers a PRE_SLEEP that no NO_JOB preceded with a NOOP for nothing.
* geard answers only GRAB_JOB_UNIQ; Perl's server only GRAB_JOB, and refuses the other with an ERROR that names the
  missing method. So the first is tried and the second is fallen back on, never the other way.
* Perl's server does not take an exception for an end; the others do, and answer the WORK_FAIL that would follow with
  an ERROR. It passes neither data nor warnings on, but answers each with an ERROR: it is spared them.
* None of them minds how large a job is. One that is lost with its connection comes again: so what is too large to be
  taken in has to be read over and ended like any other job.
"""

from collections.abc import Iterable

from gearhorn.errors import ProtocolViolation
from gearhorn.wire import packets
from gearhorn.wire.budget import Budget
from gearhorn.wire.framing import BODY_LIMIT_BYTES, WORD_LIMIT_BYTES, Cut, Framer, Head
from gearhorn.wire.worker_events import Assigned, Oversized, WorkerEvent

# An idle worker wakes up for one job more often than for many: it asks with few grabs and doubles them with every
# round trip that brought only jobs, up to the limit.
FIRST_GRABS = 4

_PERL_UNKNOWN_PACKET = b'"CMD_"'

# Of a job that is too large this much is kept, for its handle and queue. Of others it may come before the payload.
_NAMES_BYTES = 4 << 10


class WorkerRole:
    """Commands and received bytes go in; events come out of `receive`, bytes to be sent out of `take_output`.

    `grab_limit` bounds the grabs in flight, `job_limit` the jobs held at a time, `budget` their bytes together with
    those of other roles; a role that holds nothing grabs one job even when that is spent. Jobs above `body_limit_bytes`
    are only told of. With `sends_exceptions` off, refused jobs end in a failure: on gearmand, clients of libgearman and
    Perl that asked for no exceptions never understand the failure that it makes of one for them (a NUL too many ends
    its handle), and wait for ever.
    """

    def __init__(
        self,
        grab_limit: int,
        job_limit: int,
        *,
        sends_exceptions: bool = True,
        body_limit_bytes: int = BODY_LIMIT_BYTES,
        budget: Budget | None = None,
    ) -> None:
        self.held: dict[bytes, int] = {}  # handles, and how many bytes of the budget each job takes
        # Set once the server has sent what is not its protocol. The connection is of no more use then.
        self.violation: ProtocolViolation | None = None
        self.awaits_sign = False  # a `probe` is not answered yet
        self._body_limit_bytes = body_limit_bytes
        self._budget = budget or Budget(1 << 62)
        self._framer = Framer(_cuts(body_limit_bytes), WORD_LIMIT_BYTES)
        self._out: list[bytes] = []
        self._queues: set[bytes] = set()
        self._grab_limit = grab_limit
        self._job_limit = job_limit
        self._grab = packets.pack(packets.GRAB_JOB_UNIQ)
        self._window = min(FIRST_GRABS, grab_limit)
        self._open_grabs = 0
        self._grabbing = False
        self._found_nothing = False
        self._asleep = False
        self._sends_exceptions = sends_exceptions
        self._is_perls = False  # Perl's server is on the other side
        self._knows_options = False
        self.mark = b""  # see `leave_mark`

    def adjust(self, grab_limit: int, job_limit: int, *, sends_exceptions: bool, body_limit_bytes: int) -> None:
        """Other limits, from now on. What is held above the new ones stays, and grabs that are open are answered."""
        self._grab_limit = grab_limit
        self._job_limit = job_limit
        self._window = min(self._window, grab_limit)
        self._sends_exceptions = sends_exceptions
        self._body_limit_bytes = body_limit_bytes
        self._framer.cut(_cuts(body_limit_bytes))
        self._refill()

    # What the owner wants.

    def set_client_id(self, client_id: bytes) -> None:
        self._out.append(packets.pack(packets.SET_CLIENT_ID, client_id))

    def ask_for_options(self) -> None:
        """Tells servers apart: see `requeues`."""
        self._out.append(packets.pack(packets.OPTION_REQ, b"exceptions"))

    @property
    def requeues(self) -> bool:
        """Whether the server gives the jobs of a worker that is gone to another one, as gearmand does. To be asked
        while a job is held: by then everything is known. Of the others, geard does not answer an OPTION_REQ.
        """
        return self._knows_options and not self._is_perls

    def leave_mark(self, name: bytes) -> None:
        """Makes the server know a queue `name`, before any job comes of what is said afterwards.

        gearmand keeps the names of queues until it ends, in no file: one that is still there tells that it has not
        been started again, and that handles have not been counted anew.
        """
        self.mark = name
        self._out += (packets.pack(packets.CAN_DO, name), packets.pack(packets.CANT_DO, name))

    def serve(self, queues: Iterable[bytes]) -> None:
        """Registers for `queues`. A sleeping worker says again that it sleeps: no server wakes it for old jobs."""
        for queue in queues:
            self._queues.add(queue)
            self._out.append(packets.pack(packets.CAN_DO, queue))
        if self._asleep:
            self.sleep_again()

    def leave(self, queues: Iterable[bytes]) -> None:
        """Unregisters `queues`, those not registered left out: geard closes the connection over one it never saw.

        To be called only when no job of theirs is held: gearmand requeues such a job at once and refuses its end.
        """
        for queue in queues:
            if queue in self._queues:
                self._queues.discard(queue)
                self._out.append(packets.pack(packets.CANT_DO, queue))

    def start_grabbing(self) -> None:
        self._grabbing = True
        self._refill()

    def stop_grabbing(self) -> None:
        """No further grabs. Those in flight may still bring jobs: see `is_quiet`."""
        self._grabbing = False

    def sleep_again(self) -> None:
        """Repeats PRE_SLEEP when asleep: gearmand says nothing when a job for later falls due."""
        if self._asleep:
            self._out.append(packets.pack(packets.PRE_SLEEP))

    def go_on(self) -> None:
        """To be called when the budget has room again: whoever ended jobs elsewhere cannot know who waits for it."""
        self._refill()

    def probe(self) -> None:
        """Asks the server for a sign of life."""
        self._out.append(packets.PROBE)
        self.awaits_sign = True

    @property
    def is_quiet(self) -> bool:
        """No job is held and no grab is open."""
        return not self.held and not self._open_grabs

    # What becomes of jobs. Each method is for handles that are held.

    def complete(self, handle: bytes, data: bytes) -> None:
        self._end(handle, packets.pack(packets.WORK_COMPLETE, handle, data))

    def fail(self, handle: bytes) -> None:
        self._end(handle, packets.pack(packets.WORK_FAIL, handle))

    def refuse(self, handle: bytes, text: bytes) -> None:
        """Ends the job in an exception. The text goes ahead as a warning for clients that asked for no exceptions."""
        self.warn(handle, text)
        if self._sends_exceptions:
            exception = packets.pack(packets.WORK_EXCEPTION, handle, text)
            if not self._is_perls:
                self._end(handle, exception)
                return
            self._out.append(exception)
        self.fail(handle)

    def warn(self, handle: bytes, text: bytes) -> None:
        self._pass_on(packets.WORK_WARNING, handle, text)

    def weigh(self, handle: bytes, more_bytes: int) -> None:
        """The job takes so many bytes more of the budget than its packet has; less, where that is negative."""
        self.held[handle] += more_bytes
        self._budget.held_bytes += more_bytes

    def let_go(self) -> None:
        """The connection is gone, and all jobs with it."""
        self._budget.held_bytes -= sum(self.held.values())
        self.held.clear()

    def send_data(self, handle: bytes, data: bytes) -> None:
        self._pass_on(packets.WORK_DATA, handle, data)

    def send_status(self, handle: bytes, done_count: int, total_count: int) -> None:
        self._out.append(packets.pack(packets.WORK_STATUS, handle, b"%d" % done_count, b"%d" % total_count))

    # The stream.

    def take_output(self) -> bytes:
        return b"".join(self.take_pieces())

    def take_pieces(self) -> list[bytes]:
        """The output as it was put together."""
        out, self._out = self._out, []
        return out

    def receive(self, data: bytes) -> list[WorkerEvent]:
        """Jobs that came with a `violation` are not handed out: they go back to the server with the connection."""
        if self.violation is not None:
            return []
        self._framer.feed(data)
        try:
            events = self._read()
        except ProtocolViolation as violation:
            self.violation = violation
            return []
        self._refill()
        return events

    def _read(self) -> list[WorkerEvent]:
        events: list[WorkerEvent] = []
        while packet := self._framer.next():
            kind, body = packet
            if kind == packets.JOB_ASSIGN_UNIQ or kind == packets.JOB_ASSIGN:
                events.append(self._assigned(kind, body))
            elif kind == packets.NO_JOB:
                self._nothing_found()
            elif kind == packets.NOOP:
                self._woken()
            elif kind == packets.STATUS_RES:
                self.awaits_sign = False
            elif kind == packets.ERROR:
                events.extend(self._complained(body))
            elif kind == packets.OPTION_RES:
                self._knows_options = True
        return events

    def _assigned(self, kind: int, body: bytes) -> Assigned | Oversized:
        try:
            if kind == packets.JOB_ASSIGN_UNIQ and type(body) is bytes:
                job = Assigned(*body.split(b"\0", 3))
            else:
                job = self._unusual(kind, body)
        except (TypeError, ValueError, IndexError):
            raise ProtocolViolation(f"a job was assigned with too few arguments: {body[:80]!r}") from None
        self._grab_answered()
        self._window = min(self._window + 1, self._grab_limit)
        self._budget.held_bytes += len(body) - self.held.get(job.handle, 0)  # it may be given out twice
        self.held[job.handle] = len(body)
        if len(job.payload) > self._body_limit_bytes or type(body) is Head:
            return self._told_of(job, body)
        return job

    def _unusual(self, kind: int, body: bytes) -> Assigned:
        """A job that was cut, perhaps in its unique key, or the answer to a plain GRAB_JOB."""
        handle, queue, *rest = body.split(b"\0", 3 if kind == packets.JOB_ASSIGN_UNIQ else 2)
        return Assigned(handle, queue, b"", rest[-1])

    def _told_of(self, job: Assigned, body: bytes) -> Oversized:
        left_out_bytes = body.whole_bytes - len(body) if isinstance(body, Head) else 0
        return Oversized(job.handle, job.queue, len(job.payload) + left_out_bytes, self._body_limit_bytes)

    def _nothing_found(self) -> None:
        self._grab_answered()
        self._found_nothing = True
        self._window = min(FIRST_GRABS, self._grab_limit)

    def _grab_answered(self) -> None:
        if not self._open_grabs:
            raise ProtocolViolation("the server answered a grab that was not sent")
        self._open_grabs -= 1

    def _woken(self) -> None:
        self._asleep = False
        self._found_nothing = False

    def _complained(self, body: bytes) -> list[WorkerEvent]:
        if _PERL_UNKNOWN_PACKET in body and self._open_grabs:
            self._open_grabs -= 1
            self._grab = packets.pack(packets.GRAB_JOB)
            self._is_perls = True
            return []
        return [packets.parse_error(body)]

    def _pass_on(self, kind: int, handle: bytes, data: bytes) -> None:
        if not self._is_perls:
            self._out.append(packets.pack(kind, handle, data))

    def _end(self, handle: bytes, packet: bytes) -> None:
        self._budget.held_bytes -= self.held.pop(handle, 0)
        self._out.append(packet)
        self._refill()

    def _refill(self) -> None:
        if not self._grabbing or self._asleep:
            return
        if self._found_nothing:
            if not self._open_grabs:
                self._sleep()
            return
        free = min(self._window, self._job_limit - len(self.held)) - self._open_grabs
        if free > 0 and self._budget.held_bytes > self._budget.careful_bytes:
            free = self._affordable(free)
        if free > 0:
            self._open_grabs += free
            self._out.append(self._grab * free)

    def _affordable(self, free: int) -> int:
        if self._budget.is_full:
            return 0 if self.held or self._open_grabs else 1
        return min(free, self._budget.affordable_count(len(self.held)) - self._open_grabs)

    def _sleep(self) -> None:
        self._asleep = True
        self._out.append(packets.pack(packets.PRE_SLEEP))


def _cuts(body_limit_bytes: int) -> dict[int, Cut]:
    too_large = Cut(body_limit_bytes + _NAMES_BYTES, _NAMES_BYTES)
    return dict.fromkeys((packets.JOB_ASSIGN_UNIQ, packets.JOB_ASSIGN), too_large)
