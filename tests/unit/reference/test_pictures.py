"""The drawn pictures of the documentation are those of the tree, and that of the layers is true."""

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from tests.unit.import_rules import MAY_IMPORT
from tools.pictures.album import PICTURES
from tools.pictures.layers import rows

FOLDER = Path(__file__).parents[3] / "doc" / "pictures"
SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_in_the_tree_is_as_it_is_drawn_now(name: str) -> None:
    assert (FOLDER / f"{name}.svg").read_text() == PICTURES[name](), "run: make generated"


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_says_in_words_what_it_shows(name: str) -> None:
    picture = ElementTree.fromstring(PICTURES[name]())
    assert len(picture.findtext(f"{SVG}title") or "") > 10
    assert len(picture.findtext(f"{SVG}desc") or "") > 50


def test_every_part_stands_above_all_that_it_may_import() -> None:
    row_of = {part: number for number, row in enumerate(rows()) for part in row}
    assert row_of.keys() == {part for part in MAY_IMPORT if not part.startswith("__")}
    for part, number in row_of.items():
        assert all(row_of[other] > number for other in MAY_IMPORT[part].split())
