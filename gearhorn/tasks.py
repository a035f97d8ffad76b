"""Tasks that belong together: as long as a piece of work lasts, or until the first of them is done."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine, Iterable


async def wait_for_first(works: Iterable[Coroutine[None, None, object]]) -> None:
    """Waits until one of the works is done, and cancels the others. Raises what that one raises."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


@contextlib.asynccontextmanager
async def running(works: Iterable[Coroutine[None, None, None]]) -> AsyncIterator[None]:
    """Runs the works for as long as the body lasts. One that fails ends the body, and its error is raised as it is."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(work) for work in works]
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()
    except BaseExceptionGroup as errors:
        raise _first_of(errors) from None


def _first_of(error: BaseException) -> BaseException:
    """Groups in groups hold what was raised; whoever catches our errors looks for these themselves."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
