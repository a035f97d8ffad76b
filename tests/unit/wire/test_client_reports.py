"""What workers say of foreground jobs reaches whoever waits for them, once each."""

import pytest

from gearhorn.wire.client import ClientRole
from gearhorn.wire.client_events import ENDINGS, Reported
from tests.unit.wire.streams import REQ, packet
from tests.unit.wire.test_client import created, lost, submitting

WORK_STATUS, WORK_COMPLETE, WORK_FAIL, WORK_EXCEPTION, WORK_DATA, WORK_WARNING = 12, 13, 14, 25, 28, 29


def waiting(*handle_numbers: int) -> ClientRole[str]:
    """A client whose foreground submits 0, 1, ... got these handles."""
    role = submitting(("ann", 0, len(handle_numbers), True))
    role.receive(b"".join(created(number) for number in handle_numbers))
    return role


def event(kind: int, number: int, *data: bytes) -> bytes:
    return packet(kind, b"H:lap:%d" % number, *data)


def test_the_kinds_that_end_a_job_are_those_of_the_protocol() -> None:
    assert {WORK_COMPLETE, WORK_FAIL, WORK_EXCEPTION} == ENDINGS


@pytest.mark.parametrize("kind", [WORK_STATUS, WORK_COMPLETE, WORK_EXCEPTION, WORK_DATA, WORK_WARNING])
@pytest.mark.parametrize("data", [b"", b"data", b"a\0b", packet(WORK_FAIL, b"H:lap:1")])
def test_a_report_carries_its_bytes(kind: int, data: bytes) -> None:
    role = waiting(1)
    assert role.receive(event(kind, 1, data)) == [Reported("ann", 0, kind, data)]


@pytest.mark.parametrize("kind", sorted(ENDINGS))
def test_an_ending_ends_the_waiting(kind: int) -> None:
    role = waiting(1)
    assert len(role.receive(event(kind, 1, b""))) == 1
    assert role.receive(event(WORK_DATA, 1, b"late")) == []
    assert lost(role) == []


@pytest.mark.parametrize("kind", [WORK_STATUS, WORK_DATA, WORK_WARNING])
def test_anything_else_does_not(kind: int) -> None:
    role = waiting(1)
    role.receive(event(kind, 1, b""))
    assert lost(role) == [("ann", [0])]


@pytest.mark.parametrize("body", [b"H:lap:1", b"H:lap:1\0", b"H:lap:1\0extra"])
def test_a_failure_is_known_by_its_handle_with_and_without_nul(body: bytes) -> None:
    """gearmand writes a NUL behind it where it stands for an exception."""
    role = waiting(1)
    (report,) = role.receive(packet(WORK_FAIL, body))
    assert report[:3] == ("ann", 0, WORK_FAIL)


def test_geards_failure_with_the_magic_of_a_request_is_understood() -> None:
    role = waiting(1)
    assert role.receive(packet(WORK_FAIL, b"H:lap:1", magic=REQ)) == [Reported("ann", 0, WORK_FAIL, b"")]


def test_each_handle_has_its_own_waiter() -> None:
    role = waiting(5, 6, 7)
    assert [report[1] for report in role.receive(event(WORK_COMPLETE, 7, b"") + event(WORK_COMPLETE, 5, b""))] == [2, 0]
    assert lost(role) == [("ann", [1])]


def test_perls_failure_behind_an_exception_is_not_a_second_ending() -> None:
    role = waiting(1)
    reports = role.receive(event(WORK_EXCEPTION, 1, b"text") + event(WORK_FAIL, 1))
    assert reports == [Reported("ann", 0, WORK_EXCEPTION, b"text")]


def test_a_completion_behind_a_failure_is_not_a_second_ending() -> None:
    """gearmand: a running job that was cancelled."""
    role = waiting(1)
    assert len(role.receive(event(WORK_FAIL, 1) + event(WORK_COMPLETE, 1, b""))) == 1


@pytest.mark.parametrize("kind", [WORK_STATUS, WORK_COMPLETE, WORK_FAIL, WORK_EXCEPTION, WORK_DATA, WORK_WARNING])
@pytest.mark.parametrize("body", [b"", b"\0", b"H:lap:9\0data", b"H:lap:1 \0"])
def test_unknown_handles_are_nobodys_business(kind: int, body: bytes) -> None:
    role = waiting(1)
    assert role.receive(packet(kind, body)) == []
    assert lost(role) == [("ann", [0])]


def test_background_jobs_have_no_waiter() -> None:
    role = submitting(("ann", 0, 2, False))
    role.receive(created(1) * 2)
    assert role.receive(event(WORK_COMPLETE, 1, b"")) == []


def test_a_handle_can_be_used_again_after_its_end() -> None:
    role = waiting(1)
    role.receive(event(WORK_COMPLETE, 1, b"first"))
    role.submit("bob", 7, 1, b"", foreground=True)
    role.receive(created(1))
    assert role.receive(event(WORK_COMPLETE, 1, b"second")) == [Reported("bob", 7, WORK_COMPLETE, b"second")]


def test_coalesced_submits_get_every_event_once_each() -> None:
    role = waiting(1, 1, 1)
    reports = role.receive(event(WORK_DATA, 1, b"a") * 3 + event(WORK_DATA, 1, b"b") * 3)
    assert [(report[1], report[3]) for report in reports] == [
        (position, data) for data in (b"a", b"b") for position in range(3)
    ]
    ends = role.receive(event(WORK_COMPLETE, 1, b"end") * 3)
    assert [report[1] for report in ends] == [0, 1, 2]
    assert lost(role) == []


def test_what_is_left_of_coalesced_submits_is_lost() -> None:
    role = waiting(1, 1, 1)
    role.receive(event(WORK_COMPLETE, 1, b"") * 2)
    assert lost(role) == [("ann", [2])]


def test_a_submit_that_joins_later_gets_events_from_then_on() -> None:
    role = waiting(1)
    role.receive(event(WORK_DATA, 1, b"before"))
    role.submit("bob", 0, 1, b"", foreground=True)
    role.receive(created(1))
    reports = role.receive(event(WORK_DATA, 1, b"after") * 2)
    assert [(report[0], report[3]) for report in reports] == [("ann", b"after"), ("bob", b"after")]


def test_a_join_begins_the_rotation_anew() -> None:
    role = waiting(1, 1)
    role.receive(event(WORK_DATA, 1, b"to one of them only"))
    role.submit("bob", 0, 1, b"", foreground=True)
    role.receive(created(1))
    reports = role.receive(event(WORK_DATA, 1, b"to all") * 3)
    assert [report[:2] for report in reports] == [("ann", 0), ("ann", 1), ("bob", 0)]


def test_an_end_in_the_middle_of_a_rotation_leaves_the_others_theirs() -> None:
    role = waiting(1, 1, 1)
    role.receive(event(WORK_DATA, 1, b"") * 2 + event(WORK_COMPLETE, 1, b""))
    reports = role.receive(event(WORK_DATA, 1, b"") * 2 + event(WORK_COMPLETE, 1, b"") * 2)
    assert [report[1] for report in reports] == [1, 2, 1, 2]


def test_coalesced_submits_of_different_owners_each_get_their_end() -> None:
    role = submitting(("ann", 3, 1, True), ("bob", 8, 1, True))
    role.receive(created(1) * 2)
    reports = role.receive(event(WORK_EXCEPTION, 1, b"no") * 2)
    assert [report[:2] for report in reports] == [("ann", 3), ("bob", 8)]


def test_submits_that_are_coalesced_with_some_of_a_row_wait_beside_them() -> None:
    role = waiting(1, 2, 1, 3)
    role.submit("bob", 0, 3, b"", foreground=True)
    role.receive(created(4) + created(2) + created(5))
    ends = role.receive(b"".join(event(WORK_COMPLETE, number, b"") for number in (1, 1, 2, 2, 3, 4, 5)))
    assert [report[:2] for report in ends] == [
        *(("ann", 0), ("ann", 2), ("ann", 1), ("bob", 1), ("ann", 3), ("bob", 0), ("bob", 2))
    ]
    assert lost(role) == []


def test_endings_in_a_row_are_those_of_each_handle() -> None:
    role = waiting(1, 2, 3, 4)
    answers = {3: b"c", 1: b"a", 9: b"?", 2: b"b"}
    ends = role.receive(b"".join(event(WORK_COMPLETE, number, data) for number, data in answers.items()))
    assert ends == [
        Reported("ann", position, WORK_COMPLETE, data) for position, data in ((2, b"c"), (0, b"a"), (1, b"b"))
    ]
    assert lost(role) == [("ann", [3])]


@pytest.mark.parametrize("kind", [6, 10, 17, 42, 99])
def test_packets_of_other_types_mean_nothing(kind: int) -> None:
    role = waiting(1)
    assert role.receive(packet(kind, b"H:lap:1", b"whatever")) == []
    assert role.violation is None
