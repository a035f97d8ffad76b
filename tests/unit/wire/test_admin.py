"""Answers to admin commands: a line, or a list with a dot at its end."""

from gearhorn.wire.admin import AdminRole
from gearhorn.wire.status import Answered


def read(role: AdminRole) -> list[str]:
    for _ in role.read():
        pass
    return role.lines


def test_a_command_ends_as_gearmand_needs_it() -> None:
    assert AdminRole("drop function x").take_pieces() == [b"drop function x\r\n"]


def test_one_line_is_an_answer() -> None:
    role = AdminRole("getpid")
    assert role.receive(b"OK 3") == []
    assert role.receive(b"06\n") == [Answered()]
    assert read(role) == ["OK 306"]


def test_a_refusal_in_one_line_is_an_answer_too() -> None:
    role = AdminRole("drop function x")
    assert role.receive(b"ERR function not found\r\n") == [Answered()]
    assert read(role) == ["ERR function not found"]


def test_a_list_ends_with_a_dot_that_is_none_of_its_lines() -> None:
    role = AdminRole("workers", is_list=True)
    assert role.receive(b"31 ::1 x : fanout\n") == []
    assert role.receive(b".\n") == [Answered()]
    assert read(role) == ["31 ::1 x : fanout"]


def test_a_list_that_is_refused_is_none() -> None:
    role = AdminRole("workers", is_list=True)
    role.receive(b"ERR UNKNOWN\n")
    assert role.violation is not None
