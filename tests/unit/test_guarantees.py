"""Every row of doc/guarantees.md has a test that bears its number, and every such test a row."""

import ast
from collections import Counter
from pathlib import Path

from tests.functional.guarantees.page import PAGE, rows

FOLDER = Path(__file__).parents[1] / "functional" / "guarantees"


def row_tests() -> list[ast.FunctionDef]:
    trees = [ast.parse(file.read_text()) for file in sorted(FOLDER.glob("test_*.py"))]
    nodes = [node for tree in trees for node in tree.body if isinstance(node, ast.FunctionDef)]
    return [node for node in nodes if node.name.startswith("test_")]


def numbers() -> list[str]:
    return [(ast.get_docstring(test) or "").partition(":")[0] for test in row_tests()]


def test_every_row_has_one_test_and_every_test_a_row() -> None:
    assert Counter(numbers()) == Counter(rows().keys())


def test_a_test_is_named_after_its_row() -> None:
    for test, number in zip(row_tests(), numbers(), strict=True):
        assert test.name.startswith(f"test_{number.lower().replace('-', '')}_")


def test_a_test_of_a_row_that_quotes_the_log_looks_for_it() -> None:
    source = "\n".join(file.read_text() for file in FOLDER.glob("*.py"))
    for number, last in rows().items():
        if "`" in last:
            assert f'"{number}"' in source, f"nobody waits for the quotes of {number}"


def test_rows_are_numbered_in_their_order() -> None:
    assert list(rows()) == [f"G-{number:02}" for number in range(1, len(rows()) + 1)]


def test_what_a_row_refers_to_is_there() -> None:
    text = PAGE.read_text()
    referred = {word.strip(".,;:)") for word in text.replace("|", " ").split() if word.startswith("G-")}
    assert referred <= set(rows())
