"""What a worker counts for whoever watches over it: plain numbers by name, from the start of the process on."""

from collections import Counter


class Counters:
    """`add` costs no more than a dictionary does. A name that was never added to is not among those shown."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def add(self, name: str, count: int = 1) -> None:
        self._counts[name] += count

    def set(self, name: str, count: int) -> None:
        """For what goes up and down."""
        self._counts[name] = count

    def __getitem__(self, name: str) -> int:
        return self._counts[name]

    def shown(self) -> dict[str, int]:
        return dict(sorted(self._counts.items()))
