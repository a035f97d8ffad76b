"""Answers to `status`, whole, in pieces, and such as are none."""

from hypothesis import given
from hypothesis import strategies as st

from gearhorn.wire.status import LINE_LIMIT_BYTES, NO_OTHERS, Answered, Counts, StatusRole
from tests.unit.wire.streams import cuts_of

ANSWER = b"fanout\t0\t0\t2\nnews_bob\t12\t2\t0\nnews_eve\t9\t0\t0\nnews_ann\t50\t1\t3\nnews_old\t0\t0\t0\n.\n"
OVER_9 = {b"news_bob": Counts(10, 0)}


def test_it_asks_once() -> None:
    role = StatusRole(0)
    assert role.take_pieces() == [b"status\n"]
    assert role.take_pieces() == []


def test_queues_without_a_worker_and_with_more_jobs_waiting_than_that_are_seen() -> None:
    role = StatusRole(9)
    assert role.receive(ANSWER) == [Answered()]
    assert role.counts == OVER_9


def test_queues_that_are_wanted_are_seen_whatever_they_have() -> None:
    role = StatusRole(NO_OTHERS, [b"news_ann", b"news_old", b"fanout", b"news_eve", b"unknown"])
    role.receive(ANSWER)
    assert role.counts == {
        b"news_ann": Counts(49, 3),
        b"news_old": Counts(0, 0),
        b"fanout": Counts(0, 2),
        b"news_eve": Counts(9, 0),
    }


@given(cuts_of(ANSWER))
def test_an_answer_may_come_in_any_pieces(pieces: list[bytes]) -> None:
    role = StatusRole(9)
    ends = [end for piece in pieces for end in role.receive(piece)]
    assert (ends, role.counts, role.violation) == ([Answered()], OVER_9, None)


def test_lines_may_end_as_those_of_telnet_do() -> None:
    role = StatusRole(9)
    assert role.receive(ANSWER.replace(b"\n", b"\r\n")) == [Answered()]
    assert role.counts == OVER_9


def test_a_server_may_know_no_queue() -> None:
    role = StatusRole(0)
    assert role.receive(b".\n") == [Answered()]
    assert role.counts == {}


def test_a_queue_called_like_the_end_is_not_the_end() -> None:
    role = StatusRole(0)
    assert role.receive(b".\t5\t0\t0\nnews.\t6\t0\t0\n") == []
    assert role.counts == {b".": Counts(5, 0), b"news.": Counts(6, 0)}


def test_names_may_be_any_bytes() -> None:
    role = StatusRole(0)
    role.receive("größe 1_ü\t5\t0\t0\n\xff\t1\t0\t0\n.\n".encode("latin-1"))
    assert len(role.counts) == 2


@given(st.binary(max_size=200))
def test_what_is_no_answer_breaks_nothing(garbage: bytes) -> None:
    role = StatusRole(0)
    role.receive(garbage)
    role.receive(b"\n.\n")


def test_another_answer_is_a_violation() -> None:
    role = StatusRole(0)
    assert role.receive(b"ERR unknown_command\n") == []
    assert "no answer to status" in str(role.violation)


def test_a_line_that_does_not_end_is_a_violation() -> None:
    role = StatusRole(0)
    assert role.receive(b"x" * LINE_LIMIT_BYTES) == []
    assert role.violation is None
    assert role.receive(b"x") == []
    assert "without an end" in str(role.violation)
