"""Where much is to be reckoned, others must have their turns: a thread gives way every few milliseconds."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

# So few are done at once, in some milliseconds.
FEW = 500

Result = TypeVar("Result")


async def reckon(item_count: int, work: Callable[[], Result]) -> Result:
    """Calls `work`, which looks at so many items and touches nothing that others change meanwhile."""
    return work() if item_count <= FEW else await asyncio.to_thread(work)
