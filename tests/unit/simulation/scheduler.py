"""Time that passes only from one event to the next, and what coroutines wait for in it.

Nothing here is random: events of one moment happen in the order in which they were planned.
"""

from collections.abc import Callable, Generator
from heapq import heappop, heappush
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Scheduler:
    """`now_s` is the true time, in seconds since the start of the history."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.event_count = 0
        self._planned_count = 0
        self._events: list[tuple[float, int, Callable[[], object]]] = []

    def after(self, delay_s: float, action: Callable[[], object]) -> None:
        self._planned_count += 1
        heappush(self._events, (self.now_s + delay_s, self._planned_count, action))

    def run_until(self, end_s: float) -> None:
        events = self._events
        while events and events[0][0] <= end_s:
            self.now_s, _, action = heappop(events)
            self.event_count += 1
            action()
        self.now_s = end_s


class Signal(Generic[Value]):
    """Something that happens once, with a value. At most one coroutine waits for it; see Process.run."""

    __slots__ = ("is_set", "value", "waiter")

    value: Value

    def __init__(self) -> None:
        self.is_set = False
        self.waiter: Callable[[], None] | None = None

    def set(self, value: Value) -> None:
        """Only the first value counts."""
        if self.is_set:
            return
        self.is_set, self.value = True, value
        if self.waiter is not None:
            self.waiter()

    def __await__(self) -> Generator["Signal[Value]", None, Value]:
        if not self.is_set:
            yield self
        return self.value


class Bell:
    """Wakes the one coroutine that waits, or lets it not fall asleep, however often it is rung."""

    def __init__(self) -> None:
        self._signal: Signal[None] = Signal()

    def ring(self) -> None:
        self._signal.set(None)

    async def wait(self) -> None:
        await self._signal
        self._signal = Signal()
