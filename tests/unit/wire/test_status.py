"""Answers to `status`, whole, in pieces, and such as are none."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gearhorn.wire import status
from gearhorn.wire.status import NO_OTHERS, Answered, Counts, StatusRole
from tests.unit.wire.streams import cuts_of

ANSWER = b"fanout\t0\t0\t2\nnews_bob\t12\t2\t0\nnews_eve\t9\t0\t0\nnews_ann\t50\t1\t3\nnews_old\t0\t0\t0\n.\n"
OVER_9 = {b"news_bob": Counts(10, 0)}


def heard(role: StatusRole, *pieces: bytes) -> bool:
    """Whether the answer was complete with the last piece, and not before. It has been read then."""
    told = [role.receive(piece) for piece in pieces]
    for _ in role.read():
        pass
    return told == [[]] * (len(pieces) - 1) + [[Answered()]]


def test_it_asks_once() -> None:
    role = StatusRole(0)
    assert role.take_pieces() == [b"status\n"]
    assert role.take_pieces() == []


def test_queues_without_a_worker_and_with_more_jobs_waiting_than_that_are_seen() -> None:
    role = StatusRole(9)
    assert heard(role, ANSWER)
    assert role.counts == OVER_9


def test_queues_that_are_wanted_are_seen_whatever_they_have() -> None:
    role = StatusRole(NO_OTHERS, [b"news_ann", b"news_old", b"fanout", b"news_eve", b"unknown"])
    assert heard(role, ANSWER)
    assert role.counts == {
        b"news_ann": Counts(49, 3),
        b"news_old": Counts(0, 0),
        b"fanout": Counts(0, 2),
        b"news_eve": Counts(9, 0),
    }


@given(cuts_of(ANSWER))
def test_an_answer_may_come_in_any_pieces(pieces: list[bytes]) -> None:
    role = StatusRole(9)
    assert heard(role, *pieces)
    assert (role.counts, role.violation) == (OVER_9, None)


def test_lines_may_end_as_those_of_telnet_do() -> None:
    role = StatusRole(9)
    assert heard(role, ANSWER.replace(b"\n", b"\r\n"))
    assert role.counts == OVER_9


def test_a_server_may_know_no_queue() -> None:
    role = StatusRole(0)
    assert heard(role, b".\n")
    assert heard(StatusRole(0), b".", b"\r", b"\n")
    assert role.counts == {}


def test_a_queue_called_like_the_end_is_not_the_end() -> None:
    role = StatusRole(0)
    assert not heard(role, b".\t5\t0\t0\nnews.\t6\t0\t0\n")
    assert role.counts == {b".": Counts(5, 0), b"news.": Counts(6, 0)}


def test_names_may_be_any_bytes() -> None:
    role = StatusRole(0)
    assert heard(role, "größe 1_ü\t5\t0\t0\n\xff\t1\t0\t0\n.\n".encode("latin-1"))
    assert len(role.counts) == 2


@given(st.lists(st.binary(max_size=200)))
def test_what_is_no_answer_breaks_nothing(garbage: list[bytes]) -> None:
    heard(StatusRole(0, [b""]), *garbage, b"\n.\n")


def test_a_refusal_is_a_violation() -> None:
    role = StatusRole(0)
    assert not heard(role, b"ERR unknown_command\n.\n")
    assert "refused" in str(role.violation)


def test_an_answer_without_end_is_a_violation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status, "ANSWER_LIMIT_BYTES", 10)
    role = StatusRole(0)
    assert role.receive(b"0123456789") == []
    assert role.violation is None
    assert role.receive(b"\n.\n") == []
    assert "more than 10 bytes" in str(role.violation)


def test_a_long_answer_is_read_bit_by_bit() -> None:
    role = StatusRole(0)
    lines = b"".join(b"topic_host%06d\t%d\t0\t0\n" % (number, number) for number in range(30_000))
    assert role.receive(lines + b".\n") == [Answered()]
    seen = [len(role.counts) for _ in role.read()]
    assert len(role.counts) == 29_999
    assert len(seen) > 5
    assert max(after - before for before, after in pairwise([0, *seen])) < 4000


def test_every_queue_where_jobs_wait_is_told_whether_it_is_served_or_not() -> None:
    told: dict[bytes, int] = {}
    role = StatusRole(9, on_backlog=told.__setitem__)
    assert heard(role, ANSWER)
    assert told == {b"news_bob": 10, b"news_eve": 9, b"news_ann": 49}
    assert role.counts == OVER_9
