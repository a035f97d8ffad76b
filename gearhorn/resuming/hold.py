"""Holds a run back whose job may have gone back to its server, until that is known."""

import asyncio
from collections.abc import Awaitable, Callable


class Hold:
    """`is_free` is to be asked before copies are sent. When the job turns out to be another worker's, `on_gone` is
    called, once; when not, `go_on`, and the run is free for good.

    The job is not held any more when its connection is lost: to a server that lives, which gives the job to another
    worker, or with a server that has ended, and the job with it. Then this worker alone can send the rest.
    """

    def __init__(
        self,
        is_held: Callable[[], bool],
        is_requeued: Callable[[], Awaitable[bool]],
        on_gone: Callable[[], None],
        go_on: Callable[[], None],
    ) -> None:
        self._is_held = is_held
        self._is_requeued = is_requeued
        self._on_gone = on_gone
        self._go_on = go_on
        self._is_free = False
        self._asking: asyncio.Task[None] | None = None

    def is_free(self) -> bool:
        if self._is_free or self._is_held():
            return True
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask())
        return False

    async def _ask(self) -> None:
        if await self._is_requeued():
            self._on_gone()
        else:
            self._is_free = True
            self._go_on()
