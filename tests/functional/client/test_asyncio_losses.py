"""What the asyncio publisher does when servers, workers or connections are not there, or go away."""

import asyncio
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import gear
import pytest

from gearhorn.client.copies import Copy
from gearhorn.client.publisher import Publisher, PublishResult
from gearhorn.client.subscriber import Subscriber
from gearhorn.errors import BadRequest, ServerUnavailable, TimedOut, Unavailable
from gearhorn.net.connection import LinkSettings
from tests.functional.client.stand_in import stand_in
from tests.functional.client.waits import eventually
from tests.servers.gearhorn_worker import GearhornWorker
from tests.servers.gearman import Gearmand, GearmanServer
from tests.servers.process import free_port
from tests.servers.proxy import Proxy


@pytest.fixture
def store(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'lists.db'}"


@pytest.fixture
def worker(gearman_server: GearmanServer, store: str, tmp_path: Path) -> Iterator[GearhornWorker]:
    with GearhornWorker([gearman_server.address], store, tmp_path / "service") as worker:
        yield worker


class Gate:
    """A handler that counts its copies and answers none before the gate is open."""

    def __init__(self) -> None:
        self.count = 0
        self.open = asyncio.Event()

    async def __call__(self, copy: Copy) -> str:
        self.count += 1
        await self.open.wait()
        return "through"


# Nobody there.


async def test_without_a_service_there_is_no_answer_in_time(gearman_server: GearmanServer) -> None:
    async with Publisher(gearman_server.address) as publisher:
        await publisher.connect()
        with pytest.raises(TimedOut, match=r"within 0\.2 s"):
            await publisher.publish("news", "x", timeout=0.2)
        with pytest.raises(TimedOut, match="is a gearhorn worker running"):
            await publisher.publish("news", "x", wait=True, timeout=0.2)
        with pytest.raises(TimedOut):
            await publisher.subscribe("news", "bob", timeout=0.2)


async def test_without_a_server_the_reason_is_told_for_each() -> None:
    one, other = (f"127.0.0.1:{free_port()}" for _ in range(2))
    async with Publisher([one, other], connect_limit_s=0.2) as publisher:
        with pytest.raises(ServerUnavailable) as caught:
            await publisher.publish("news", "x")
    assert f"{one}: " in str(caught.value)
    assert f"{other}: " in str(caught.value)
    assert "refused" in str(caught.value)


async def test_whoever_wants_to_know_at_once_is_told_after_the_first_try() -> None:
    async with Publisher(f"127.0.0.1:{free_port()}", connect_limit_s=3600) as publisher:
        with pytest.raises(ServerUnavailable, match="refused"):
            await publisher.connect()


async def test_a_short_limit_for_the_answer_does_not_hide_that_no_server_is_there() -> None:
    async with Publisher(f"127.0.0.1:{free_port()}", connect_limit_s=3600) as publisher:
        with pytest.raises(ServerUnavailable, match="refused"):
            await publisher.publish("news", "x", timeout=0.2)


async def test_a_server_that_is_slow_to_refuse_is_waited_for_once() -> None:
    settings = LinkSettings(connect_timeout_s=0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        tls = ssl.create_default_context()
        async with Publisher(address, tls=tls, settings=settings, connect_limit_s=0) as publisher:
            with pytest.raises(ServerUnavailable, match="no answer within"):
                await publisher.publish("news", "x")


async def test_one_of_two_servers_is_enough(worker: GearhornWorker, gearman_server: GearmanServer) -> None:
    async with Publisher([f"127.0.0.1:{free_port()}", gearman_server.address]) as publisher:
        await publisher.connect()
        for _ in range(3):
            assert await publisher.publish("news", "x") == PublishResult(0)


async def test_a_server_that_comes_up_is_used(tmp_path: Path) -> None:
    server = Gearmand(tmp_path / "late")
    async with Publisher(server.address, connect_limit_s=60) as publisher:
        with pytest.raises(ServerUnavailable):
            await publisher.connect()
        call = asyncio.create_task(publisher.subscribe("news", "bob"))
        await asyncio.to_thread(server.start)
        try:
            with stand_in(server) as service:
                await call
                assert service.bodies == [{"topic": "news", "client_id": "bob"}]
        finally:
            await asyncio.to_thread(server.stop)


# Gone in the middle.


async def test_a_message_whose_connection_is_lost_is_sent_again(
    worker: GearhornWorker, gearman_server: GearmanServer
) -> None:
    gate = Gate()
    with Proxy(gearman_server.port) as proxy:
        async with Publisher(proxy.address) as publisher, Subscriber("bob", gearman_server.address) as bob:
            await bob.subscribe("news", gate)
            call = asyncio.create_task(publisher.publish("news", "x", wait=True, results=True))
            await eventually(lambda: gate.count == 1, "the first copy")
            await asyncio.to_thread(proxy.cut)
            await eventually(lambda: gate.count == 2, "the copy of the second attempt")
            gate.open.set()
            result = await call
    assert result.receivers_done == 1
    assert [answer.data for answer in result.results] == [b"through"]


async def test_a_message_is_sent_again_over_another_server(store: str, tmp_path: Path) -> None:
    gate = Gate()
    with Gearmand(tmp_path / "one") as one, Gearmand(tmp_path / "two") as two:
        addresses = [one.address, two.address]
        with Proxy(one.port) as proxy, GearhornWorker(addresses, store, tmp_path / "service"):
            async with Publisher(proxy.address) as publisher, Subscriber("bob", addresses) as bob:
                await bob.subscribe("news", gate)
                first = asyncio.create_task(publisher.publish("news", "x", wait=True))
                await eventually(lambda: gate.count == 1, "a copy")
                async with Publisher([proxy.address, two.address]) as either:
                    await eventually(lambda: all(link.is_up for link in either._service._links), "both links")
                    calls = [asyncio.create_task(either.publish("news", "y", wait=True)) for _ in range(2)]
                    await eventually(lambda: gate.count == 3, "a copy by way of each server")
                    await asyncio.to_thread(proxy.refuse)
                    await asyncio.to_thread(proxy.cut)
                    await eventually(lambda: gate.count == 4, "the copy sent again by way of the other")
                    gate.open.set()
                    assert await asyncio.gather(*calls) == [PublishResult(1)] * 2
                first.cancel()


async def test_a_server_that_does_not_come_back_is_told(worker: GearhornWorker, gearman_server: GearmanServer) -> None:
    async with Publisher(gearman_server.address, connect_limit_s=0.2) as publisher:
        await publisher.subscribe("news", "nobody")
        started = asyncio.Event()
        waiting = publisher.publish("news", "x", wait=True, on_progress=lambda *_: started.set())
        call = asyncio.create_task(waiting)
        await started.wait()
        await asyncio.to_thread(gearman_server.stop)
        with pytest.raises(ServerUnavailable, match=gearman_server.address):
            await call


async def test_a_message_outlives_the_worker_that_held_it(
    worker: GearhornWorker, gearman_server: GearmanServer
) -> None:
    """gearmand gives the job to the next worker, geard reports a failure: then it is sent again."""
    gate = Gate()
    async with Publisher(gearman_server.address) as publisher, Subscriber("bob", gearman_server.address) as bob:
        await bob.subscribe("news", gate)
        call = asyncio.create_task(publisher.publish("news", "x", wait=True))
        await eventually(lambda: gate.count == 1, "the first copy")
        await asyncio.to_thread(worker.kill)
        gate.open.set()
        await asyncio.to_thread(worker.start)
        assert await call == PublishResult(1)
    assert gate.count == 2


async def test_what_one_publisher_gave_up_does_not_hold_up_the_next(
    gearman_server: GearmanServer, store: str, tmp_path: Path
) -> None:
    async with Publisher(gearman_server.address) as publisher:
        await publisher.connect()
        with pytest.raises(TimedOut):
            await publisher.publish("news", "x", timeout=0.1)
        with GearhornWorker([gearman_server.address], store, tmp_path / "service"):
            assert await publisher.publish("news", "y") == PublishResult(0)


# A service, or something else, that behaves oddly.


async def test_a_job_that_fails_without_a_word_is_tried_a_few_times_only(gearman_server: GearmanServer) -> None:
    with stand_in(gearman_server, answer=lambda job: job.sendWorkFail()) as service:
        async with Publisher(gearman_server.address) as publisher:
            with pytest.raises(Unavailable, match="failed 3 times"):
                await publisher.publish("news", "x")
        assert len(service.asked) == 3


async def test_a_refusal_is_read_from_the_warning_before_a_failure(gearman_server: GearmanServer) -> None:
    def warn_and_fail(job: gear.WorkerJob) -> None:
        job.sendWorkWarning(b"topic: is not liked here")
        job.sendWorkFail()

    with stand_in(gearman_server, answer=warn_and_fail) as service:
        async with Publisher(gearman_server.address) as publisher:
            with pytest.raises(BadRequest, match="is not liked here"):
                await publisher.subscribe("news", "bob")
        assert len(service.asked) == 1


async def test_receivers_get_their_time_although_the_service_was_slow_to_begin(gearmand: GearmanServer) -> None:
    """The limit is a second for the first word; the answer comes later than that."""
    go = threading.Event()

    def begin_and_wait(job: gear.WorkerJob) -> None:
        job.sendWorkStatus(0, 1)
        go.wait(60)
        job.sendWorkComplete(b"1")

    with stand_in(gearmand, answer=begin_and_wait):
        async with Publisher(gearmand.address) as publisher:
            loop = asyncio.get_running_loop()
            loop.call_later(1.2, go.set)
            assert await publisher.publish("news", "x", wait=True, timeout=1) == PublishResult(1)


async def test_a_service_that_begins_and_never_ends_is_given_up(
    gearmand: GearmanServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    go = threading.Event()
    monkeypatch.setattr("gearhorn.client.publisher.GRACE_S", 0.1)

    def begin(job: gear.WorkerJob) -> None:
        job.sendWorkStatus(0, 1)
        go.wait(60)

    with stand_in(gearmand, answer=begin):
        async with Publisher(gearmand.address) as publisher:
            with pytest.raises(TimedOut, match="began and did not answer"):
                await publisher.publish("news", "x", wait=True, timeout=0.5)
        go.set()


async def test_a_server_that_takes_no_job_says_why(gearmand: GearmanServer) -> None:
    async with Publisher(gearmand.address) as publisher:
        first = asyncio.create_task(publisher.publish("news", "x", timeout=2))
        reader, writer = await asyncio.open_connection("127.0.0.1", gearmand.port)

        async def limit_the_queue() -> bytes:
            writer.write(b"status\nmaxqueue fanout 1\r\n")
            return await reader.readuntil(b"OK\r\n")

        await eventually(lambda: publisher._service._links[0].is_up, "the link")
        while b"fanout\t1" not in await limit_the_queue():
            pass
        writer.close()
        with pytest.raises(ServerUnavailable, match="queue is full"):
            await publisher.publish("news", "y")
        with pytest.raises(TimedOut):
            await first
