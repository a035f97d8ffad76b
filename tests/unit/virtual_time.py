"""Async tests in which time passes only while everybody waits, and then at once: to sleep for an hour takes no time."""

import asyncio
import functools
import selectors
from collections.abc import Callable, Coroutine
from typing import Any

# Times are exact to this. Time passes a little further than it was waited for, as it does on a real machine; or sums
# of floats could come out just before the moment that is waited for, again and again.
TICK_S = 1e-6


class _Selector(selectors.SelectSelector):
    now_s = 1000.0

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if not ready and timeout is None:
            raise AssertionError("everybody waits, and nobody is there to wake them")
        if not ready and timeout:
            self.now_s += timeout + TICK_S
        return ready


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """For tests without sockets: time does not wait for these."""

    def __init__(self) -> None:
        self._virtual = _Selector()
        super().__init__(self._virtual)

    def time(self) -> float:
        return self._virtual.now_s


def in_virtual_time(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Runs an async test on a loop of its own. Fails also when a task's or callback's error reached nobody."""

    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        troubles: list[dict[str, Any]] = []
        with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
            runner.get_loop().set_exception_handler(lambda _, trouble: troubles.append(trouble))
            runner.run(test(*args, **kwargs))
        if troubles:
            raise AssertionError(troubles)

    return run


def now_s() -> float:
    """The virtual time of the running loop."""
    return asyncio.get_running_loop().time()


async def let_run() -> None:
    """Lets everybody go on who can without time passing."""
    for _ in range(20):
        await asyncio.sleep(0)
