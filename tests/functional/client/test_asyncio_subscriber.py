"""The asyncio subscriber with the service itself: receiving, leaving, and what comes between."""

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from gearhorn.client import subscriber as subscriber_module
from gearhorn.client.answers import Failure
from gearhorn.client.copies import Copy
from gearhorn.client.publisher import Publisher, PublishResult
from gearhorn.client.subscriber import Subscriber
from gearhorn.errors import BadRequest, Misconfigured, ServerUnavailable, TimedOut
from gearhorn.net.connection import LinkSettings
from tests.functional.client.stand_in import put, stand_in, worker_count
from tests.functional.client.waits import eventually
from tests.servers.gearhorn_worker import GearhornWorker
from tests.servers.gearman import Gearmand, GearmanServer
from tests.servers.process import free_port


@pytest.fixture
def worker(gearman_server: GearmanServer, tmp_path: Path) -> Iterator[GearhornWorker]:
    with GearhornWorker([gearman_server.address], "memory://", tmp_path / "service") as worker:
        yield worker


@pytest.fixture
def address(worker: GearhornWorker, gearman_server: GearmanServer) -> str:
    """Of a server where the service runs."""
    return gearman_server.address


@pytest.fixture
async def publisher(address: str) -> AsyncIterator[Publisher]:
    async with Publisher(address) as publisher:
        yield publisher


class Gate:
    """A handler that counts its copies and answers none before the gate is open."""

    def __init__(self) -> None:
        self.count = 0
        self.open = asyncio.Event()

    async def __call__(self, copy: Copy) -> str:
        self.count += 1
        await self.open.wait()
        return "through"


# Coming.


async def test_copies_that_waited_are_received(publisher: Publisher, address: str) -> None:
    seen: list[Copy] = []
    await publisher.subscribe("news", "bob")
    await publisher.publish("news", "while bob was away")
    async with Subscriber("bob", address) as bob:
        await bob.subscribe("news", seen.append)
        await eventually(lambda: seen, "the copy")
    assert seen == [Copy("news", b"while bob was away")]


async def test_a_subscriber_has_a_handler_for_each_topic(publisher: Publisher, address: str) -> None:
    async with Subscriber("bob", address) as bob:
        await bob.subscribe("news", lambda copy: f"{copy.topic}!")
        await bob.subscribe("wetter in köln", lambda copy: f"{copy.topic}?")
        for topic, answer in (("news", "news!"), ("wetter in köln", "wetter in köln?")):
            result = await publisher.publish(topic, "x", wait=True, results=True)
            assert [each.data.decode() for each in result.results] == [answer]


async def test_to_subscribe_again_replaces_the_handler(publisher: Publisher, address: str) -> None:
    async with Subscriber("bob", address) as bob:
        await bob.subscribe("news", lambda copy: "old")
        await bob.subscribe("news", lambda copy: "new")
        result = await publisher.publish("news", "x", wait=True, results=True)
    assert [each.data for each in result.results] == [b"new"]


async def test_copies_are_taken_from_every_server(tmp_path: Path) -> None:
    with Gearmand(tmp_path / "one") as one, Gearmand(tmp_path / "two") as two:
        addresses = [one.address, two.address]
        seen: list[bytes] = []
        with GearhornWorker(addresses, "memory://", tmp_path / "service"):
            async with Subscriber("bob", addresses) as bob:
                await bob.subscribe("news", lambda copy: seen.append(copy.payload))
                for server in (one, two):
                    await asyncio.to_thread(put, server, "news_bob", server.address.encode())
                await eventually(lambda: len(seen) == 2, "a copy from each")
        assert set(seen) == {address.encode() for address in addresses}


async def test_a_refused_subscription_serves_no_queue_that_is_anothers(
    publisher: Publisher, address: str, gearman_server: GearmanServer
) -> None:
    await publisher.subscribe("a_b", "c")
    async with Subscriber("b_c", address) as thief:
        with pytest.raises(BadRequest, match="a_b_c"):
            await thief.subscribe("a", lambda copy: None)
        await eventually(lambda: worker_count(gearman_server, "fanout") == 1, "the server's table")
        assert worker_count(gearman_server, "a_b_c") == 0


@pytest.mark.parametrize(("topic", "ttl", "key"), [("", 0, "topic"), ("x\0", 0, "topic"), ("news", -1, "ttl")])
async def test_what_the_service_would_refuse_is_refused_at_once(topic: str, ttl: float, key: str) -> None:
    async with Subscriber("bob", f"127.0.0.1:{free_port()}") as bob:
        with pytest.raises(BadRequest) as caught:
            await bob.subscribe(topic, lambda copy: None, ttl)
    assert caught.value.key == key


def test_a_subscriber_needs_a_client_id_and_a_server() -> None:
    with pytest.raises(BadRequest, match="client_id: is empty"):
        Subscriber("", "127.0.0.1")
    with pytest.raises(Misconfigured):
        Subscriber("bob", [])


async def test_without_a_server_the_subscriber_is_told(caplog: pytest.LogCaptureFixture) -> None:
    async with Subscriber("bob", f"127.0.0.1:{free_port()}", connect_limit_s=0.2) as bob:
        with pytest.raises(ServerUnavailable, match="refused"):
            await bob.connect()
        with pytest.raises(ServerUnavailable, match="refused"):
            await bob.subscribe("news", lambda copy: None)
    assert caplog.text.count("cannot be reached") == 1


async def test_without_a_service_the_subscriber_is_told(gearman_server: GearmanServer) -> None:
    async with Subscriber("bob", gearman_server.address) as bob:
        with pytest.raises(TimedOut):  # geard may take a second to accept
            await bob.subscribe("news", lambda copy: None, timeout=2)
        with pytest.raises(TimedOut):
            await bob.unsubscribe("news", timeout=2)


async def test_who_has_subscribed_is_connected(tmp_path: Path) -> None:
    """Also when the link for copies failed at first, and waits before its next try."""
    server = Gearmand(tmp_path / "late")
    settings = LinkSettings(first_retry_s=3)
    async with Subscriber("bob", server.address, settings=settings) as bob:
        with pytest.raises(ServerUnavailable):
            await bob.connect()
        await asyncio.to_thread(server.start)
        try:
            with stand_in(server):
                await bob.subscribe("news", lambda copy: None)
                assert [str(address) for address in bob._inbox.servers_up()] == [server.address]
        finally:
            await asyncio.to_thread(server.stop)


# Going.


async def test_who_has_unsubscribed_finishes_what_it_holds(
    publisher: Publisher, address: str, gearman_server: GearmanServer
) -> None:
    """On gearmand a queue left too early takes its held jobs back, and refuses their ends."""
    gate = Gate()
    async with Subscriber("bob", address) as bob:
        await bob.subscribe("news", gate)
        call = asyncio.create_task(publisher.publish("news", "x", wait=True))
        await eventually(lambda: gate.count == 1, "the copy")
        await bob.unsubscribe("news")
        assert (await publisher.publish("news", "y")).receivers == 0
        assert worker_count(gearman_server, "news_bob") == 1
        gate.open.set()
        assert await call == PublishResult(1)
        await eventually(lambda: worker_count(gearman_server, "news_bob") == 0, "the queue to be left")
    assert gate.count == 1


async def test_a_handler_may_end_its_own_subscription(publisher: Publisher, address: str) -> None:
    async with Subscriber("bob", address) as bob:

        async def leave(copy: Copy) -> str:
            await bob.unsubscribe(copy.topic)
            return "left"

        await bob.subscribe("news", leave)
        result = await publisher.publish("news", "x", wait=True, results=True)
        assert [each.data for each in result.results] == [b"left"]
        assert (await publisher.publish("news", "x")).receivers == 0


async def test_to_come_back_while_the_queue_is_being_left_keeps_it(
    publisher: Publisher, address: str, gearman_server: GearmanServer
) -> None:
    gate = Gate()
    async with Subscriber("bob", address) as bob:
        await bob.subscribe("news", gate)
        call = asyncio.create_task(publisher.publish("news", "x", wait=True))
        await eventually(lambda: gate.count == 1, "the copy")
        await bob.unsubscribe("news")
        await bob.subscribe("news", gate)
        gate.open.set()
        assert await call == PublishResult(1)
        assert await publisher.publish("news", "y", wait=True) == PublishResult(1)
        assert worker_count(gearman_server, "news_bob") == 1


async def test_at_the_end_what_runs_is_finished_and_the_subscription_stays(publisher: Publisher, address: str) -> None:
    gate = Gate()
    async with Subscriber("bob", address) as bob:
        await bob.subscribe("news", gate)
        call = asyncio.create_task(publisher.publish("news", "x", wait=True))
        await eventually(lambda: gate.count == 1, "the copy")
        asyncio.get_running_loop().call_later(0.2, gate.open.set)
    assert await call == PublishResult(1)
    assert (await publisher.publish("news", "y")).receivers == 1


async def test_at_the_end_the_subscription_can_end_too(publisher: Publisher, address: str) -> None:
    async with Subscriber("bob", address, unsubscribe_at_end=True) as bob:
        await bob.subscribe("news", lambda copy: None)
        await bob.subscribe("other", lambda copy: None)
    for topic in ("news", "other"):
        assert (await publisher.publish(topic, "x")).receivers == 0


async def test_what_is_not_finished_in_time_goes_to_the_next(gearmand: GearmanServer, tmp_path: Path) -> None:
    """On gearmand. geard forgets a background job whose worker goes."""
    stuck, seen = Gate(), Gate()
    seen.open.set()
    with GearhornWorker([gearmand.address], "memory://", tmp_path / "service"):
        async with Publisher(gearmand.address) as publisher:
            async with Subscriber("bob", gearmand.address, drain_limit_s=0.1) as bob:
                await bob.subscribe("news", stuck)
                await publisher.publish("news", "x")
                await eventually(lambda: stuck.count == 1, "the copy")
            async with Subscriber("bob", gearmand.address) as bob:
                await bob.subscribe("news", seen)
                await eventually(lambda: seen.count == 1, "the copy once more")


async def test_the_end_can_be_cut_short(publisher: Publisher, address: str, caplog: pytest.LogCaptureFixture) -> None:
    gate = Gate()
    async with Subscriber("bob", address, drain_limit_s=3600) as bob:
        await bob.subscribe("news", gate)
        await publisher.publish("news", "x")
        await eventually(lambda: gate.count == 1, "the copy")
        asyncio.get_running_loop().call_later(0.1, bob.hurry)
    assert "gave 1 unfinished copies back" in caplog.text


async def test_the_end_does_not_wait_long_for_a_service_that_is_gone(
    worker: GearhornWorker,
    gearman_server: GearmanServer,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(subscriber_module, "LEAVING_LIMIT_S", 0.5)
    async with Subscriber("bob", gearman_server.address, unsubscribe_at_end=True) as bob:
        await bob.subscribe("news", lambda copy: None)
        await asyncio.to_thread(worker.stop)
    assert "could not unsubscribe" in caplog.text


async def test_it_runs_until_a_handler_stops_it(publisher: Publisher, address: str) -> None:
    seen: list[bytes] = []
    async with Subscriber("bob", address, concurrency=1) as bob:

        async def stop(copy: Copy) -> None:
            seen.append(copy.payload)
            bob.stop()

        await bob.subscribe("news", stop)
        for number in range(3):
            await publisher.publish("news", str(number))
        await bob.run()
    assert seen == [b"0"]


async def test_it_runs_until_it_is_cancelled(publisher: Publisher, address: str) -> None:
    async with Subscriber("bob", address) as bob:
        running = asyncio.create_task(bob.run())
        await bob.subscribe("news", lambda copy: None)
        assert await publisher.publish("news", "x", wait=True) == PublishResult(1)
        assert not running.done()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running


# In between.


async def test_a_handler_that_fails_tells_the_publisher_and_stays(publisher: Publisher, address: str) -> None:
    def fail(copy: Copy) -> None:
        raise LookupError(copy.payload.decode())

    async with Subscriber("bob", address) as bob:
        await bob.subscribe("news", fail)
        for text in ("one", "two"):
            result = await publisher.publish("news", text, wait=True)
            assert result.failures == (Failure("bob", f"exception: {text}"),)


async def test_no_more_handlers_run_than_allowed_while_others_share_the_copies(
    publisher: Publisher, address: str
) -> None:
    first, second = Gate(), Gate()
    async with (
        Subscriber("bob", address, concurrency=2) as one,
        Subscriber("bob", address, concurrency=2) as other,
    ):
        await one.subscribe("news", first)
        await other.subscribe("news", second)
        for number in range(6):
            await publisher.publish("news", str(number))
        await eventually(lambda: first.count + second.count == 4, "four copies at work")
        assert (first.count, second.count) == (2, 2)
        first.open.set()
        await eventually(lambda: first.count + second.count == 6, "the other two")
        second.open.set()


async def test_a_slow_function_holds_up_neither_others_nor_the_connection(publisher: Publisher, address: str) -> None:
    go = threading.Event()
    async with Subscriber("bob", address) as bob:
        await bob.subscribe("slow", lambda copy: go.wait(60) and None)
        await bob.subscribe("quick", lambda copy: None)
        call = asyncio.create_task(publisher.publish("slow", "x", wait=True))
        assert await publisher.publish("quick", "x", wait=True) == PublishResult(1)
        go.set()
        assert await call == PublishResult(1)


async def test_copies_come_again_after_a_restart_of_server_and_service(
    worker: GearhornWorker, gearman_server: GearmanServer, caplog: pytest.LogCaptureFixture
) -> None:
    """The store is the worker's memory: the subscription is lost with it, and has to be made again."""
    caplog.set_level(logging.INFO, "gearhorn.client")
    seen: list[bytes] = []
    async with Subscriber("bob", gearman_server.address) as bob:
        await bob.subscribe("news", lambda copy: seen.append(copy.payload))
        await bob.subscribe("other", lambda copy: None)
        await asyncio.to_thread(worker.kill)
        await asyncio.to_thread(gearman_server.kill)
        await asyncio.to_thread(gearman_server.start)
        await asyncio.to_thread(worker.start)
        await eventually(lambda: caplog.text.count("subscribed again") == 2, "both subscriptions")
        async with Publisher(gearman_server.address) as publisher:
            assert await publisher.publish("news", "x", wait=True) == PublishResult(1)
            assert await publisher.publish("other", "x", wait=True) == PublishResult(1)
    assert seen == [b"x"]
    lost = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(lost) == 1, [record.getMessage() for record in lost]


async def test_a_ttl_is_renewed_for_as_long_as_the_subscriber_lives(publisher: Publisher, address: str) -> None:
    async with Subscriber("bob", address) as bob:
        await bob.subscribe("news", lambda copy: None, ttl=1)
        await publisher.subscribe("news", "alice", ttl=1)
        # alice ends by herself; by then bob would have ended, too
        await _until_receivers(publisher, 1)
        assert await publisher.publish("news", "x", wait=True) == PublishResult(1)
    await _until_receivers(publisher, 0)


async def _until_receivers(publisher: Publisher, count: int) -> None:
    async with asyncio.timeout(60):
        while (await publisher.publish("news", "x")).receivers != count:  # noqa: ASYNC110 - the service tells nobody
            await asyncio.sleep(0.05)


async def test_nobody_is_asked_to_renew_while_no_server_is_there(
    worker: GearhornWorker, gearman_server: GearmanServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    async with Subscriber("bob", gearman_server.address) as bob:
        await bob.subscribe("news", lambda copy: None, ttl=0.2)
        await asyncio.to_thread(gearman_server.stop)
        await eventually(lambda: not bob._inbox.servers_up(), "the loss")
        subscription = bob._renewals._subscriptions["news"]
        due_s = subscription.due_s

        async def ask(queue: str, body: bytes, timeout_s: float) -> None:
            asked.append(queue)

        monkeypatch.setattr(bob, "_ask", ask)
        await eventually(lambda: subscription.due_s != due_s, "the renewal to begin")
        assert asked == []
        await asyncio.to_thread(gearman_server.start)
        await eventually(lambda: asked, "the renewal")


async def test_the_servers_table_names_the_subscriber(address: str, gearman_server: GearmanServer) -> None:
    async def table() -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", gearman_server.port)
        writer.write(b"workers\n")
        answer = await reader.readuntil(b"\n.\n")
        writer.close()
        return answer

    async with Subscriber("bob the builder", address) as bob:
        await bob.subscribe("news", lambda copy: None)
        async with asyncio.timeout(60):
            while b" bob-the-builder : news_bob the builder" not in await table():
                pass
