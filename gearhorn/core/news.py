"""What workers tell each other of a topic's list."""

from collections.abc import Mapping
from dataclasses import dataclass

# In the place of an old version: no list is known to become the new one by these changes.
UNKNOWN = -1


@dataclass(frozen=True, slots=True)
class News:
    """The list of `topic` has come to `version`.

    Who has the list of `old_version` gets the new one by `joined`: client ids that are on the list now (True) or are
    not (False). Where old_version is UNKNOWN, `joined` means nothing.
    """

    topic: str
    version: int
    old_version: int = UNKNOWN
    joined: Mapping[bytes, bool] | None = None

    @property
    def difference(self) -> Mapping[bytes, bool] | None:
        """What leads from the old version to the new one, if that is known."""
        return self.joined if self.old_version != UNKNOWN else None

    def then(self, later: "News") -> "News":
        """Both in one: the newer version, and the difference from the older one's start if the two are a chain."""
        if self.difference is None or later.difference is None or self.version != later.old_version:
            return News(later.topic, max(self.version, later.version))
        return News(later.topic, later.version, self.old_version, {**self.difference, **later.difference})

    def without_difference(self) -> "News":
        return News(self.topic, self.version)
