"""STORE_URL TOPIC: reads a list as a fanout does that finds it nowhere in memory, until it is kept there.

A ticker that wants its turn every millisecond stands for all other jobs of the worker; its longest delay is told, at
rest and during the read. Event loop and libraries are those of a worker.
"""

import asyncio
import json
import sys
import time
from collections.abc import Callable
from typing import cast

from gearhorn.clock import steady_s
from gearhorn.cmd.worker import new_event_loop
from gearhorn.core.matchmaking import Matchmaking, MatchmakingLimits
from gearhorn.matchmaking.directory import Directory
from gearhorn.matchmaking.rounds import Rounds
from gearhorn.patience import Patience, PatienceSettings
from gearhorn.store.opening import StoreSettings, open_store

TICK_S = 0.001
REST_S = 0.5


class Ticker:
    """`longest_s` is how late its latest turn came since it was last set to 0."""

    def __init__(self) -> None:
        self.longest_s = 0.0

    async def run(self) -> None:
        while True:
            due_s = time.perf_counter() + TICK_S
            await asyncio.sleep(TICK_S)
            self.longest_s = max(self.longest_s, time.perf_counter() - due_s)


async def measure(directory: Directory, topic: str) -> dict[str, float]:
    ticker = Ticker()
    ticking = asyncio.create_task(ticker.run())
    await directory.members("nobody's")  # now it is connected
    ticker.longest_s = 0.0
    await asyncio.sleep(REST_S)
    at_rest_s, ticker.longest_s = ticker.longest_s, 0.0
    started_s = time.perf_counter()
    members = await directory.members(topic)
    took_s = time.perf_counter() - started_s
    await asyncio.sleep(REST_S)  # what is left to be tidied up holds up others just as well
    ticking.cancel()
    if directory.find(topic) is None:
        raise RuntimeError("the list was not kept in memory")
    return {"count": len(members), "seconds": took_s, "stall_s": ticker.longest_s, "stall_at_rest_s": at_rest_s}


async def open_and_measure(store_url: str, topic: str) -> dict[str, float]:
    matchmaking = _hold_lease(steady_s)
    store = open_store(StoreSettings(store_url))
    await store.open()
    nobody_to_tell = cast(Rounds, None)  # it is for changes, and there are none
    directory = Directory(store, Patience(PatienceSettings()), matchmaking, nobody_to_tell, steady_s)
    try:
        return await measure(directory, topic)
    finally:
        await directory.close()
        await store.close()


def _hold_lease(now_s: Callable[[], float]) -> Matchmaking:
    """A worker's state with a lease, without which it keeps nothing. The store knows none: nobody changes lists."""
    matchmaking = Matchmaking(MatchmakingLimits(lease_ttl_s=3600.0))
    matchmaking.lease.asked("benchmark")
    matchmaking.lease.taken("benchmark", now_s())
    return matchmaking


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        print(json.dumps(runner.run(open_and_measure(*sys.argv[1:]))))
