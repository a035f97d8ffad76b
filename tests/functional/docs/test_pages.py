"""Every block of code in the documentation is run, parsed, or says why it cannot be; and what it shows is true."""

from pathlib import Path

import pytest

from tests.functional.docs.pages import page_names, read_page
from tests.functional.docs.rules import cover
from tests.functional.docs.walk import walk

every_page = pytest.mark.parametrize("name", page_names())

# The whole of the documentation: more blocks that are not run need a thought, and a new number here.
UNTESTED_LIMIT = 12


@every_page
def test_each_block_is_covered_by_a_rule(name: str) -> None:
    for block in read_page(name).blocks:
        cover(block)


@every_page
def test_the_page_is_true(name: str, tmp_path: Path) -> None:
    walk(read_page(name), tmp_path / "machine")


def test_few_blocks_are_not_run() -> None:
    untested = [
        f"{block.place}: {block.reason}"
        for name in page_names()
        for block in read_page(name).blocks
        if block.reason is not None
    ]
    assert len(untested) <= UNTESTED_LIMIT, "\n".join(untested)
