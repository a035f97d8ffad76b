"""A process that runs coroutines by a clock of its own, and that can be stopped and continued, or crash."""

from collections.abc import Callable, Coroutine
from functools import partial
from random import Random
from typing import Any

from tests.unit.simulation.scheduler import Scheduler, Signal

Task = Coroutine[Signal[Any], None, None]

# How long a process needs at most to handle all that has come while it was stopped.
CATCHING_UP_S = 0.5


class Process:
    """Its clock shows other seconds than the true time, and they pass at `rate` of its own seconds to a true one."""

    def __init__(self, name: str, scheduler: Scheduler, random: Random, rate: float = 1.0, offset_s: float = 0.0):
        self.name = name
        self.is_alive = True
        self.is_paused = False
        self._scheduler = scheduler
        self._random = random
        self._rate = rate
        self._offset_s = offset_s
        self._running: dict[Task, None] = {}
        self._missed: list[Callable[[], object]] = []

    def now_s(self) -> float:
        return self._offset_s + self._scheduler.now_s * self._rate

    def after(self, delay_s: float, action: Callable[[], object]) -> None:
        """A timer, by the process's clock."""
        self._scheduler.after(delay_s / self._rate, partial(self.deliver, action))

    async def sleep(self, delay_s: float) -> None:
        over: Signal[None] = Signal()
        self.after(delay_s, partial(over.set, None))
        await over

    def deliver(self, action: Callable[[], object]) -> None:
        """Whatever the process hears of comes this way: its timers, messages and answers."""
        if self.is_paused:
            self._missed.append(action)
        elif self.is_alive:
            action()

    def run(self, coroutine: Task) -> None:
        self._running[coroutine] = None
        self._advance(coroutine)

    def end(self, coroutine: Task) -> None:
        """It goes no further than it has come. Not to be called by itself."""
        if coroutine in self._running:
            del self._running[coroutine]
            coroutine.close()

    def pause(self) -> None:
        self.is_paused = True

    def resume(self) -> None:
        """What was missed is handled bit by bit, in any order, among what comes now."""
        self.is_paused = False
        missed, self._missed = self._missed, []
        self._random.shuffle(missed)
        for action in missed:
            self._scheduler.after(self._random.random() * CATCHING_UP_S, partial(self.deliver, action))

    def crash(self) -> None:
        """Not to be called by one of its own coroutines."""
        self.is_alive = self.is_paused = False
        self._missed = []
        for coroutine in self._running:
            coroutine.close()
        self._running = {}

    def _advance(self, coroutine: Task) -> None:
        if coroutine not in self._running:
            return
        try:
            signal = coroutine.send(None)
        except StopIteration:
            del self._running[coroutine]
        else:
            signal.waiter = partial(self._advance, coroutine)
