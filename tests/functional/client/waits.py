"""Waiting in tests that run in an event loop."""

import asyncio
from collections.abc import Callable

LIMIT_S = 60.0


async def eventually(true: Callable[[], object], what: str) -> None:
    """Polls until `true()` is truthy; the limit is there to end a test that hangs."""
    try:
        async with asyncio.timeout(LIMIT_S):
            while not true():  # noqa: ASYNC110 - of what happens in a server no event tells
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError(f"waited {LIMIT_S:g} s for {what}") from None
