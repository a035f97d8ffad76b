"""Waiting for one of several things, and ending tasks."""

import asyncio
from collections.abc import Collection, Coroutine
from typing import Any


async def wait_for_first(works: Collection[Coroutine[Any, Any, Any]], others: Collection[asyncio.Task[Any]]) -> None:
    """Waits until one of the works or of the others is done, and cancels the works that are not.

    Raises what that one raises.
    """
    tasks = [asyncio.create_task(work) for work in works]
    try:
        done, _ = await asyncio.wait([*tasks, *others], return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        await cancel(tasks)


async def cancel(tasks: Collection[asyncio.Task[Any]]) -> None:
    """Cancels the tasks and waits until they have ended. What they raise stays with them."""
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)
