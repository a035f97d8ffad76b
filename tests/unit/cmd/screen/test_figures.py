"""Numbers and names in narrow columns."""

import pytest

from gearhorn.cmd.screen.figures import clean, milliseconds, number, rate, span


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "-"), (-3, "0s"), (5.4, "5s"), (65, "1m 5s"), (3600, "1h 0m"), (90061, "1d 1h")],
)
def test_a_span_has_the_two_units_that_matter(seconds: float | None, text: str) -> None:
    assert span(seconds) == text


def test_numbers_are_grouped_and_unknown_ones_marked() -> None:
    assert [number(1234567), number(0), number(None)] == ["1,234,567", "0", "-"]
    assert [rate(0.04), rate(12.34), rate(1234.5), rate(None)] == ["0.0", "12.3", "1,234", "-"]
    assert [milliseconds(0.0123), milliseconds(None)] == ["12.3 ms", "-"]


def test_no_control_character_of_a_peer_gets_through() -> None:
    assert clean("a\x1b[31mb\tc\nd\x9b\u202e") == "a?[31mb?c?d??"
