"""One line when something goes wrong, none while it stays so, and one when it is over."""


class Trouble:
    """Starts without any. Whether the line is due is the answer; who asks says it."""

    __slots__ = ("is_there",)

    def __init__(self) -> None:
        self.is_there = False

    def begins(self) -> bool:
        """Whether this is news."""
        was_there, self.is_there = self.is_there, True
        return not was_there

    def ends(self) -> bool:
        """Whether there was any."""
        was_there, self.is_there = self.is_there, False
        return was_there


# So many keys are remembered. With more, what is said of one may be said again.
KEYS_LIMIT = 10_000


class Troubles:
    """The same for each of many: topics, say."""

    __slots__ = ("_keys",)

    def __init__(self) -> None:
        self._keys: set[str] = set()

    def begin(self, key: str) -> bool:
        if key in self._keys:
            return False
        if len(self._keys) >= KEYS_LIMIT:
            self._keys.clear()
        self._keys.add(key)
        return True

    def end(self, key: str) -> bool:
        if key not in self._keys:
            return False
        self._keys.discard(key)
        return True
