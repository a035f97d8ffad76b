"""What a server tells of itself, of all three kinds of servers."""

import pytest
from hypothesis import given

from gearhorn.wire.loads import Load, LoadRole, add_loads
from gearhorn.wire.status import Answered
from tests.unit.wire.streams import cuts_of

STATUS = b"fanout\t0\t0\t2\nnews_bob\t12\t2\t0\nnews_old\t0\t0\t0\n.\n"
LOADS = {b"fanout": Load(0, 0, 2), b"news_bob": Load(10, 2, 0)}


def read(role: LoadRole, *pieces: bytes) -> bool:
    """Whether the answer was complete with the last piece, and not before."""
    told = [role.receive(piece) for piece in pieces]
    for _ in role.read():
        pass
    return told == [[]] * (len(pieces) - 1) + [[Answered()]]


def test_version_and_queues_are_asked_for_together() -> None:
    assert LoadRole().take_pieces() == [b"version\nstatus\n"]


@pytest.mark.parametrize(
    ("first_line", "version"),
    [
        (b"OK 1.1.20+ds\n", "1.1.20+ds"),
        (b"v1.130.1\n", "v1.130.1"),
        (b"", ""),
        (b"ERR unknown_command \r\n", ""),
    ],
    ids=["gearmand", "perl", "geard", "refused"],
)
def test_a_version_is_read_where_there_is_one(first_line: bytes, version: str) -> None:
    role = LoadRole([b"fanout"])
    assert read(role, first_line + STATUS)
    assert (role.version, role.queue_count, role.loads) == (version, 3, LOADS)


def test_queues_without_jobs_leave_nothing_behind_unless_they_are_wanted() -> None:
    role = LoadRole()
    assert read(role, STATUS)
    assert role.loads == {b"news_bob": Load(10, 2, 0)}


@given(cuts_of(b"OK 1.1.20\n" + STATUS))
def test_an_answer_may_come_in_any_pieces(pieces: list[bytes]) -> None:
    role = LoadRole([b"fanout"])
    assert read(role, *pieces)
    assert (role.version, role.loads) == ("1.1.20", LOADS)


def test_a_server_that_knows_no_queue_tells_its_version_all_the_same() -> None:
    role = LoadRole()
    assert read(role, b"OK 1\n", b".\n")
    assert (role.version, role.queue_count) == ("1", 0)


def test_a_server_that_refuses_both_questions_is_no_server() -> None:
    role = LoadRole()
    role.receive(b"ERR no\nERR no\n")
    assert role.violation is not None


def test_loads_of_several_servers_add_up() -> None:
    assert add_loads(Load(1, 2, 3), Load(10, 20, 30)) == Load(11, 22, 33)
