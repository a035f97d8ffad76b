"""Where much is to be reckoned, others must have their turns: a thread gives way every few milliseconds."""

import asyncio
import heapq
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any, TypeVar

# So few are done at once, in some milliseconds.
FEW = 500
# So many are sorted in one go: a sort is one call, and gives way to nobody until it is done.
RUN = 2000

Result = TypeVar("Result")
Item = TypeVar("Item")


async def reckon(item_count: int, work: Callable[[], Result]) -> Result:
    """Calls `work`, which looks at so many items and touches nothing that others change meanwhile."""
    return work() if item_count <= FEW else await asyncio.to_thread(work)


def first_sorted(items: Iterable[Item], count: int, key: Callable[[Item], Any]) -> list[Item]:
    """The first `count` of them in order, for `work` with very many items: as `sorted`, which would hold up all threads
    for a quarter of a second with 100,000.
    """
    rest, runs = iter(items), []
    while run := sorted(islice(rest, RUN), key=key):
        runs.append(run)
    return list(islice(heapq.merge(*runs, key=key), count))
