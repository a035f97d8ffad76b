"""A worker whose budget is spent leaves what its server sends in the server, and goes on when there is room."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from gearhorn.net.address import Address
from gearhorn.net.backpressure import Backpressure
from gearhorn.net.connection import LinkSettings
from gearhorn.net.job import Job
from gearhorn.net.worker_link import WorkerLink, WorkerSettings
from tests.unit.wire.streams import HEADER, packet

GRAB, ASSIGN = 30, 31
JOB_BYTES = 1 << 20
LIMIT_BYTES = 4 << 20
LIMIT_S = 20.0


class Server:
    """Answers each grab with a job of a megabyte, at once, `count` of them in all."""

    def __init__(self, count: int) -> None:
        self.left = count
        self.given = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                _, kind, length = HEADER.unpack(await reader.readexactly(HEADER.size))
                await reader.readexactly(length)
                if kind == GRAB and self.left:
                    self.left -= 1
                    self.given += 1
                    writer.write(packet(ASSIGN, b"H:%d" % self.given, b"q", b"", bytes(JOB_BYTES)))
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


@asynccontextmanager
async def linked(pressure: Backpressure, count: int, jobs: list[Job]) -> AsyncIterator[WorkerLink]:
    server = await asyncio.start_server(Server(count).serve, "127.0.0.1", 0)
    address = Address("127.0.0.1", server.sockets[0].getsockname()[1])
    link = WorkerLink(address, LinkSettings(), WorkerSettings(), jobs.append, pressure=pressure)
    link.serve([b"q"])
    link.start_grabbing()
    running = asyncio.create_task(link.run())
    try:
        yield link
    finally:
        running.cancel()
        await asyncio.wait([running])
        server.close()
        await asyncio.sleep(0.01)


async def until(jobs: list[Job], count: int) -> None:
    async with asyncio.timeout(LIMIT_S):
        while len(jobs) < count:  # noqa: ASYNC110 - polled, so that nothing is missed
            await asyncio.sleep(0.005)


async def test_no_more_is_read_than_the_budget_allows_and_everything_in_the_end() -> None:
    """The link has grabs for up to 64 under way; each brings a megabyte. A read may bring the end of one more."""
    pressure, jobs, done = Backpressure(LIMIT_BYTES), list[Job](), 0
    async with linked(pressure, 40, jobs):
        while done < 40:
            await until(jobs, 1)
            await asyncio.sleep(0.02)
            assert len(jobs) <= LIMIT_BYTES // JOB_BYTES + 1
            jobs.pop().complete()
            done += 1
        assert pressure.budget.held_bytes == 0


async def test_what_one_link_gives_back_another_one_may_take() -> None:
    pressure, ours, theirs = Backpressure(LIMIT_BYTES), list[Job](), list[Job]()
    async with linked(pressure, 9, theirs):
        await until(theirs, LIMIT_BYTES // JOB_BYTES)
        async with linked(pressure, 9, ours):
            await until(ours, 1)  # it holds nothing, and takes one all the same
            await asyncio.sleep(0.05)
            assert len(ours) <= 2
            while theirs:
                theirs.pop().complete()
                await asyncio.sleep(0.01)
            await until(ours, 2)


async def test_what_a_job_is_said_to_weigh_counts_at_once() -> None:
    pressure, jobs = Backpressure(LIMIT_BYTES), list[Job]()
    async with linked(pressure, 9, jobs) as link:
        await until(jobs, 1)
        jobs[0].weigh(LIMIT_BYTES)
        assert jobs[0].assigned.payload == b""
        assert link in pressure.waiting
        for job in jobs:
            job.complete()
        jobs.clear()
        await until(jobs, 1)


async def test_jobs_that_are_lost_with_a_link_give_back_what_they_took() -> None:
    pressure, jobs = Backpressure(LIMIT_BYTES), list[Job]()
    async with linked(pressure, 9, jobs):
        await until(jobs, LIMIT_BYTES // JOB_BYTES)
        assert pressure.budget.is_full
    assert pressure.budget.held_bytes == 0
    assert not pressure.waiting


async def test_a_higher_limit_lets_those_who_wait_go_on_and_a_lower_one_holds_them_back() -> None:
    pressure, jobs = Backpressure(LIMIT_BYTES), list[Job]()
    async with linked(pressure, 40, jobs):
        await until(jobs, LIMIT_BYTES // JOB_BYTES)
        await asyncio.sleep(0.05)
        assert len(jobs) <= LIMIT_BYTES // JOB_BYTES + 1
        pressure.adjust(3 * LIMIT_BYTES)
        await until(jobs, 3 * LIMIT_BYTES // JOB_BYTES)
        pressure.adjust(JOB_BYTES)
        for job in jobs[1:]:
            job.complete()
        held = [jobs.pop(0)]
        jobs.clear()
        await asyncio.sleep(0.05)
        assert pressure.budget.held_bytes <= 3 * JOB_BYTES
        held[0].complete()
        await until(jobs, 1)


def test_whoever_waits_is_asked_when_the_limit_is_another() -> None:
    pressure, asked = Backpressure(1), list[int]()
    pressure.budget.held_bytes = 1

    def try_to_go_on() -> bool:
        asked.append(pressure.budget.limit_bytes)
        return not pressure.budget.is_full

    pressure.wait("link", try_to_go_on)
    pressure.adjust(1)
    assert pressure.waiting
    pressure.adjust(2)
    assert asked == [1, 2]
    assert not pressure.waiting
