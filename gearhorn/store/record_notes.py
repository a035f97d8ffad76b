"""Which names of records a handle has lately put on the list of their kind, for stores where that is a step of its own.

A record that is written again and again is to cost one step each time and not two. But its name may have gone off the
list meanwhile, because another handle dropped the record or the store was emptied; so it is put there again after
`NOTED_FOR_S`.
"""

from collections.abc import Callable

from gearhorn.clock import steady_s
from gearhorn.store.base import RecordKey

NOTED_FOR_S = 5.0

# Those that are past that are then forgotten.
TIDY_ABOVE_COUNT = 1000


class RecordNotes:
    """Used by several threads at once, it may tell two of them that the same name is due, which does no harm."""

    def __init__(self, clock: Callable[[], float] = steady_s) -> None:
        self._clock = clock
        self._until_s: dict[RecordKey, float] = {}

    def is_due(self, key: RecordKey) -> bool:
        """Whether the name is to be put on the list."""
        return self._until_s.get(key, 0.0) <= self._clock()

    def add(self, key: RecordKey) -> None:
        """It was put there."""
        if len(self._until_s) > TIDY_ABOVE_COUNT:
            self._until_s = {key: until_s for key, until_s in [*self._until_s.items()] if until_s > self._clock()}
        self._until_s[key] = self._clock() + NOTED_FOR_S

    def remove(self, key: RecordKey) -> None:
        """It was taken off."""
        self._until_s.pop(key, None)
