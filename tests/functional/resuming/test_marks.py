"""A name that is left on gearmand tells whether it was started again, and so whether handles mean what they did."""

import asyncio
from pathlib import Path

import pytest

from gearhorn.errors import ServerUnavailable
from gearhorn.net.address import Address
from gearhorn.net.connection import LinkSettings
from gearhorn.net.job import Job
from gearhorn.net.marks import ServerEnded, knows_queue
from gearhorn.net.worker_link import WorkerLink, WorkerSettings
from tests.functional.facts.raw import Peer
from tests.servers.gearman import Gearmand, GearmanServer
from tests.servers.proxy import Proxy

LINK = LinkSettings()


async def take_job(server: GearmanServer) -> tuple[WorkerLink, asyncio.Task[None], Job]:
    jobs: asyncio.Queue[Job] = asyncio.Queue()
    link = WorkerLink(_address(server), LINK, WorkerSettings(), jobs.put_nowait, leaves_marks=True)
    link.serve([b"fanout"])
    link.start_grabbing()
    task = asyncio.create_task(link.run())
    peer = Peer(server)
    peer.submit(b"fanout")
    job = await asyncio.wait_for(jobs.get(), 20)
    peer.close()
    return link, task, job


def _address(server: GearmanServer) -> Address:
    return Address("127.0.0.1", server.port)


async def end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])


@pytest.mark.parametrize("is_persistent", [False, True])
async def test_gearmand_knows_a_mark_until_it_is_started_again(tmp_path: Path, is_persistent: bool) -> None:
    file = ["--queue-type=libsqlite3", f"--libsqlite3-db={tmp_path / 'queue.db'}"] if is_persistent else []
    with Gearmand(tmp_path / "gearmand", extra=file) as server:
        link, task, job = await take_job(server)
        assert job.requeues
        mark = job.mark
        job.complete()
        await link.close()
        await end(task)
        assert await knows_queue(_address(server), LINK, mark)
        assert not await knows_queue(_address(server), LINK, mark[:-1])
        assert not await knows_queue(_address(server), LINK, mark[1:])
        server.stop()
        with pytest.raises(ServerEnded):
            await knows_queue(_address(server), LINK, mark)
        server.start()
        assert not await knows_queue(_address(server), LINK, mark)


@pytest.mark.parametrize("kind", ["geard", "perl_server"])
async def test_servers_that_drop_the_jobs_of_a_lost_worker_are_known(kind: str, request: pytest.FixtureRequest) -> None:
    link, task, job = await take_job(request.getfixturevalue(kind))
    assert not job.requeues
    job.complete()
    await link.close()
    await end(task)


async def test_a_name_is_found_among_many(gearmand: GearmanServer) -> None:
    peer = Peer(gearmand)
    peer.can_do(*(b"some_longer_name_of_a_queue_%06d" % number for number in range(30_000)))
    assert peer.ask() == []
    assert await knows_queue(_address(gearmand), LINK, b"some_longer_name_of_a_queue_%06d" % 0)
    assert await knows_queue(_address(gearmand), LINK, b"some_longer_name_of_a_queue_%06d" % 29_999)
    assert not await knows_queue(_address(gearmand), LINK, b"some_longer_name_of_a_queue_%06d" % 30_000)
    peer.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_where_nobody_listens_the_server_has_ended(host: str, gearmand: GearmanServer) -> None:
    gearmand.stop()
    with pytest.raises(ServerEnded):
        await knows_queue(Address(host, gearmand.port), LINK, b"name")


async def test_a_server_that_does_not_answer_has_not_ended(gearmand: GearmanServer) -> None:
    with Proxy(gearmand.port) as proxy:
        proxy.stall()
        with pytest.raises(ServerUnavailable) as error:
            await knows_queue(Address("127.0.0.1", proxy.port), LinkSettings(answer_timeout_s=0.5), b"name")
    assert not isinstance(error.value, ServerEnded)
