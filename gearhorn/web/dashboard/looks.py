"""How states look: a tone and a shape, since some readers tell no colours apart."""

from typing import NamedTuple

from gearhorn.core.health import DEAD, IDLE, LIVE, SUSPECT
from gearhorn.overview.verdict import ERROR, WARNING, WELL
from gearhorn.overview.views import HELD, PAUSED, RAN_OUT, REVOKED, UNSUBSCRIBED


class Look(NamedTuple):
    """`tone` is a class of the style sheet, `icon` one of parts.html."""

    tone: str
    icon: str


UP, DOWN = "up", "down"

_LOOKS = {
    LIVE: Look("good", "live"),
    IDLE: Look("quiet", "quiet"),
    SUSPECT: Look("warn", "warn"),
    DEAD: Look("bad", "bad"),
    PAUSED: Look("hold", "hold"),
    UNSUBSCRIBED: Look("warn", "none"),
    HELD: Look("good", "live"),
    REVOKED: Look("warn", "warn"),
    RAN_OUT: Look("bad", "bad"),
    UP: Look("good", "live"),
    DOWN: Look("bad", "bad"),
    WELL: Look("good", "good"),
    WARNING: Look("warn", "warn"),
    ERROR: Look("bad", "bad"),
}
_UNKNOWN = Look("quiet", "none")


def look_of(state: str | None) -> Look:
    return _LOOKS.get(state or "", _UNKNOWN)
