"""Runs the blocking calls of libraries that know no asyncio, in threads of their own.

Not the default executor: a store that hangs must not take the threads of other work, nor they its.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from gearhorn.errors import StoreUnavailable

Result = TypeVar("Result")


class BlockingCalls:
    """`thread_count` threads that make the calls of one store. May be started again after `close`."""

    def __init__(self, store: str, thread_count: int, limit_s: float) -> None:
        """`store` is what messages call it, `limit_s` the seconds that a caller waits for one call."""
        self._store = store
        self._thread_count = thread_count
        self._limit_s = limit_s
        self._threads: ThreadPoolExecutor | None = None
        self._running: set[Future[Any]] = set()

    def start(self) -> None:
        if self._threads is None:
            self._threads = ThreadPoolExecutor(self._thread_count, thread_name_prefix=self._store)

    async def run(self, call: Callable[[], Result]) -> Result:
        """What `call()` returns or raises. Raises StoreUnavailable after the limit, or when not started.

        A call that is past its limit or cancelled is taken back if it has not begun; if it has, it goes on to its end,
        and its outcome is lost.
        """
        threads = self._threads
        if threads is None:
            raise StoreUnavailable(f"{self._store} is not open")

        def run_unless_closed() -> Result:
            if self._threads is not threads:
                raise StoreUnavailable(f"{self._store} was closed")
            return call()

        running = threads.submit(run_unless_closed)
        self._running.add(running)
        running.add_done_callback(self._running.discard)
        try:
            async with asyncio.timeout(self._limit_s):
                return await asyncio.wrap_future(running)
        except TimeoutError:
            raise StoreUnavailable(f"{self._store} did not answer within {self._limit_s:g} s") from None

    async def close(self, last: Callable[[], None]) -> None:
        """Lets the calls under way come to their end, for up to the limit, then runs `last` in one of the threads."""
        threads, self._threads = self._threads, None
        if threads is None:
            return
        await self._wait(list(self._running))
        ending = threads.submit(last)
        threads.shutdown(wait=False)
        await self._wait([ending])

    async def _wait(self, calls: Sequence[Future[Any]]) -> None:
        """For up to the limit. What comes of them is a matter of those who made them."""
        if calls:
            done, _ = await asyncio.wait(map(asyncio.wrap_future, calls), timeout=self._limit_s)
            for call in done:
                if not call.cancelled():
                    call.exception()  # asked for, so that asyncio does not complain that nobody did
