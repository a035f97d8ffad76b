"""Answers come in the order of the questions; what is open at the end is named, and nothing else."""

from collections.abc import Callable

import pytest

from gearhorn.wire.client import ClientRole
from gearhorn.wire.client_events import Confirmed, Lost, Refused
from gearhorn.wire.packets import Complaint
from tests.unit.wire.streams import REQ, bytewise, packet, packets_in

JOB_CREATED, GET_STATUS, ERROR, STATUS_RES, SET_CLIENT_ID = 8, 15, 19, 20, 22
OPTION_REQ, OPTION_RES = 26, 27

FULL = packet(ERROR, b"QUEUE_ERROR", b"Job queue is full")
NOT_KNOWN = packet(STATUS_RES, b"H:gearhorn-probe", b"0", b"0", b"0", b"0")


def created(number: int) -> bytes:
    return packet(JOB_CREATED, b"H:lap:%d" % number)


def refused(owner: str, position: int) -> Refused[str]:
    return Refused(owner, position, "QUEUE_ERROR Job queue is full")


def submitting(*rows: tuple[str, int, int, bool]) -> ClientRole[str]:
    """A client with these rows of submits on their way: owner, first position, count, foreground."""
    role: ClientRole[str] = ClientRole()
    for owner, first, count, foreground in rows:
        role.submit(owner, first, count, b"", foreground=foreground)
    return role


def lost(role: ClientRole[str]) -> list[tuple[str, list[int]]]:
    return [(each.owner, list(each.positions)) for each in role.close()]


BACKGROUND = ("ann", 10, 4, False)


def test_it_sends_what_it_is_told_in_order() -> None:
    role: ClientRole[str] = ClientRole()
    role.set_client_id(b"me")
    role.request_exceptions()
    role.submit("ann", 0, 1, b"encoded", foreground=False)
    role.probe()
    out = role.take_output()
    probe = b"\0REQ\0\0\0\x0f\0\0\0\x10H:gearhorn-probe"
    assert out == b"\0REQ\0\0\0\x16\0\0\0\2me\0REQ\0\0\0\x1a\0\0\0\x0aexceptionsencoded" + probe
    assert role.take_output() == b""


def test_the_handle_of_a_probe_is_short() -> None:
    """gearmand does not answer, or closes the connection, for one of 64 bytes."""
    role: ClientRole[str] = ClientRole()
    role.probe()
    ((kind, handle),) = packets_in(role.take_output(), REQ)
    assert kind == GET_STATUS
    assert 0 < len(handle) < 64


@pytest.mark.parametrize("into_pieces", [lambda stream: [stream], bytewise])
def test_confirmations_are_counted_in_order_whole_and_bytewise(into_pieces: Callable[[bytes], list[bytes]]) -> None:
    role = submitting(BACKGROUND)
    stream = b"".join(created(number) for number in range(8, 12))
    events = [event for piece in into_pieces(stream) for event in role.receive(piece)]
    assert [position for owner, first, length in events for position in range(first, first + length)] == [
        10,
        11,
        12,
        13,
    ]
    assert all(isinstance(event, Confirmed) and event.owner == "ann" for event in events)
    assert not role.awaits_answer


def test_a_run_of_confirmations_is_one_event() -> None:
    role = submitting(BACKGROUND)
    assert role.receive(created(1) * 4) == [Confirmed("ann", 10, 4)]


def test_a_run_stops_at_the_end_of_an_owners_row() -> None:
    role = submitting(BACKGROUND, ("bob", 0, 3, False))
    assert role.receive(created(1) * 6) == [Confirmed("ann", 10, 4), Confirmed("bob", 0, 2)]
    assert role.receive(created(1)) == [Confirmed("bob", 2, 1)]


def test_an_owner_may_have_several_rows() -> None:
    role = submitting(("ann", 0, 2, False), ("bob", 0, 1, False), ("ann", 2, 2, False))
    assert role.receive(created(1) * 5) == [Confirmed("ann", 0, 2), Confirmed("bob", 0, 1), Confirmed("ann", 2, 2)]


@pytest.mark.parametrize("foreground", [False, True])
@pytest.mark.parametrize("place", range(4))
def test_an_error_refuses_the_submit_whose_turn_it_is(place: int, foreground: bool) -> None:
    role = submitting(("ann", 10, 4, foreground))
    answers = [created(number) for number in range(4)]
    answers[place] = FULL
    events = role.receive(b"".join(answers))
    assert [event for event in events if isinstance(event, Refused)] == [refused("ann", 10 + place)]
    confirmed = [
        position
        for event in events
        if isinstance(event, Confirmed)
        for position in range(event[1], event[1] + event[2])
    ]
    assert confirmed == [position for position in range(10, 14) if position != 10 + place]


def test_everything_may_be_refused() -> None:
    role = submitting(BACKGROUND)
    assert role.receive(FULL * 4) == [refused("ann", position) for position in range(10, 14)]
    assert lost(role) == []


def test_a_refusal_says_what_the_server_said() -> None:
    role = submitting(("ann", 0, 1, False))
    (event,) = role.receive(packet(ERROR, b"0", b"Permission denied by ACL\0"))
    assert event == Refused("ann", 0, "0 Permission denied by ACL")


def test_an_error_without_an_open_submit_is_a_complaint() -> None:
    role = submitting()
    assert role.receive(FULL) == [Complaint("QUEUE_ERROR", "Job queue is full")]


@pytest.mark.parametrize("body", [b"UNKNOWN_OPTION\0Server does not recognize given option", b"unknown_option\0"])
def test_a_refused_option_takes_no_submits_turn(body: bytes) -> None:
    role = submitting(("ann", 0, 1, False))
    (complaint,) = role.receive(packet(ERROR, body))
    assert isinstance(complaint, Complaint)
    assert role.receive(created(1)) == [Confirmed("ann", 0, 1)]


def test_an_accepted_option_takes_no_turn() -> None:
    role = submitting(("ann", 0, 1, False))
    assert role.receive(packet(OPTION_RES, b"exceptions") + created(1)) == [Confirmed("ann", 0, 1)]


def test_a_probe_has_its_turn_among_the_submits() -> None:
    role = submitting(BACKGROUND)
    role.probe()
    role.submit("bob", 0, 2, b"", foreground=False)
    assert role.receive(created(1) * 4 + NOT_KNOWN + created(1) * 2) == [
        Confirmed("ann", 10, 4),
        Confirmed("bob", 0, 2),
    ]
    assert not role.awaits_answer


@pytest.mark.parametrize("answer", [NOT_KNOWN, packet(STATUS_RES, b"H:gearhorn-probe", b"0", b"0", b"", b"")])
def test_every_servers_answer_to_a_probe_will_do(answer: bytes) -> None:
    role = submitting()
    role.probe()
    assert role.awaits_answer
    assert role.receive(answer) == []
    assert not role.awaits_answer


def test_an_error_while_a_probe_is_open_leaves_it_open() -> None:
    role = submitting()
    role.probe()
    assert role.receive(FULL) == [Complaint("QUEUE_ERROR", "Job queue is full")]
    assert role.awaits_answer


def test_it_awaits_an_answer_until_the_last_one_came() -> None:
    role = submitting(BACKGROUND)
    assert role.awaits_answer
    role.receive(created(1) * 3)
    assert role.awaits_answer
    assert role.unconfirmed_count == 1
    role.receive(created(1))
    assert not role.awaits_answer
    assert role.unconfirmed_count == 0


@pytest.mark.parametrize(
    ("rows", "probes", "answer"),
    [
        ((), 0, created(1)),
        ((), 1, created(1)),
        ((), 0, NOT_KNOWN),
        ((BACKGROUND,), 0, NOT_KNOWN),
        ((("ann", 0, 1, True),), 0, NOT_KNOWN),
        ((BACKGROUND,), 0, b"garbage, enough of it"),
        ((BACKGROUND,), 0, b"\0RES\0\0\0\x08\xff\xff\xff\xff"),
    ],
)
def test_an_answer_that_does_not_fit_is_a_violation(
    rows: tuple[tuple[str, int, int, bool], ...], probes: int, answer: bytes
) -> None:
    role = submitting(*rows)
    for _ in range(probes):
        role.probe()
    assert role.receive(answer) == []
    assert role.violation is not None
    assert role.receive(created(1)) == []


@pytest.mark.parametrize("broken", [NOT_KNOWN, b"garbage, enough of it"])
def test_what_came_before_a_violation_is_told_and_the_rest_is_lost(broken: bytes) -> None:
    role = submitting(BACKGROUND)
    assert role.receive(created(1) * 3 + broken) == [Confirmed("ann", 10, 3)]
    assert role.violation is not None
    assert lost(role) == [("ann", [13])]


def test_the_end_names_submits_without_answer_and_jobs_without_end() -> None:
    role = submitting(("ann", 0, 3, True), ("bob", 5, 4, False))
    role.probe()
    role.receive(created(1) + created(2) + packet(13, b"H:lap:1", b""))
    assert sorted(lost(role)) == [("ann", [1]), ("ann", [2]), ("bob", [5, 6, 7, 8])]


def test_the_end_names_nothing_twice() -> None:
    role = submitting(BACKGROUND, ("bob", 0, 1, True))
    assert role.close() == [Lost("ann", range(10, 14)), Lost("bob", range(1))]
    assert role.close() == []
    assert not role.awaits_answer
    assert role.unconfirmed_count == 0


def test_a_confirmed_background_job_is_nobodys_loss() -> None:
    role = submitting(BACKGROUND)
    role.receive(created(1) * 4)
    assert role.close() == []
