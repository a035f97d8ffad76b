"""Whether another process has ended is told only where it can be known: who is taken for dead loses its lease."""

import os
import subprocess
from collections.abc import Iterator

import pytest

from gearhorn import process_marks
from gearhorn.process_marks import is_alive, mark_of, own_mark

Child = subprocess.Popen[bytes]


@pytest.fixture
def child() -> Iterator[Child]:
    """Lives until its input is closed."""
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as child:
        yield child


def test_this_process_lives() -> None:
    assert set(own_mark()) == {"boot", "pids", "pid", "started"}
    assert is_alive(own_mark()) is True


def test_another_process_lives_until_it_has_ended(child: Child) -> None:
    mark = mark_of(child.pid)
    assert is_alive(mark) is True
    child.communicate()
    assert is_alive(mark) is False


def test_one_that_has_ended_and_that_its_parent_has_not_looked_for_is_dead(child: Child) -> None:
    mark = mark_of(child.pid)
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert is_alive(mark) is False


def test_a_process_of_another_user_is_not_taken_for_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    assert is_alive(mark_of(1)) is not False

    def kill(pid: int, signal: int) -> None:  # as it is for anybody but root
        assert signal == 0
        raise PermissionError

    monkeypatch.setattr(os, "kill", kill)
    assert is_alive(own_mark()) is True


def test_a_number_that_another_process_has_by_now_is_told_by_the_start() -> None:
    assert is_alive(own_mark() | {"started": "1"}) is False


@pytest.mark.parametrize("change", [{"boot": "another"}, {"pids": "pid:[1]"}])
@pytest.mark.parametrize("pid", ["999999999", str(os.getpid())])
def test_of_another_machine_or_container_nothing_is_known(change: dict[str, str], pid: str) -> None:
    assert is_alive(own_mark() | {"pid": pid} | change) is None


def test_what_later_releases_may_add_does_not_matter() -> None:
    assert is_alive(own_mark() | {"thread": "1"}) is True


@pytest.mark.parametrize("pid", ["", "x", "-1", "0", "1.0", "²", "9" * 10, "9" * 5000])
def test_of_a_number_that_is_none_nothing_is_known(pid: str) -> None:
    assert is_alive(own_mark() | {"pid": pid}) is None


@pytest.mark.parametrize("key", ["boot", "pids", "pid", "started"])
def test_of_half_a_mark_nothing_is_known(key: str) -> None:
    mark = own_mark() | {"pid": "999999999"}
    assert is_alive(mark) is False
    del mark[key]
    assert is_alive(mark) is None


def test_of_no_mark_nothing_is_known() -> None:
    assert is_alive({}) is None


def test_where_processes_have_no_marks_nothing_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    mark = own_mark()
    monkeypatch.setattr(process_marks, "own_mark", dict)
    assert is_alive(mark) is None
    assert is_alive({}) is None


@pytest.mark.parametrize("error", [PermissionError, FileNotFoundError, OSError])
def test_a_process_that_is_there_and_hidden_is_not_taken_for_dead(
    monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    mark, own = mark_of(os.getppid()), own_mark()

    def stat(pid: int) -> list[str]:
        raise error

    monkeypatch.setattr(process_marks, "own_mark", lambda: own)
    monkeypatch.setattr(process_marks, "_stat", stat)
    assert is_alive(mark) is None
    assert mark_of(os.getppid()) == {}
