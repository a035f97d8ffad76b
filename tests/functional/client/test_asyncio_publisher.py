"""The asyncio publisher with the service itself, on the servers that it is made for."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from gearhorn.client.answers import Failure, ReceiverResult
from gearhorn.client.copies import Copy
from gearhorn.client.publisher import Publisher, PublishResult
from gearhorn.client.subscriber import Subscriber
from gearhorn.errors import BadRequest
from tests.functional.client.waits import eventually
from tests.servers.gearhorn_worker import GearhornWorker
from tests.servers.gearman import GearmanServer


@pytest.fixture(autouse=True)
def running_service(gearman_server: GearmanServer, tmp_path: Path) -> Iterator[GearhornWorker]:
    with GearhornWorker([gearman_server.address], "memory://", tmp_path / "service") as worker:
        yield worker


@pytest.fixture
def address(gearman_server: GearmanServer) -> str:
    return gearman_server.address


async def test_every_subscriber_receives_a_copy_and_the_publisher_learns_how_many(address: str) -> None:
    seen: dict[str, list[Copy]] = {"alice": [], "bob": []}
    payload = bytes(range(256))
    async with (
        Publisher(address) as publisher,
        Subscriber("alice", address) as alice,
        Subscriber("bob", address) as bob,
    ):
        await alice.subscribe("news", seen["alice"].append)
        await bob.subscribe("news", seen["bob"].append)
        assert await publisher.publish("news", payload, unique="key") == PublishResult(2)
        await eventually(lambda: all(seen.values()), "two copies")
    assert seen == {"alice": [Copy("news", payload, "key")], "bob": [Copy("news", payload, "key")]}


async def test_what_receivers_answer_comes_back(address: str) -> None:
    async with (
        Publisher(address) as publisher,
        Subscriber("alice", address) as alice,
        Subscriber("bob", address) as bob,
    ):
        await alice.subscribe("add", lambda copy: copy.payload + b"\xff")
        await bob.subscribe("add", lambda copy: "2")
        result = await publisher.publish("add", "1", wait=True, results=True)
    assert result.receivers_done == 2
    assert set(result.results) == {
        ReceiverResult("alice", "complete", b"1\xff"),
        ReceiverResult("bob", "complete", b"2"),
    }


async def test_who_failed_and_why_is_told_beside_who_did_not(address: str) -> None:
    progress: list[tuple[int, int]] = []

    async def fail(copy: Copy) -> None:
        raise RuntimeError("no space left")

    async with (
        Publisher(address) as publisher,
        Subscriber("alice", address) as alice,
        Subscriber("bob", address) as bob,
    ):
        await alice.subscribe("news", lambda copy: None)
        await bob.subscribe("news", fail)
        await publisher.subscribe("news", "nobody")
        result = await publisher.publish(
            "news", "x", wait=True, timeout=2, on_progress=lambda *counts: progress.append(counts)
        )
    assert set(result.failures) == {Failure("bob", "exception: no space left"), Failure("nobody", "timeout")}
    assert (result.receivers_done, result.receivers) == (1, 3)
    assert progress[-1] == (3, 3)


async def test_failures_alone_can_be_asked_for(address: str) -> None:
    def fail(copy: Copy) -> None:
        raise RuntimeError("no")

    async with (
        Publisher(address) as publisher,
        Subscriber("alice", address) as alice,
        Subscriber("bob", address) as bob,
    ):
        await alice.subscribe("news", lambda copy: "fine")
        await bob.subscribe("news", fail)
        result = await publisher.publish("news", "x", wait=True, results="failures")
    assert result.results == (ReceiverResult("bob", "exception", b"no"),)


async def test_a_topic_without_subscribers_is_no_error(address: str) -> None:
    async with Publisher(address) as publisher:
        assert await publisher.publish("news", "x", wait=True, results=True) == PublishResult(0)


async def test_a_subscription_for_somebody_else_begins_and_ends(address: str) -> None:
    async with Publisher(address) as publisher:
        await publisher.subscribe("news", "bob", ttl=3600)
        assert (await publisher.publish("news", "x")).receivers == 1
        assert (await publisher.publish("news", "x", exclude=["bob"])).receivers == 0
        assert (await publisher.publish("news", "x", expires=1)).receivers == 0
        await publisher.unsubscribe("news", "bob")
        await publisher.unsubscribe("news", "bob")
        assert (await publisher.publish("news", "x")).receivers == 0


async def test_what_only_the_service_can_know_to_be_wrong_is_refused_with_its_words(address: str) -> None:
    async with Publisher(address) as publisher:
        await publisher.subscribe("a_b", "c")
        with pytest.raises(BadRequest, match="'a_b_c'") as caught:
            await publisher.subscribe("a", "b_c")
        assert caught.value.key == "client_id"


async def test_many_messages_may_be_under_way_at_a_time(address: str) -> None:
    async def echo(copy: Copy) -> bytes:
        await asyncio.sleep(0)
        return copy.payload

    async with Publisher(address) as publisher, Subscriber("bob", address) as bob:
        await bob.subscribe("echo", echo)
        calls = (publisher.publish("echo", str(number), wait=True, results=True) for number in range(100))
        results = await asyncio.gather(*calls)
    assert [result.results[0].data for result in results] == [b"%d" % number for number in range(100)]


async def test_a_function_that_raises_ends_its_own_call_only(address: str) -> None:
    def stumble(done_count: int, total_count: int) -> None:
        raise ZeroDivisionError

    async with Publisher(address) as publisher, Subscriber("bob", address) as bob:
        await bob.subscribe("news", lambda copy: None)
        calls = [
            publisher.publish("news", "x", wait=True, on_progress=stumble),
            publisher.publish("news", "y", wait=True),
        ]
        first, second = await asyncio.gather(*calls, return_exceptions=True)
        assert isinstance(first, ZeroDivisionError)
        assert second == PublishResult(1)
        assert await publisher.publish("news", "z", wait=True) == PublishResult(1)


async def test_a_call_that_is_cancelled_leaves_the_publisher_in_order(address: str) -> None:
    async with Publisher(address) as publisher:
        await publisher.subscribe("news", "nobody")
        started = asyncio.Event()
        waiting = publisher.publish("news", "x", wait=True, timeout=1, on_progress=lambda *_: started.set())
        call = asyncio.create_task(waiting)
        await started.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await publisher.unsubscribe("news", "nobody")
        assert (await publisher.publish("news", "x")).receivers == 0
