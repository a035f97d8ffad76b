"""Pages that are read in the repository become pages of the site."""

from pathlib import Path

import pytest

from tools.reference.fitting import PAGES, fit_to_site, raise_headings

DOC = Path(__file__).parents[3] / "doc"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('<a id="copy-rate"></a>\n', "(copy-rate)=\n"),
        ("in a line <a id='x'></a>\n", "in a line <a id='x'></a>\n"),
        ("see [this](../README.md#jobs) and [that](limits.md)", "see [this](index.md#jobs) and [that](limits.md)"),
        ("[how](../benchmarks/README.md)", "[how](benchmarking.md)"),
        ("```console terminal=web1\n$ true\n```\n", "```{code-block} console\n:caption: web1\n\n$ true\n```\n"),
        ("```console any-order terminal=a b\n", "```{code-block} console\n:caption: a\n\n"),
        ("```console no-test: why\n", "```console no-test: why\n"),
    ],
)
def test_what_only_one_of_the_two_knows_is_translated(text: str, expected: str) -> None:
    assert fit_to_site(text) == expected


def test_a_generated_part_comes_in_the_place_of_its_block() -> None:
    page = fit_to_site("Before.\n\n```{generated} exit-statuses\nWritten later.\n```\n\nBehind.\n")
    assert page.startswith("Before.\n\n| exit status | means |\n")
    assert page.endswith("\n\nBehind.\n")
    assert "Written later" not in page


def test_headings_of_the_readme_rise_by_one() -> None:
    assert raise_headings("## One\n### Two\n\n### Three\n") == "## One\n## Two\n\n## Three\n"


@pytest.mark.parametrize(("file", "page"), PAGES.items())
def test_what_links_are_led_to_is_there(file: str, page: str) -> None:
    assert (DOC / file).is_file()
    assert (DOC / page).is_file()
