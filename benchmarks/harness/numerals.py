"""Figures as people read them: three digits that count, thousands apart."""

from harness.rounds import Spread

DIGITS = 3


def figure(number: float) -> str:
    """12,300 and 12.3 and 0.0123: more digits would claim what the spread beside them denies. Counts are whole."""
    rounded = float(f"{number:.{DIGITS}g}")
    if abs(rounded) >= 100 or number == int(number):
        return f"{rounded:,.0f}"
    return f"{rounded:,.{_decimals(rounded)}f}"


def exact(number: float) -> str:
    """One that somebody has chosen: 0.85, 15, 5,000."""
    return f"{number:,.12g}"


def spread(measured: Spread) -> str:
    """The median, and what was lowest and highest where that is another figure."""
    middle, low, high = map(figure, measured)
    return middle if low == middle == high else f"{middle} ({low}–{high})"


def _decimals(rounded: float) -> int:
    """As many places as show three digits: 1 for 12.3, 2 for 1.23, 4 for 0.0123."""
    exponent = int(f"{rounded:e}".partition("e")[2])
    return max(0, DIGITS - 1 - exponent)
