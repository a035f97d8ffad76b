"""What one round has to tell, and whom.

Each holder of a lease is told of the changes that were made while it held that lease; what it has in memory was read
after those before. News of these could do harm: a store that falls back to older data goes back to the versions that
lost changes started from, and their differences would be worked into lists that were read after the loss.
"""

from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from gearhorn.core.news import News

# More steps of one list than this are told as one, without saying what has changed.
STEPS_LIMIT = 64

Holder = TypeVar("Holder", bound=Hashable)


@dataclass
class _Part(Generic[Holder]):
    """Changes that were made while all of the same leases were there."""

    holders: frozenset[Holder]
    steps: dict[str, list[News]] = field(default_factory=dict)

    def add(self, one: News) -> None:
        steps = self.steps.setdefault(one.topic, [])
        if steps and steps[-1].version == one.old_version:
            steps[-1] = steps[-1].then(one)
        else:
            steps.append(one)
        if len(steps) > STEPS_LIMIT:
            self.steps[one.topic] = [News(one.topic, max(step.version for step in steps))]

    @property
    def news(self) -> Iterator[News]:
        return (one for steps in self.steps.values() for one in steps)


class Bulletin(Generic[Holder]):
    """Steps of one list that follow on each other are told as one; others' may have come in between."""

    def __init__(self) -> None:
        self._parts: list[_Part[Holder]] = []

    def add(self, news: Iterable[News], holders: Iterable[Holder]) -> None:
        """`holders` are those of the leases that were there when the changes were made."""
        part: _Part[Holder] = _Part(frozenset(holders))
        if self._parts and self._parts[-1].holders == part.holders:
            part = self._parts[-1]
        else:
            self._parts.append(part)
        for one in news:
            part.add(one)

    def news(self) -> list[News]:
        """All of them."""
        return [one for part in self._parts for one in part.news]

    def news_for(self, holder: Holder) -> list[News]:
        return [one for part in self._parts if holder in part.holders for one in part.news]

    def versions(self) -> dict[str, int]:
        """Topics, and the newest version of each."""
        versions: dict[str, int] = {}
        for one in self.news():
            versions[one.topic] = max(one.version, versions.get(one.topic, one.version))
        return versions
