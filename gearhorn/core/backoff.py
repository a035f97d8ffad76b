"""How long to wait before the next try."""

from random import Random


class Backoff:
    """Delays that double from `first_s` to `most_s` seconds, each with jitter down to half of it.

    The jitter keeps a fleet that lost its server at one moment from coming back at one moment.
    """

    def __init__(self, first_s: float, most_s: float, chance: Random) -> None:
        self._first_s = first_s
        self._most_s = most_s
        self._chance = chance
        self._delay_s = first_s

    def next_s(self) -> float:
        """The seconds to wait before the next try."""
        delay_s = self._delay_s
        self._delay_s = min(delay_s * 2, self._most_s)
        return delay_s * self._chance.uniform(0.5, 1.0)

    def reset(self) -> None:
        """To be called after a success that lasted."""
        self._delay_s = self._first_s
