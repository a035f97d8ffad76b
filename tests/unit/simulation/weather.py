"""What may go wrong in one history, and how often.

Each history has a few kinds of trouble of its own, drawn from its seed. Were each of them in every history, most would
be about the same one.
"""

from random import Random
from typing import NamedTuple

BLOWS = ("crash", "pause", "hesitate")
FAULTS = ("crash", "pause", "cut", "outage", "twin", "leave", "loss")


class Weather(NamedTuple):
    """Shares are between 0 and 1. Messages are those between workers, with their acknowledgements."""

    # Whatever travels takes up to `brisk_s` seconds, a share of it, `late`, up to `late_s`.
    brisk_s: float = 0.05
    late: float = 0.0
    late_s: float = 0.0
    # Messages that are lost, and that come twice.
    dropped: float = 0.0
    doubled: float = 0.0
    # They wait in their queue for up to so many seconds besides.
    queued_s: float = 0.0
    # Commands that do not reach the store, and answers that do not come back.
    lost_commands: float = 0.0
    lost_answers: float = 0.0
    # Steps of a change at which its worker crashes, stops for a while, or is slow.
    struck: float = 0.0
    blows: tuple[str, ...] = BLOWS
    # What happens every so many seconds to some worker, or to the store.
    faults: tuple[str, ...] = ()
    fault_every_s: float = 6.0


# No answer of the store is overtaken by a message about a later change: such a message takes two steps at least.
CALM = Weather(brisk_s=0.0005)


def draw_weather(random: Random) -> Weather:
    weather = Weather(brisk_s=random.choice((0.02, 0.1, 0.4)), fault_every_s=random.choice((3.0, 6.0, 12.0)))
    if random.random() < 0.7:
        weather = weather._replace(late=random.choice((0.05, 0.15, 0.4)), late_s=random.choice((1.0, 3.0, 8.0)))
    if random.random() < 0.6:
        weather = weather._replace(dropped=random.choice((0.02, 0.1, 0.4)), doubled=random.choice((0.0, 0.1)))
    if random.random() < 0.2:
        weather = weather._replace(queued_s=random.choice((0.5, 2.0)))
    if random.random() < 0.5:
        weather = weather._replace(lost_commands=random.choice((0.0, 0.1)), lost_answers=random.choice((0.05, 0.2)))
    if random.random() < 0.5:
        weather = weather._replace(struck=random.choice((0.03, 0.1, 0.2)))
    kinds = tuple(kind for kind in FAULTS if random.random() < 0.35)
    return weather._replace(faults=kinds)


class Sky:
    """The weather as it is now, and the chance that goes with it."""

    def __init__(self, weather: Weather, random: Random) -> None:
        self.weather = weather
        self.random = random

    def clear_up(self) -> None:
        self.weather = CALM

    def transit_s(self) -> float:
        weather = self.weather
        if weather.late and self.random.random() < weather.late:
            return self.random.random() * weather.late_s
        return 0.001 + self.random.random() * weather.brisk_s

    def message_s(self) -> float:
        queued_s = self.weather.queued_s
        return self.transit_s() + (self.random.random() * queued_s if queued_s else 0.0)

    def is_hit(self, share: float) -> bool:
        return share > 0 and self.random.random() < share
