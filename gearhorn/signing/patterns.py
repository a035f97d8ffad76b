"""Patterns of topics and client ids: `*` stands for any characters, also none, `?` for one, all else for itself."""

from collections.abc import Iterable


class Patterns:
    """Some patterns, any of which will do. They fit a whole name, and capitals count."""

    def __init__(self, patterns: Iterable[str] = ()) -> None:
        self._patterns = tuple(patterns)

    def __bool__(self) -> bool:
        return bool(self._patterns)

    def fit(self, name: str) -> bool:
        return any(_fits(pattern, name) for pattern in self._patterns)


def _fits(pattern: str, name: str) -> bool:
    """Goes back to the last star only, so that many stars cost no more than one for each character of the name."""
    at = here = 0
    star, retry = -1, 0
    while here < len(name):
        if at < len(pattern) and pattern[at] == "*":
            star, retry = at, here
            at += 1
        elif at < len(pattern) and pattern[at] in ("?", name[here]):
            at += 1
            here += 1
        elif star >= 0:
            retry += 1
            at, here = star + 1, retry
        else:
            return False
    return not pattern[at:].strip("*")
