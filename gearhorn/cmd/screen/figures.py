"""Numbers and names as people read them in a narrow column."""

from gearhorn.overview.rendering import time_of

UNKNOWN = "-"
_UNITS = ((86400, "d"), (3600, "h"), (60, "m"))


def clean(text: str) -> str:
    """What a peer says may hold anything: no control character of it comes to a terminal or breaks a line."""
    return "".join(character if character.isprintable() else "?" for character in text)


def number(count: int | None) -> str:
    return UNKNOWN if count is None else f"{count:,}"


def rate(per_s: float | None) -> str:
    if per_s is None:
        return UNKNOWN
    return f"{per_s:,.0f}" if per_s >= 100 else f"{per_s:.1f}"


def milliseconds(seconds: float | None) -> str:
    return UNKNOWN if seconds is None else f"{seconds * 1000:,.1f} ms"


def span(seconds: float | None) -> str:
    """The two units that matter: 3d 4h, 12m 5s."""
    if seconds is None:
        return UNKNOWN
    rest = max(0, round(seconds))
    parts: list[str] = []
    for unit_s, name in _UNITS:
        count, rest = divmod(rest, unit_s)
        if count or parts:
            parts.append(f"{count}{name}")
    return " ".join([*parts, f"{rest}s"][:2])


def moment(unix_s: float | None) -> str:
    return time_of(unix_s) or UNKNOWN
