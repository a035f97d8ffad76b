"""Patterns of topics and client ids."""

import fnmatch
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gearhorn.signing.patterns import Patterns


@pytest.mark.parametrize(
    ("pattern", "fits", "does_not"),
    [
        ("news", ["news"], ["new", "newss", "News", "xnews", "", "news\n", "\nnews"]),
        ("*", ["", "a", "a.b/c", "__matchmaking", "ü\n"], []),
        ("news.*", ["news.", "news.a.b"], ["news", "newsXa"]),
        ("*.news", [".news", "a.b.news"], ["news", "a.news."]),
        ("a*b*c", ["abc", "aXbYc", "abcbc"], ["ab", "acb", "abcX"]),
        ("host-?", ["host-1", "host-ü"], ["host-", "host-12"]),
        ("?", ["a"], ["", "ab"]),
        ("?*", ["a", "abc"], [""]),
        ("a[bc]", ["a[bc]"], ["ab", "ac"]),
        ("a{b,c}", ["a{b,c}"], ["ab"]),
        ("a.c", ["a.c"], ["abc"]),
        ("a\\*", ["a\\", "a\\b"], ["a*"]),
        ("", [""], ["a"]),
        ("**", ["", "a"], []),
    ],
)
def test_a_pattern_fits_whole_names(pattern: str, fits: list[str], does_not: list[str]) -> None:
    assert [name for name in fits if not Patterns([pattern]).fit(name)] == []
    assert [name for name in does_not if Patterns([pattern]).fit(name)] == []


def test_any_of_several_will_do_and_none_fits_nothing() -> None:
    patterns = Patterns(["a", "b*"])
    assert [name for name in ("a", "b", "bc", "c", "ab") if patterns.fit(name)] == ["a", "b", "bc"]
    assert not Patterns().fit("")


@given(st.text("ab*?", max_size=12), st.text("ab", max_size=12))
def test_it_agrees_with_the_standard_library(pattern: str, name: str) -> None:
    assert Patterns([pattern]).fit(name) == bool(re.fullmatch(fnmatch.translate(pattern), name))


def test_many_stars_cost_little() -> None:
    """A regular expression would go on for longer than the universe."""
    begun_s = time.process_time()
    assert not Patterns(["a*" * 100 + "b"]).fit("a" * 255)
    assert time.process_time() - begun_s < 5
