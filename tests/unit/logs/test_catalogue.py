"""Every line of the log is an event of the catalogue, with its fields; and every event is said somewhere."""

import ast
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from gearhorn.logs.catalogue import EVENTS, SUBJECTS, events_of
from gearhorn.logs.event import Event, Line

ROOT = Path(__file__).parents[3]
PACKAGE = ROOT / "gearhorn"
EVENTS_PACKAGE = "gearhorn.logs.events."

PLAIN_METHODS = ("debug", "info", "warning", "error", "exception", "critical", "log", "warn")
HOW = "say it with log.say(EVENT, field=value), see gearhorn/logs/event.py"
# Who may ask for a logger of the standard library, and why.
MAY_GET_LOGGERS = {
    "logs/event.py": "it is what says events",
    "logs/setting_up.py": "it sets up the root, and the libraries",
    "cmd/output.py": "it gives the handlers another form",
}
CONSTANTS = {
    name: event for subject in SUBJECTS for name, event in events_of(subject).items()
}  # by what the code calls them


class Call(NamedTuple):
    where: str
    event: str
    fields: frozenset[str]


def sources() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        yield str(path.relative_to(PACKAGE)), ast.parse(path.read_text())


def calls_of(name: str, tree: ast.Module) -> Iterator[Call]:
    imported = {
        alias.asname or alias.name: alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(EVENTS_PACKAGE)
        for alias in node.names
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-2:] == ["log", "say"]:
            (event,) = node.args
            known = imported.get(event.id, "") if isinstance(event, ast.Name) else ""
            fields = frozenset(keyword.arg or "**" for keyword in node.keywords) - {"because"}
            yield Call(f"{name}:{node.lineno}", known, fields)


def plain_lines(name: str, tree: ast.Module) -> Iterator[str]:
    """Calls of a logger's own methods, and loggers that are asked for."""
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        what, owner = node.func.attr, ast.unparse(node.func.value).rpartition(".")[2]
        if what in PLAIN_METHODS and owner in ("log", "_log", "logger", "_logger", "LOG", "logging"):
            yield f"{name}:{node.lineno}"
        if what == "getLogger":
            yield f"{name}:{node.lineno}"


CALLS = [call for name, tree in sources() for call in calls_of(name, tree)]


def test_a_call_of_a_logger_is_seen_wherever_it_stands() -> None:
    tree = ast.parse("class A:\n  def f(self):\n    self.log.info('x')\n\nlogging.warning('y')\nlogging.getLogger('z')")
    assert sorted(plain_lines("a.py", tree)) == ["a.py:3", "a.py:5", "a.py:6"]


def test_nothing_is_logged_that_is_no_event() -> None:
    found = [line for name, tree in sources() if name not in MAY_GET_LOGGERS for line in plain_lines(name, tree)]
    assert found == [], HOW


def test_every_line_is_an_event_of_the_catalogue() -> None:
    assert [call.where for call in CALLS if call.event not in CONSTANTS] == [], HOW


def test_every_line_gives_the_fields_that_its_event_has() -> None:
    wrong = [
        (call.where, sorted(call.fields), sorted(CONSTANTS[call.event].fields))
        for call in CALLS
        if call.event in CONSTANTS and call.fields != set(CONSTANTS[call.event].fields)
    ]
    assert wrong == []


def test_every_event_is_said_somewhere() -> None:
    assert sorted(CONSTANTS.keys() - {call.event for call in CALLS}) == []


def test_every_module_of_events_is_in_the_catalogue() -> None:
    modules = {path.stem for path in (PACKAGE / "logs/events").glob("*.py")} - {"__init__"}
    assert modules == {subject.__name__.rpartition(".")[2] for subject in SUBJECTS}


def test_each_name_is_used_once() -> None:
    assert len(EVENTS) == len(CONSTANTS) == sum(len(events_of(subject)) for subject in SUBJECTS)


@pytest.mark.parametrize("constant", sorted(CONSTANTS))
def test_an_event_is_called_in_the_code_as_in_the_log(constant: str) -> None:
    name = CONSTANTS[constant].name
    assert name.count(".") == 1
    assert name.replace(".", "_").upper() == constant


@pytest.mark.parametrize("event", EVENTS.values(), ids=lambda event: event.name)
def test_an_event_can_be_written_and_tells_an_operator_what_to_do(event: Event) -> None:
    assert str(Line(event, dict.fromkeys(event.fields, 1)))
    assert event.meaning.endswith(".")
    if event.level >= logging.WARNING:
        assert event.remedy.endswith("."), "what is an operator to do?"


@pytest.mark.parametrize("event", [event for event in EVENTS.values() if event.ended_by], ids=lambda event: event.name)
def test_what_lasts_has_a_line_for_its_end(event: Event) -> None:
    assert EVENTS[event.ended_by].level == logging.INFO


@pytest.mark.parametrize("event", [event for event in EVENTS.values() if event.ended_by], ids=lambda event: event.name)
def test_the_part_that_tells_of_a_trouble_tells_of_its_end(event: Event) -> None:
    parts: dict[str, set[str]] = {}
    for call in CALLS:
        if call.event in CONSTANTS:
            parts.setdefault(CONSTANTS[call.event].name, set()).add(call.where.partition(":")[0])
    assert parts[event.name] <= parts[event.ended_by]
