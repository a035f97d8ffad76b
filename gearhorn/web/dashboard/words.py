"""Numbers as people read them, in a page and in what a screen reader says. What cannot be told is a dash."""

from datetime import UTC, datetime

UNKNOWN = "–"

_MINUTE_S, _HOUR_S, _DAY_S = 60, 3600, 86400
# (from so many seconds on, the unit is so many, and is called). Two of the larger before the next one: "90 min".
_SPANS = ((2 * _DAY_S, _DAY_S, "d"), (2 * _HOUR_S, _HOUR_S, "h"), (2 * _MINUTE_S, _MINUTE_S, "min"))


def count(number: int | None) -> str:
    """1,234."""
    return UNKNOWN if number is None else f"{number:,}"


def rate(per_s: float | None) -> str:
    """A number for each second, with a digit behind the point where that says something: 0, 0.4, 12.5, 1,234."""
    if per_s is None:
        return UNKNOWN
    if per_s and per_s < 0.05:
        return "<0.1"
    rounded = round(per_s, 1)
    return f"{rounded:,.0f}" if rounded >= 100 or rounded == int(rounded) else f"{rounded:.1f}"


def span(seconds: float | None) -> str:
    """How long something lasts: 12 s, 5 min, 3 h, 9 d."""
    if seconds is None:
        return UNKNOWN
    for from_s, unit_s, name in _SPANS:
        if seconds >= from_s:
            return f"{int(seconds / unit_s):,} {name}"
    return f"{max(0, round(seconds))} s"


def moment(unix_s: float | None) -> str:
    """In the way of ISO 8601, in UTC. Empty also for what no calendar has."""
    try:
        return "" if unix_s is None else datetime.fromtimestamp(unix_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (OverflowError, ValueError, OSError):
        return ""


def clock(unix_s: float | None) -> str:
    """The same for people: 2026-03-01 12:30:00 UTC."""
    return moment(unix_s).replace("T", " ").replace("Z", " UTC")


def plural(number: int, one: str, many: str = "") -> str:
    """1 topic, 2 topics."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
