"""What a Gearman server costs that goes away, comes back, or hangs."""

import signal
from pathlib import Path

import pytest

from tests.functional.facts.raw import Kind
from tests.functional.guarantees.page import wait_for_quotes
from tests.functional.trouble.scene import Scene, fanout, names, subscribe
from tests.servers.gearman import Geard, Gearmand, GearmanServer, PerlGearmand
from tests.servers.process import wait_until

MANY = names(200)


def see_what_a_restart_leaves(scene: Scene, server: GearmanServer, row: str) -> None:
    """Copies that waited are lost with the server, unless a worker still waits for what becomes of them."""
    worker = scene.worker(server.address)
    client = scene.client(server)
    subscribe(client, "news", ["bob"])
    subscribe(client, "memos", ["bob"])
    client.wait_for_progress(client.start("fanout", fanout("memos")), 0, 1)
    assert client.request("fanout", fanout("news", background=True)).count == 1
    server.kill()
    server.start()
    wait_for_quotes(row, worker)
    assert scene.receiver(server, "memos", ["bob"]).take()
    assert not scene.copies(server, "news", ["bob"])
    assert scene.client(server).request("fanout", fanout("news", background=True)).count == 1
    assert scene.copies(server, "news", ["bob"]) == {"bob": 1}


def test_g06_gearmand_is_killed(scene: Scene) -> None:
    """G-06"""
    see_what_a_restart_leaves(scene, scene.gearmand(), "G-06")


def test_g07_gearmand_with_a_persistent_queue_is_killed(scene: Scene, tmp_path: Path) -> None:
    """G-07"""
    options = ["--queue-type=libsqlite3", f"--libsqlite3-db={tmp_path / 'queue.db'}"]
    gearmand = scene.stack.enter_context(Gearmand(tmp_path / "gearmand", extra=options))
    worker = scene.worker(gearmand.address, settings="[gearman]\npersistent_queue = true\n")
    client = scene.client(gearmand)
    subscribe(client, "news", ["bob"])
    for _ in range(2):
        assert client.request("fanout", fanout("news", background=True)).count == 1
    worker.kill()
    client.start("fanout", fanout("news"), Kind.SUBMIT_JOB)
    client.start("fanout", fanout("news", background=True), Kind.SUBMIT_JOB_BG)
    gearmand.kill()
    gearmand.start()
    worker.start()
    wait_until(lambda: scene.client(gearmand).counts_of(b"fanout")[:2] == [0, 0], "the fanout that waited")
    assert scene.copies(gearmand, "news", ["bob"]) == {"bob": 3}


def test_g08_one_of_several_gearman_servers_is_killed(scene: Scene) -> None:
    """G-08"""
    one, other = scene.gearmand(), scene.gearmand()
    worker = scene.worker(one.address, other.address)
    client = scene.client(one)
    subscribe(client, "news", MANY)
    assert client.request("fanout", fanout("news", background=True)).count == len(MANY)
    left = scene.copies(one, "news", MANY)
    assert 0 < len(left) < len(MANY)  # the rest of them is lost now
    other.kill()
    assert client.request("fanout", fanout("news", background=True)).count == len(MANY)
    assert scene.copies(one, "news", MANY).keys() == set(MANY)
    wait_for_quotes("G-08", worker)


@pytest.mark.parametrize("kind", [Geard, PerlGearmand])
def test_g09_geard_or_perls_server_is_killed(
    scene: Scene, tmp_path: Path, kind: type[Geard] | type[PerlGearmand]
) -> None:
    """G-09"""
    server = scene.stack.enter_context(kind(tmp_path / "server"))
    see_what_a_restart_leaves(scene, server, "G-09")


def test_g10_gearmand_hangs(scene: Scene) -> None:
    """G-10"""
    near, far = scene.gearmand(), scene.gearmand()
    worker = scene.worker(near.address, far.address, settings="[gearman]\nanswer_timeout = 1\n")
    client = scene.client(near)
    subscribe(client, "news", MANY)
    far.signal(signal.SIGSTOP)
    assert client.request("fanout", fanout("news", background=True)).count == len(MANY)
    assert scene.copies(near, "news", MANY).keys() == set(MANY)
    far.signal(signal.SIGCONT)
    assert scene.copies(far, "news", MANY)  # those come twice
    wait_for_quotes("G-10", worker)
