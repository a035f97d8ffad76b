"""Empties a queue that nobody serves any more."""

import asyncio
import contextlib

from gearhorn.net.address import Address
from gearhorn.net.connection import LinkSettings
from gearhorn.net.job import Job
from gearhorn.net.worker_link import WorkerLink, WorkerSettings

# What a server has is taken for so long: thousands of jobs. One that is away for the limit is left for another time.
DRAINING_S = 0.2
LIMIT_S = 2.0


async def drain(address: Address, link: LinkSettings, client_id: str, queue: bytes) -> int | None:
    """Takes the jobs of `queue` off one server and returns how many there were; None for a server that is away.

    Each ends as failed: who waits for one must not take it for done.
    """
    taken: list[bytes] = []
    is_reached = False

    def take(job: Job) -> None:
        taken.append(job.assigned.handle)
        job.fail()

    worker = WorkerLink(address, link, WorkerSettings(client_id), take, purpose="")
    worker.serve([queue])
    worker.start_grabbing()
    running = asyncio.create_task(worker.run())
    try:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LIMIT_S):
                await worker.answered.wait()
                is_reached = True
                await asyncio.sleep(DRAINING_S)
                worker.stop_grabbing()
                await worker.wait_until_quiet()
        worker.leave([queue])
        await worker.close()
    finally:
        running.cancel()
        await asyncio.wait([running])
    return len(taken) if is_reached else None
