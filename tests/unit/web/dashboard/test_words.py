"""Numbers as people read them."""

import pytest

from gearhorn.web.dashboard import words


@pytest.mark.parametrize(
    ("per_s", "text"),
    [
        (None, "–"),
        (0, "0"),
        (0.01, "<0.1"),
        (0.44, "0.4"),
        (12, "12"),
        (12.54, "12.5"),
        (99.96, "100"),
        (1234.5, "1,234"),
    ],
)
def test_a_rate_has_a_digit_behind_the_point_where_that_says_something(per_s: float | None, text: str) -> None:
    assert words.rate(per_s) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "–"),
        (-3, "0 s"),
        (0.4, "0 s"),
        (119, "119 s"),
        (120, "2 min"),
        (7199, "119 min"),
        (7200, "2 h"),
        (172800, "2 d"),
    ],
)
def test_a_span_is_told_in_the_unit_that_fits(seconds: float | None, text: str) -> None:
    assert words.span(seconds) == text


def test_a_moment_that_no_calendar_has_is_empty() -> None:
    assert [words.moment(at_s) for at_s in (None, 1e20, float("nan"))] == ["", "", ""]
    assert words.clock(1e20) == ""
    assert words.clock(0) == "1970-01-01 00:00:00 UTC"


def test_one_is_not_many() -> None:
    assert words.plural(1, "copy", "copies") == "1 copy"
    assert words.plural(1200, "copy", "copies") == "1,200 copies"
    assert words.plural(0, "topic") == "0 topics"
