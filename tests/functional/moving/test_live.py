"""Imports into a store whose workers are up: what they send next goes by it."""

import json
import signal
from collections.abc import Callable

import pytest

from gearhorn.cmd import exits
from gearhorn.store.base import Subscribe
from tests.functional.moving.conftest import Place
from tests.functional.trouble.scene import Scene, fanout
from tests.servers.process import free_port

MakePlace = Callable[[str], Place]


def lines(*client_ids: str) -> str:
    return "".join(f"news\t{client_id}\n" for client_id in client_ids)


@pytest.mark.parametrize("kind", ["redis", "memcached", "sqlite"])
def test_the_next_fanout_reaches_whom_the_import_brought_and_nobody_whom_it_removed(
    kind: str, make_place: MakePlace, scene: Scene
) -> None:
    place, server = make_place(kind), scene.gearmand()
    place.fill(Subscribe("news", "old"))
    workers = [scene.worker(server.address, store=place.url, settings=place.settings) for _ in range(2)]
    client = scene.client(server)
    for _ in range(5):  # whichever of the two takes them, both are likely to have the list in memory
        assert client.request("fanout", fanout("news", background=True)).count == 1
    scene.copies(server, "news", ["old"])
    done = place.run("import", "--gearman", server.address, text=lines("alice", "bob"))
    assert done.returncode == exits.OK
    assert done.stderr.endswith("gearhorn: imported: 2 new, 0 there already\n")
    assert {client.request("fanout", fanout("news", background=True)).count for _ in range(5)} == {3}
    assert scene.copies(server, "news", ["old", "alice", "bob"]) == {"old": 5, "alice": 5, "bob": 5}
    place.run("import", "--replace", "--gearman", server.address, text=lines("bob", "carol"))
    assert {client.request("fanout", fanout("news", background=True)).count for _ in range(5)} == {2}
    assert scene.copies(server, "news", ["old", "alice", "bob", "carol"]) == {"bob": 5, "carol": 5}
    assert [worker.log.count("lease was lost") for worker in workers] == [0, 0]


def test_nothing_is_changed_where_workers_cannot_be_told(make_place: MakePlace, scene: Scene) -> None:
    place, server = make_place("redis"), scene.gearmand()
    worker = scene.worker(server.address, store=place.url, settings=place.settings)
    nowhere = f"127.0.0.1:{free_port()}"
    (place.home / "gearhorn.conf").write_text(f"{place.settings}[gearman]\nconnect_timeout = 1\n")
    done = place.run("import", "--gearman", nowhere, text=lines("alice"))
    assert done.returncode == exits.UNREACHABLE
    assert f"1 workers use this store ({worker.worker_id} is one), and no Gearman server can be reached" in done.stderr
    assert nowhere in done.stderr
    assert "news" not in place.names()
    assert place.told("--dry-run", "--gearman", nowhere, text=lines("alice"))["new"] == 1


def test_a_worker_that_does_not_answer_is_waited_for_until_it_may_serve_no_old_list(
    make_place: MakePlace, scene: Scene
) -> None:
    place, server = make_place("redis"), scene.gearmand()
    place.fill(Subscribe("news", "old"))
    worker = scene.worker(server.address, store=place.url, settings=place.settings)
    client = scene.client(server)
    assert client.request("fanout", fanout("news", background=True)).count == 1
    assert worker.process is not None
    worker.process.send_signal(signal.SIGSTOP)
    try:
        done = place.run("import", "--gearman", server.address, text=lines("alice"))
    finally:
        worker.process.send_signal(signal.SIGCONT)
    assert done.returncode == exits.OK
    assert f"worker {worker.worker_id} does not acknowledge" in done.stderr
    assert client.request("fanout", fanout("news", background=True)).count == 2


def test_who_watches_is_told(make_place: MakePlace, scene: Scene) -> None:
    place, server = make_place("redis"), scene.gearmand()
    place.fill(Subscribe("__matchmaking", "watcher"))
    scene.worker(server.address, store=place.url, settings=place.settings)
    place.run("import", "--gearman", server.address, text=lines("alice"))
    receiver = scene.receiver(server, "__matchmaking", ["watcher"])
    told = [json.loads(job.payload) for job in receiver.take_all()]
    assert ["alice"] in [message.get("added") for message in told]
