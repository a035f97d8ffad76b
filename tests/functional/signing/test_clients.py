"""gearhorn's own clients sign when they are given a key, and anew whenever they ask again."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import gear
import pytest

from gearhorn.client import Copy, GearhornClient, GearhornSubscriber, Publisher, Signer, Subscriber
from gearhorn.errors import BadRequest
from tests.functional.contract.clients import Receiver
from tests.functional.signing.scene import SECRETS, Scene
from tests.servers.process import wait_until

LIMIT_S = 60.0


@pytest.fixture
def admin() -> Signer:
    return Signer("admin", SECRETS["admin"])


@contextlib.contextmanager
def connected(scene: Scene, peer: GearhornClient | GearhornSubscriber) -> Iterator[None]:
    peer.addServer("127.0.0.1", scene.server.port)
    peer.waitForServer(LIMIT_S)
    try:
        yield
    finally:
        peer.shutdown()


def test_those_on_gear_sign(scene: Scene, admin: Signer) -> None:
    client, subscriber = GearhornClient("web", signer=admin), GearhornSubscriber("alice", signer=admin)
    with connected(scene, client), connected(scene, subscriber):
        subscriber.subscribe("gear", timeout=LIMIT_S)
        client.submitJob(gear.Job("gear", b"hello"), background=True, timeout=LIMIT_S)
        copy = subscriber.getJob()
        assert copy.arguments == b"hello"
        copy.sendWorkComplete()
        subscriber.unsubscribe("gear", timeout=LIMIT_S)


def test_those_on_gear_hear_why_they_were_refused(scene: Scene) -> None:
    with connected(scene, subscriber := GearhornSubscriber("host-1", signer=Signer("host-1", SECRETS["host-1"]))):
        with pytest.raises(BadRequest, match="may not subscribe to topic 'gear'") as caught:
            subscriber.subscribe("gear", timeout=LIMIT_S)
        assert caught.value.key == "key"
    without = GearhornSubscriber("host-1")
    with connected(scene, without), pytest.raises(BadRequest, match="takes signed jobs only"):
        without.subscribe("gear", timeout=LIMIT_S)


async def test_those_on_asyncio_sign(scene: Scene, admin: Signer) -> None:
    copies: list[bytes] = []

    def handle(copy: Copy) -> None:
        copies.append(copy.payload)

    servers = [scene.server.address]
    async with (
        Publisher(servers, signer=admin) as publisher,
        Subscriber("alice", servers, signer=admin, unsubscribe_at_end=True) as alice,
    ):
        await alice.subscribe("aio", handle, timeout=LIMIT_S)
        await publisher.subscribe("aio", "bob", timeout=LIMIT_S)
        await publisher.unsubscribe("aio", "bob", timeout=LIMIT_S)
        result = await publisher.publish("aio", "hello", wait=True, timeout=LIMIT_S)
        assert (result.receivers_done, copies) == (1, [b"hello"])
    async with Publisher(servers, signer=admin) as publisher:
        assert (await publisher.publish("aio", "hello")).receivers == 0
    async with Publisher(servers, signer=Signer("web", SECRETS["web"])) as publisher:
        with pytest.raises(BadRequest, match="key: 'web' may not publish to topic 'aio'"):
            await publisher.publish("aio", "hello")


async def test_what_is_asked_again_is_signed_anew(own_scene: Scene, admin: Signer) -> None:
    """The same body would be a replay to the service, which had begun the job when the server was lost."""
    scene = own_scene
    scene.do("subscribe", "admin", client_id="bob")
    scene.receiver.can_do(b"news_bob")
    async with Publisher([scene.server.address], signer=admin, connect_limit_s=LIMIT_S) as publisher:
        publishing = asyncio.create_task(publisher.publish("news", "hello", wait=True, timeout=LIMIT_S))
        assert (await asyncio.to_thread(scene.receiver.take)).payload == b"hello"
        await asyncio.to_thread(scene.server.stop)
        await asyncio.to_thread(scene.server.start)
        await asyncio.to_thread(_answer_until, scene, publishing.done)
        assert (await publishing).receivers_done == 1


def _answer_until(scene: Scene, is_done: Callable[[], bool]) -> None:
    """The worker sends its first copy again, too."""
    with contextlib.closing(Receiver(scene.server)) as receiver:
        receiver.can_do(b"news_bob")

        def answer() -> bool:
            for job in receiver.take_all():
                receiver.complete(job.handle)
            return is_done()

        wait_until(answer, "the answer to the publisher", LIMIT_S)


def test_a_signer_comes_from_the_file_that_the_service_has(scene: Scene) -> None:
    assert Signer.from_file("web", str(scene.keys_file)) == Signer("web", SECRETS["web"])
    assert SECRETS["web"] not in repr(Signer.from_file("web", str(Path(scene.keys_file))))
