"""`gearhorn subscribers` and how the subscribers fare."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from gearhorn.cmd import exits
from tests.functional.contract.clients import Client
from tests.functional.facts.raw import Kind
from tests.functional.reaper.looks import LIMIT_S, settings
from tests.functional.trouble.scene import Scene, subscribe
from tests.servers.commands import run_gearhorn
from tests.servers.gearman import GearmanServer
from tests.servers.process import wait_until

TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"


def publish(client: Client, times: int) -> None:
    for _ in range(times):
        client.request("fanout", {"topic": "news", "payload": "x", "background": True})


def shown(folder: Path, *servers: GearmanServer) -> dict[str, tuple[Any, ...]]:
    """State, backlog and since when, by client id."""
    addresses = [f"--gearman={server.address}" for server in servers]
    done = run_gearhorn(folder, "subscribers", "news", f"--store=sqlite:///{folder}/lists.db", *addresses, "--json")
    assert done.returncode == exits.OK
    return {one["client_id"]: (one["state"], one["backlog"], one["since"]) for one in json.loads(done.stdout)}


@pytest.mark.parametrize("kind", ["gearmand", "geard"])
@pytest.mark.parametrize(("policy", "state"), [("report", "suspect"), ("pause", "paused")])
def test_states_are_shown_with_the_backlog_and_since_when(scene: Scene, kind: str, policy: str, state: str) -> None:
    server: GearmanServer = getattr(scene, kind)()
    scene.worker(server.address, settings=settings(policy, dead_after=600))
    client = scene.client(server)
    subscribe(client, "news", ["gone"])
    publish(client, 6)
    wait_until(lambda: shown(scene.folder, server)["gone"][0] == state, "the state", LIMIT_S)
    subscribe(client, "news", ["alive", "idle"])
    alive = scene.receiver(server, "news", ["alive"])
    publish(client, 2)
    found = shown(scene.folder, server)
    assert found["alive"] == ("live", 2, None)
    assert found["idle"] == ("idle", 2, None)
    assert found["gone"][:2] == (state, 8 if policy == "report" else 6)
    assert re.fullmatch(TIME, found["gone"][2])

    lines = run_gearhorn(
        scene.folder, "subscribers", "news", f"--store=sqlite:///{scene.folder}/lists.db", f"--gearman={server.address}"
    )
    assert re.search(rf"^gone\t\t{state}\t\d\t{TIME}$", lines.stdout, flags=re.MULTILINE)

    for job in alive.take_all():
        alive.report(job, Kind.WORK_COMPLETE, b"")
    scene.receiver(server, "news", ["gone"])  # is seen at once, without the worker's next look
    assert shown(scene.folder, server)["gone"][0] == "live"


def test_what_the_watching_worker_found_is_shown_when_no_server_can_be_asked(scene: Scene) -> None:
    server = scene.gearmand()
    worker = scene.worker(server.address, settings=settings(dead_after=600))
    client = scene.client(server)
    subscribe(client, "news", ["alive", "gone"])
    scene.receiver(server, "news", ["alive"])
    publish(client, 6)
    wait_until(lambda: "client_id='gone' topic='news' is suspect" in worker.log, "the suspect", LIMIT_S)
    server.kill()
    found = shown(scene.folder, server)
    assert found["alive"] == (None, None, None)
    assert found["gone"][:2] == ("suspect", 6)


def test_one_of_two_servers_that_cannot_be_asked_leaves_open_who_is_idle(scene: Scene) -> None:
    one, two = scene.gearmand(), scene.gearmand()
    scene.worker(one.address, two.address)
    client = scene.client(one)
    subscribe(client, "news", ["alive", "idle"])
    scene.receiver(one, "news", ["alive"])
    assert shown(scene.folder, one, two) == {"alive": ("live", 0, None), "idle": ("idle", 0, None)}
    two.kill()
    assert shown(scene.folder, one, two) == {"alive": ("live", 0, None), "idle": (None, 0, None)}
