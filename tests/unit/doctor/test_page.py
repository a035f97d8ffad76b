"""doc/doctor.md has every finding, as the catalogue has it."""

import re
from pathlib import Path

import pytest

from gearhorn.doctor.catalogue import CATALOGUE, SEVERITIES

PAGE = Path(__file__).parents[3] / "doc" / "doctor.md"
_ROW = re.compile(r"^\| `([a-z-]+)` \| (\w+) \| (.+?) \| `(.+)` \|$", re.MULTILINE)


def rows() -> dict[str, tuple[str, str, str]]:
    return {code: (severity, meaning, fix) for code, severity, meaning, fix in _ROW.findall(PAGE.read_text())}


@pytest.mark.parametrize("code", CATALOGUE)
def test_a_finding_is_on_the_page_word_by_word(code: str) -> None:
    entry = CATALOGUE[code]
    fix = re.sub(r"\{(OPTIONS|STORE|SERVERS)\}", "", entry.fix)
    fix = re.sub(r"\{([A-Z]+)\}", r"\1", fix).replace("|", "\\|")
    assert rows()[code] == (entry.severity, entry.meaning, fix)


def test_there_is_nothing_else_on_the_page() -> None:
    assert rows().keys() == CATALOGUE.keys()
    assert {severity for severity, _, _ in rows().values()} == set(SEVERITIES)
