"""The table of variables of the environment has all that the package asks for."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import gearhorn
from tools.reference.commands import read_commands
from tools.reference.environment import VARIABLES, variables_of

PACKAGE = Path(gearhorn.__file__).parent
NAME = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)+")

# Asked for by a library of ours: rich.
OF_LIBRARIES = {"NO_COLOR"}


def strings_near_the_environment(source: str) -> Iterator[str]:
    """Of a module that has to do with the environment: every string that could be the name of a variable."""
    if "environ" in source:
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and NAME.fullmatch(node.value):
                yield node.value


def asked_for() -> set[str]:
    names = {name for path in PACKAGE.rglob("*.py") for name in strings_near_the_environment(path.read_text())}
    assert {"GEARMAN_SERVERS", "NOTIFY_SOCKET", "GEARHORN_SIGN_KEY"} <= names
    return names


def test_every_variable_that_is_asked_for_is_in_the_table() -> None:
    assert asked_for() - {variable.name for variable in VARIABLES} == set()


def test_the_table_has_no_variable_that_nobody_asks_for() -> None:
    assert {variable.name for variable in VARIABLES} - asked_for() - OF_LIBRARIES == set()


def test_every_variable_is_on_the_page_of_a_command() -> None:
    shown = {variable.name for command in read_commands().walk() for variable in variables_of(command)}
    assert shown == {variable.name for variable in VARIABLES}
