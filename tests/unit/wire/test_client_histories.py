"""Random histories of a client, held against the plainest bookkeeping: packet for packet, waiter for waiter."""

from collections import deque
from typing import NamedTuple

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gearhorn.wire.client import ClientRole
from gearhorn.wire.client_events import ClientEvent, Confirmed, Refused, Reported
from tests.unit.wire.streams import packet, packets_in

JOB_CREATED, ERROR, STATUS_RES, OPTION_RES = 8, 19, 20, 27
WORK_STATUS, WORK_COMPLETE, WORK_FAIL, WORK_EXCEPTION, WORK_DATA, WORK_WARNING = 12, 13, 14, 25, 28, 29
STRAYS = [
    packet(OPTION_RES, b"exceptions"),
    packet(WORK_COMPLETE, b"H:lap:0", packet(JOB_CREATED, b"H:lap:1")),
    packet(WORK_FAIL, b"H:lap:0\0"),
    packet(99, packet(ERROR, b"a", b"b")),
]


class Told(NamedTuple):
    """One thing that one submit's owner has to hear."""

    what: str
    owner: str
    position: int
    kind: int = 0
    data: bytes = b""


def told_by(event: ClientEvent[str]) -> list[Told]:
    if isinstance(event, Confirmed):
        return [Told("confirmed", event.owner, event.first + number) for number in range(event.length)]
    if isinstance(event, Refused):
        return [Told("refused", event.owner, event.position)]
    assert isinstance(event, Reported)
    return [Told("reported", event.owner, event.position, event.kind, event.data)]


class ClientHistory(RuleBasedStateMachine):
    """The server's side is played here; its packets are on their way until a rule delivers some bytes."""

    def __init__(self) -> None:
        super().__init__()
        self.role: ClientRole[str] = ClientRole()
        self.next_position = {"ann": 0, "bob": 100}
        self.open: dict[tuple[str, int], bool] = {}  # whether in the foreground
        self.owed: deque[tuple[str, int] | None] = deque()
        self.listeners: dict[bytes, list[tuple[str, int]]] = {}
        self.last_number = 5  # the length of handles changes soon
        self.stream = b""
        self.sent_bytes = 0
        self.due: deque[tuple[int, Told]] = deque()

    def emit(self, data: bytes, *told: Told) -> None:
        self.stream += data
        self.sent_bytes += len(data)
        self.due.extend((self.sent_bytes, each) for each in told)

    @rule(owner=st.sampled_from(["ann", "bob"]), count=st.integers(1, 6), foreground=st.booleans())
    def submit(self, owner: str, count: int, foreground: bool) -> None:
        first = self.next_position[owner]
        self.next_position[owner] += count
        self.role.submit(owner, first, count, b"", foreground=foreground)
        for position in range(first, first + count):
            self.open[owner, position] = foreground
            self.owed.append((owner, position))

    @rule()
    def probe(self) -> None:
        self.role.probe()
        self.owed.append(None)

    @precondition(lambda self: self.owed)
    @rule(count=st.integers(1, 8), joins=st.booleans())
    def the_server_confirms(self, count: int, joins: bool) -> None:
        for _ in range(min(count, len(self.owed))):
            submit = self.owed.popleft()
            if submit is None:
                self.emit(packet(STATUS_RES, b"H:gearhorn-probe", b"0", b"0", b"", b""))
            else:
                self._confirm(submit, joins)

    def _confirm(self, submit: tuple[str, int], joins: bool) -> None:
        if not (joins and self.listeners):
            self.last_number += 1
        handle = b"H:lap:%d" % self.last_number
        listeners = self.listeners.setdefault(handle, [])
        if self.open[submit]:
            listeners.append(submit)
        self.emit(packet(JOB_CREATED, handle), Told("confirmed", *submit))

    @precondition(lambda self: self.owed and self.owed[0])
    @rule()
    def the_server_refuses(self) -> None:
        self.emit(packet(ERROR, b"QUEUE_ERROR", b"full"), Told("refused", *self.owed.popleft()))

    @precondition(lambda self: self.listeners)
    @rule(
        data=st.data(),
        kind=st.sampled_from([WORK_STATUS, WORK_DATA, WORK_WARNING]),
        text=st.sampled_from([b"", b"x\0y", packet(JOB_CREATED, b"H:lap:6")]),
    )
    def a_worker_reports(self, data: st.DataObject, kind: int, text: bytes) -> None:
        handle = data.draw(st.sampled_from(sorted(self.listeners)))
        for listener in self.listeners[handle]:
            self.emit(packet(kind, handle, text), Told("reported", *listener, kind, text))

    @precondition(lambda self: self.listeners)
    @rule(data=st.data(), kind=st.sampled_from([WORK_COMPLETE, WORK_FAIL, WORK_EXCEPTION]), fails_too=st.booleans())
    def a_worker_ends(self, data: st.DataObject, kind: int, fails_too: bool) -> None:
        handle = data.draw(st.sampled_from(sorted(self.listeners)))
        listeners = self.listeners.pop(handle)
        if handle == b"H:lap:%d" % self.last_number:
            self.last_number += 1
        for listener in listeners:
            self.emit(packet(kind, handle, b""), Told("reported", *listener, kind, b""))
        for _ in listeners * fails_too:
            self.emit(packet(WORK_FAIL, handle))

    @rule(stray=st.sampled_from(STRAYS))
    def the_server_says_what_means_nothing(self, stray: bytes) -> None:
        self.emit(stray)

    @rule(size=st.integers(1, 300))
    def the_client_reads(self, size: int) -> None:
        data, self.stream = self.stream[:size], self.stream[size:]
        told = [each for event in self.role.receive(data) for each in told_by(event)]
        assert told == list(self._due_by(self.sent_bytes - len(self.stream)))
        assert self.role.violation is None

    def _due_by(self, read_bytes: int) -> list[Told]:
        due = []
        while self.due and self.due[0][0] <= read_bytes:
            _, told = self.due.popleft()
            due.append(told)
            self._note(told)
        return due

    def _note(self, told: Told) -> None:
        ends = told.what == "refused" or told.kind in (WORK_COMPLETE, WORK_FAIL, WORK_EXCEPTION)
        in_background = not self.open[told.owner, told.position]
        if ends or (told.what == "confirmed" and in_background):
            del self.open[told.owner, told.position]

    @invariant()
    def it_counts_what_is_unconfirmed(self) -> None:
        on_their_way = sum(told.what != "reported" for _, told in self.due)
        assert self.role.unconfirmed_count == on_their_way + sum(each is not None for each in self.owed)

    def teardown(self) -> None:
        lost = [(each.owner, position) for each in self.role.close() for position in each.positions]
        assert sorted(lost) == sorted(self.open)


TestClientHistories = ClientHistory.TestCase


def test_the_strays_are_whole_packets() -> None:
    assert len(packets_in(b"".join(STRAYS), b"\0RES")) == len(STRAYS)
