"""The client's side of one connection: which submits wait for their confirmation, which jobs for their end.

* Answers to submits (JOB_CREATED or ERROR) and to GET_STATUS come strictly in the order of the requests; nothing else
  links them. An ERROR therefore belongs to the oldest request that waits.
* gearmand and Perl's server coalesce submits with equal unique keys onto one handle and send every event once for each
  of them: a handle can have several waiters, and an event goes to one of them after the other.
* geard never answers OPTION_REQ, so that answer is not waited for. ECHO_REQ is not answered by it either; what all
  three answer is GET_STATUS of a handle that nobody has.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, repeat
from typing import Generic

from gearhorn.errors import ProtocolViolation
from gearhorn.wire import packets
from gearhorn.wire.client_events import ENDINGS, ClientEvent, Confirmed, Lost, Owner, Refused, Reported
from gearhorn.wire.framing import BODY_LIMIT_BYTES, WORD_LIMIT_BYTES, Cut, Framer

_REPORTS = ENDINGS | {packets.WORK_DATA, packets.WORK_WARNING, packets.WORK_STATUS}

# More than any handle has, so that what is too long is still longer than the limit without it.
_HANDLE_BYTES = 4 << 10

# Endings that come in a row are taken so many at a time.
_RUN_LIMIT = 4096


@dataclass(slots=True)
class _Expected(Generic[Owner]):
    """A row of submits that wait for their answers; `next` is the position of the first of them."""

    owner: Owner
    next: int
    count: int
    foreground: bool


class _Waiters(Generic[Owner]):
    """Several who wait for one handle, each as owner and position."""

    __slots__ = ("_turn", "_waiting")

    def __init__(self, first: tuple[Owner, int]) -> None:
        self._waiting = [first]
        self._turn = 0

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def __iter__(self) -> Iterator[tuple[Owner, int]]:
        return iter(self._waiting)

    def add(self, waiter: tuple[Owner, int]) -> None:
        self._waiting.append(waiter)
        self._turn = 0

    def in_turn(self) -> tuple[Owner, int]:
        waiter = self._waiting[self._turn]
        self._turn = (self._turn + 1) % len(self._waiting)
        return waiter

    def ended(self) -> tuple[Owner, int]:
        self._turn = 0
        return self._waiting.pop(0)


class ClientRole(Generic[Owner]):
    """Submits and received bytes go in; events come out of `receive`, bytes to be sent out of `take_output`.

    An owner is whatever the user of this class wants to see again in the events; it is not looked at.

    What the workers of jobs send can be as long as they like, and is read over above `answer_limit_bytes`.
    """

    def __init__(self, answer_limit_bytes: int = BODY_LIMIT_BYTES) -> None:
        self.unconfirmed_count = 0
        # Set once the server has sent what is not its protocol. The connection is of no more use then.
        self.violation: ProtocolViolation | None = None
        self._framer = Framer(_cuts(answer_limit_bytes), WORD_LIMIT_BYTES)
        self._out: list[bytes] = []
        # None stands for a probe.
        self._expected: deque[_Expected[Owner] | None] = deque()
        # Who waits for a handle alone; and those who share one.
        self._waiting: dict[bytes, tuple[Owner, int]] = {}
        self._sharing: dict[bytes, _Waiters[Owner]] = {}

    def adjust(self, answer_limit_bytes: int) -> None:
        """Another limit, from the next packet on."""
        self._framer.cut(_cuts(answer_limit_bytes))

    def request_exceptions(self) -> None:
        """Asks for the text of exceptions; without it gearmand makes bare failures of them."""
        self._out.append(packets.pack(packets.OPTION_REQ, b"exceptions"))

    def set_client_id(self, client_id: bytes) -> None:
        self._out.append(packets.pack(packets.SET_CLIENT_ID, client_id))

    def submit(self, owner: Owner, first: int, count: int, encoded: bytes | list[bytes], *, foreground: bool) -> None:
        """Sends `count` submit packets, already encoded, which are the owner's submits from position `first` on."""
        self._out += (encoded,) if isinstance(encoded, bytes) else encoded
        self._expected.append(_Expected(owner, first, count, foreground))
        self.unconfirmed_count += count

    def probe(self) -> None:
        """Asks the server for a sign of life, which is awaited like an answer to a submit."""
        self._out.append(packets.PROBE)
        self._expected.append(None)

    @property
    def awaited_count(self) -> int:
        """Foreground jobs that have not ended yet; those that share one are counted as one."""
        return len(self._waiting) + len(self._sharing)

    @property
    def awaits_answer(self) -> bool:
        """Whether the server owes an answer: a server that is silent now is ill."""
        return bool(self._expected)

    def take_output(self) -> bytes:
        return b"".join(self.take_pieces())

    def take_pieces(self) -> list[bytes]:
        """The output as it was put together."""
        out, self._out = self._out, []
        return out

    def receive(self, data: bytes) -> list[ClientEvent[Owner]]:
        """What came before a `violation` still counts: whoever is not told here is not told by `close` either."""
        events: list[ClientEvent[Owner]] = []
        if self.violation is None:
            self._framer.feed(data)
            try:
                self._read(events)
            except ProtocolViolation as violation:
                self.violation = violation
        return events

    def close(self) -> list[Lost[Owner]]:
        """What is left open when the connection is gone. The role is of no more use then."""
        lost = [
            Lost(expected.owner, range(expected.next, expected.next + expected.count))
            for expected in self._expected
            if expected is not None
        ]
        waiting = chain(self._waiting.values(), *self._sharing.values())
        lost += [Lost(owner, (position,)) for owner, position in waiting]
        self._expected.clear()
        self._waiting.clear()
        self._sharing.clear()
        self.unconfirmed_count = 0
        return lost

    def _read(self, events: list[ClientEvent[Owner]]) -> None:
        while True:
            if self._take_confirmations(events) or self._take_endings(events):
                continue
            packet = self._framer.next()
            if packet is None:
                return
            events.extend(self._handle(*packet))

    def _take_confirmations(self, events: list[ClientEvent[Owner]]) -> int:
        """The bulk path: a run of JOB_CREATED is taken at once. Only who waits for endings needs the handles in it."""
        head = self._expected[0] if self._expected else None
        if head is None or head.count < 2:
            return 0
        if head.foreground:
            handles = self._framer.take_alike(packets.JOB_CREATED, head.count)
            self._await_all(handles, head)
            count = len(handles)
        else:
            count = self._framer.skip_alike(packets.JOB_CREATED, head.count)
        if count:
            events.append(Confirmed(head.owner, head.next, count))
            self._answered(head, count)
        return count

    def _take_endings(self, events: list[ClientEvent[Owner]]) -> int:
        """The bulk path for receivers that all have completed with data of one length, which is mostly none."""
        bodies = self._framer.take_alike(packets.WORK_COMPLETE, _RUN_LIMIT) if self._waiting else ()
        for body in bodies:
            handle, _, data = body.partition(b"\0")
            waiter = self._waiting.pop(handle, None) or self._shared_by(handle, is_over=True)
            if waiter is not None:
                events.append(Reported(waiter[0], waiter[1], packets.WORK_COMPLETE, data))
        return len(bodies)

    def _await_all(self, handles: Sequence[bytes], head: _Expected[Owner]) -> None:
        waiters = zip(repeat(head.owner), range(head.next, head.next + len(handles)))
        if self._sharing or len(set(handles)) < len(handles) or not self._waiting.keys().isdisjoint(handles):
            for handle, waiter in zip(handles, waiters, strict=False):
                self._await(handle, waiter)
        else:
            self._waiting.update(zip(handles, waiters, strict=False))

    def _await(self, handle: bytes, waiter: tuple[Owner, int]) -> None:
        if handle in self._waiting:
            self._sharing[handle] = _Waiters(self._waiting.pop(handle))
        if handle in self._sharing:
            self._sharing[handle].add(waiter)
        else:
            self._waiting[handle] = waiter

    def _handle(self, kind: int, body: bytes) -> Iterable[ClientEvent[Owner]]:
        if kind == packets.JOB_CREATED:
            return (self._confirmed(body),)
        if kind in _REPORTS:
            return self._reported(kind, body)
        if kind == packets.ERROR:
            return self._refused(body)
        if kind == packets.STATUS_RES:
            self._probed()
        return ()

    def _probed(self) -> None:
        if not self._expected or self._expected[0] is not None:
            raise ProtocolViolation("the server answered a question that was not asked")
        self._expected.popleft()

    def _confirmed(self, handle: bytes) -> ClientEvent[Owner]:
        head = self._expected[0] if self._expected else None
        if head is None:
            raise ProtocolViolation("the server confirmed a job that was not submitted")
        position = head.next
        if head.foreground:
            self._await(handle, (head.owner, position))
        self._answered(head, 1)
        return Confirmed(head.owner, position, 1)

    def _refused(self, body: bytes) -> Iterable[ClientEvent[Owner]]:
        complaint = packets.parse_error(body)
        head = self._expected[0] if self._expected else None
        if head is None or complaint.code.lower() == "unknown_option":
            return (complaint,)
        position = head.next
        self._answered(head, 1)
        return (Refused(head.owner, position, str(complaint)),)

    def _reported(self, kind: int, body: bytes) -> Iterable[ClientEvent[Owner]]:
        # gearmand ends the handle of a WORK_FAIL with a NUL where it stands for an exception.
        handle, _, data = body.partition(b"\0")
        is_over = kind in ENDINGS
        waiter = self._waiting.pop(handle, None) if is_over else self._waiting.get(handle)
        if waiter is None:
            waiter = self._shared_by(handle, is_over=is_over)
        if waiter is None:  # a second ending (Perl's exception and failure, gearmand's cancelled job), or not ours
            return ()
        owner, position = waiter
        return (Reported(owner, position, kind, data),)

    def _shared_by(self, handle: bytes, *, is_over: bool) -> tuple[Owner, int] | None:
        waiters = self._sharing.get(handle)
        if waiters is None:
            return None
        if not is_over:
            return waiters.in_turn()
        waiter = waiters.ended()
        if not waiters:
            del self._sharing[handle]
        return waiter

    def _answered(self, head: _Expected[Owner], count: int) -> None:
        self.unconfirmed_count -= count
        head.next += count
        head.count -= count
        if not head.count:
            self._expected.popleft()


def _cuts(answer_limit_bytes: int) -> dict[int, Cut]:
    kept_bytes = answer_limit_bytes + _HANDLE_BYTES
    return dict.fromkeys(_REPORTS, Cut(kept_bytes, kept_bytes))
