"""How the links of one worker share what it may hold: who has to wait, and who may go on when it has become less."""

from collections.abc import Callable

from gearhorn.wire.budget import Budget

# Tried whenever a job has ended; True when there is nothing to wait for any more.
TryToGoOn = Callable[[], bool]


class Backpressure:
    """A link that is to take in no more for now registers with `wait`; whoever ends a job calls `check`."""

    def __init__(self, limit_bytes: int) -> None:
        self.budget = Budget(limit_bytes)
        self.waiting: dict[object, TryToGoOn] = {}

    def adjust(self, limit_bytes: int) -> None:
        """Another limit: whoever waits may go on if it is higher, and takes in no more from now on if it is spent."""
        self.budget.adjust(limit_bytes)
        self.check()

    def wait(self, link: object, try_to_go_on: TryToGoOn) -> None:
        self.waiting[link] = try_to_go_on

    def forget(self, link: object) -> None:
        self.waiting.pop(link, None)

    def check(self) -> None:
        for link, try_to_go_on in list(self.waiting.items()):
            if try_to_go_on():
                self.waiting.pop(link, None)


def without_limit() -> Backpressure:
    return Backpressure(1 << 62)
