"""Jobs that come back: those of workers that were killed are run again, and those of attackers are not."""

import asyncio
import contextlib
import json
from pathlib import Path

from gearhorn.store.base import Subscribe
from gearhorn.store.leases import TopicVersion
from gearhorn.store.opening import StoreSettings, open_store
from tests.functional.contract.clients import Client, Receiver
from tests.functional.facts.raw import Kind, Peer
from tests.functional.signing.scene import Scene, signed
from tests.servers.gearman import Gearmand
from tests.servers.process import wait_until

LARGE_COUNT = 20_000


def test_a_fanout_whose_worker_is_killed_is_run_by_another_one(own_scene: Scene) -> None:
    scene = own_scene
    scene.do("subscribe", "admin", client_id="bob")
    body = signed("fanout", "web", payload="hello", timeout=60)
    with scene.on_worker(0):
        handle = scene.client.start("fanout", body)
        scene.receiver.can_do(b"news_bob")
        assert scene.receiver.take().payload == b"hello"
        scene.workers[0].kill()
    assert scene.receiver.take().payload == b"hello"  # the other worker's copy
    # what is played back meanwhile, in a job of its own, is refused
    assert scene.refusal("fanout", body).startswith("nonce: ")
    for job in scene.receiver.take_all():
        raise AssertionError(job)
    scene.receiver.close()  # both copies fail now, or go to nobody
    other = Receiver(scene.server)
    try:
        other.can_do(b"news_bob")
        copy = other.take()
        other.report(copy, Kind.WORK_COMPLETE, b"done")
        assert scene.client.finish(handle).data == b"1"
    finally:
        other.close()


def test_a_change_whose_worker_is_killed_is_made_by_another_one(own_scene: Scene) -> None:
    """Killed while the other worker, which is asleep, has not acknowledged the change."""
    scene = own_scene
    body = signed("subscribe", "admin", client_id="bob")
    with scene.on_worker(0):
        handle = scene.client.start("subscribe_fanout", body)
        wait_until(lambda: _is_taken(scene, b"subscribe_fanout"), "the job to be taken")
        scene.workers[0].kill()
    assert scene.client.finish(handle).kind == Kind.WORK_COMPLETE
    assert scene.do("fanout", "web", payload="hello", background=True) == "1"


def test_a_body_that_comes_back_under_its_old_handle_after_a_restart_is_only_answered(own_scene: Scene) -> None:
    scene = own_scene
    scene.do("subscribe", "admin", client_id="bob")
    body = signed("fanout", "web", payload="hello", background=True)
    handle = scene.client.start("fanout", body)
    assert scene.client.finish(handle).data == b"1"
    assert scene.delivered("news", "bob") == [b"hello"]
    scene.server.stop()
    scene.server.start()
    wait_until(lambda: _workers_of(scene, b"fanout") == 2, "the workers to be back")
    client = Client(scene.server)
    try:
        while (again := client.start("fanout", body)) != handle:
            assert client.finish(again).kind == Kind.WORK_EXCEPTION
        assert client.finish(again).data == b"1"
    finally:
        client.close()
    assert _queued(scene, b"news_bob") == 0


def test_a_large_fanout_whose_worker_is_killed_goes_on_where_it_stopped(tmp_path: Path) -> None:
    def prepare(store_url: str) -> None:
        asyncio.run(_subscribe_many(store_url, "news", LARGE_COUNT))

    with Gearmand(tmp_path / "server") as server, Scene(tmp_path, server, prepare=prepare) as scene:
        with scene.on_worker(0):
            handle = scene.client.start("fanout", signed("fanout", "web", payload="hello", background=True))
            wait_until(lambda: _copies(scene) > 0, "copies on the queues")
            scene.workers[0].kill()
        assert scene.client.finish(handle).data == b"%d" % LARGE_COUNT
        assert LARGE_COUNT <= _copies(scene) <= LARGE_COUNT + 5000


def test_a_job_that_outlasts_a_restart_of_its_server_is_run_again_under_another_handle(tmp_path: Path) -> None:
    """Its Gearman job is in the background, so that gearmand keeps it; the fanout itself waits for its receivers."""
    keeps = ["--queue-type=libsqlite3", f"--libsqlite3-db={tmp_path / 'queue.db'}"]
    settings = "required_topics = *\n[gearman]\npersistent_queue = true"
    with Gearmand(tmp_path / "server", extra=keeps) as server, Scene(tmp_path, server, settings) as scene:
        scene.do("subscribe", "admin", client_id="bob")
        scene.do("fanout", "web", payload="first", background=True)
        body = json.dumps(signed("fanout", "web", payload="hello", timeout=60)).encode()
        handle = scene.receiver.submit(b"fanout", b"its own key", body)
        wait_until(lambda: _queued(scene, b"news_bob") == 2, "the copy")
        for worker in scene.workers:
            worker.kill()
        server.kill()
        server.start()
        scene.workers[1].start()
        receiver = Receiver(server)
        try:
            receiver.can_do(b"news_bob")
            # the copies that were in the foreground went with their client
            assert [receiver.take().payload for _ in range(2)] == [b"first", b"hello"]
            assert receiver.submit(b"other", b"", b"") != handle
        finally:
            receiver.close()


async def _subscribe_many(store_url: str, topic: str, count: int) -> None:
    async with contextlib.AsyncExitStack() as stack:
        store = open_store(StoreSettings(store_url))
        await store.open()
        stack.push_async_callback(store.close)
        outcome = await store.apply([Subscribe(topic, f"{number:05}") for number in range(count)])
        await store.settle([TopicVersion(topic, outcome.topics[topic].version)])


def _copies(scene: Scene) -> int:
    with contextlib.closing(Peer(scene.server)) as peer:
        return sum(int(row[1]) for row in peer.table(b"status") if row[0].startswith(b"news_"))


def _status(scene: Scene, queue: bytes) -> list[int]:
    """Jobs in all, those that are being run, and workers. On a connection of its own: servers restart."""
    with contextlib.closing(Peer(scene.server)) as peer:
        return peer.counts_of(queue) or [0, 0, 0]


def _queued(scene: Scene, queue: bytes) -> int:
    return _status(scene, queue)[0]


def _is_taken(scene: Scene, queue: bytes) -> bool:
    return _status(scene, queue)[1] > 0


def _workers_of(scene: Scene, queue: bytes) -> int:
    return _status(scene, queue)[2]
