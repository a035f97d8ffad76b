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
