"""Policy `drop`: the dead are taken off the lists and their queues are emptied; what was in them is kept if wished."""

import base64
import json
import re
import time
from pathlib import Path

import pytest

from tests.functional.contract.clients import Client, Receiver
from tests.functional.matchmaking.crew import Crew
from tests.functional.reaper.crowd import Crowd
from tests.functional.reaper.looks import LIMIT_S, settings, subscribers_of, wait_for_line, waiting_on
from tests.functional.trouble.scene import Scene, subscribe
from tests.servers.gearman import GearmanServer
from tests.servers.process import wait_until

QUEUE = "news_gone"


@pytest.fixture(params=["gearmand", "geard"])
def server(request: pytest.FixtureRequest, scene: Scene) -> GearmanServer:
    return getattr(scene, request.param)()


def publish(client: Client, payload: str, **keys: object) -> int:
    return client.request("fanout", {"topic": "news", "payload": payload, "background": True, **keys}).count


def fill(client: Client, count: int) -> list[str]:
    payloads = [f"{number:06}" for number in range(count)]
    bodies = [("fanout", {"topic": "news", "payload": payload, "background": True}) for payload in payloads]
    for handle in client.start_many(bodies):
        assert client.finish(handle).count == 1
    return payloads


def letters_in(path: Path) -> list[dict[str, str]]:
    """The whole ones: another may be on its way to the disk."""
    return [json.loads(line) for line in path.read_bytes().split(b"\n")[:-1]] if path.exists() else []


def is_done(scene: Scene, server: GearmanServer) -> bool:
    return not subscribers_of(f"sqlite:///{scene.folder}/lists.db", "news") and not waiting_on(server, QUEUE)


def test_what_was_drained_is_in_the_file_and_the_log(scene: Scene, server: GearmanServer) -> None:
    file = scene.folder / "letters"
    worker = scene.worker(server.address, settings=settings("drop", f"dead_letter_file = {file}"))
    client = scene.client(server)
    subscribe(client, "news", ["gone"])
    payloads = fill(client, 10)
    publish(client, base64.b64encode(b"\xff\0").decode(), encoding="base64")
    waiting = client.start("fanout", {"topic": "news", "payload": "answer me", "timeout": 60})
    assert client.finish(waiting).failures == {"gone": "failed"}  # nobody is told that it was done
    wait_until(lambda: is_done(scene, server), "the end", LIMIT_S)
    letters = letters_in(file)
    assert {(letter["topic"], letter["client_id"]) for letter in letters} == {("news", "gone")}
    assert [letter["payload"] for letter in letters] == [*payloads, "/wA=", "answer me"]
    assert [letter.get("encoding") for letter in letters] == [*[None] * 10, "base64", None]
    assert file.stat().st_mode & 0o077 == 0
    line = rf"dropped subscriber client_id='gone' topic='news': took 12 copies off its queue \(kept in {file}\); nobody"
    wait_until(lambda: len(re.findall(line, worker.log)) == 1, "the line")


def test_what_was_drained_is_sent_to_a_queue(scene: Scene, server: GearmanServer) -> None:
    worker = scene.worker(server.address, settings=settings("drop", "dead_letter_queue = letters"))
    client = scene.client(server)
    subscribe(client, "news", ["gone"])
    payloads = fill(client, 10)
    wait_for_line(worker, "took 10 copies off its queue (sent to the queue letters)")
    receiver = Receiver(server)
    receiver.can_do(b"letters")
    bodies = [json.loads(job.payload) for job in receiver.take_all()]
    receiver.close()
    assert sorted(body["payload"] for body in bodies) == payloads
    assert all(set(body) == {"topic", "client_id", "payload", "dropped_at"} for body in bodies)


def test_without_either_they_are_deleted_and_the_log_says_so(scene: Scene) -> None:
    server = scene.gearmand()
    worker = scene.worker(server.address, settings=settings("drop"))
    client = scene.client(server)
    subscribe(client, "news", ["gone"])
    fill(client, 10)
    wait_for_line(worker, "took 10 copies off its queue (deleted)")


def test_letters_that_cannot_be_kept_hold_up_the_drain_and_are_not_lost(scene: Scene, server: GearmanServer) -> None:
    file = scene.folder / "folder" / "letters"
    worker = scene.worker(server.address, settings=settings("drop", f"dead_letter_file = {file}"))
    client = scene.client(server)
    subscribe(client, "news", ["gone"])
    payloads = fill(client, 2000)
    wait_for_line(worker, "drained copies cannot be kept, and wait")
    file.parent.mkdir()
    wait_until(lambda: {letter["payload"] for letter in letters_in(file)} == set(payloads), "the letters", LIMIT_S)
    wait_until(lambda: is_done(scene, server), "the end", LIMIT_S)


def test_a_subscriber_that_comes_back_loses_what_was_drained_and_nothing_else(
    scene: Scene, server: GearmanServer
) -> None:
    file = scene.folder / "folder" / "letters"  # the drain stands still until the folder is made
    worker = scene.worker(server.address, settings=settings("drop", f"dead_letter_file = {file}"))
    client = scene.client(server)
    subscribe(client, "news", ["gone"])
    payloads = fill(client, 5000)
    wait_for_line(worker, "drained copies cannot be kept, and wait")
    subscribe(client, "news", ["gone"])
    crowd = Crowd(server, "news", ["gone"])
    scene.stack.callback(crowd.vanish)
    wait_until(lambda: crowd.counts["gone"] > 1000, "the first copies", LIMIT_S)
    file.parent.mkdir()
    wait_for_line(worker, "(kept in " + str(file) + "; then it came back)")
    wait_until(lambda: len(letters_in(file)) + crowd.counts["gone"] >= len(payloads), "all of them", LIMIT_S)
    assert len(letters_in(file)) + crowd.counts["gone"] == len(payloads)
    before = crowd.counts["gone"]
    assert publish(client, "again") == 1
    wait_until(lambda: crowd.counts["gone"] == before + 1, "the copy", LIMIT_S)


def test_what_a_killed_watcher_has_begun_is_finished_by_another(any_crew: Crew, scene: Scene) -> None:
    file = scene.folder / "folder" / "letters"  # nothing can be kept there before the folder is made
    lines = settings("drop", f"dead_letter_file = {file}")
    members = [any_crew.hire(lines) for _ in range(2)]
    members[0].subscribe("news", "gone")
    for handle in members[0].start_fanouts("news", 20):
        assert members[0].client.finish(handle).count == 1
    stuck = "drained copies cannot be kept"
    wait_until(lambda: any(stuck in member.worker.log for member in members), "the drain", LIMIT_S)
    (watcher,) = (member for member in members if stuck in member.worker.log)
    (other,) = (member for member in members if member is not watcher)
    assert any_crew.subscribers("news") == set()
    watcher.worker.kill()
    file.parent.mkdir()
    wait_for_line(other.worker, "dropped subscriber client_id='gone'")
    assert len(letters_in(file)) == 20


def test_a_subscriber_whose_server_cannot_be_asked_is_not_dropped(scene: Scene) -> None:
    one, two = scene.gearmand(), scene.gearmand()
    worker = scene.worker(one.address, two.address, settings=settings("drop"))
    client = scene.client(one)
    subscribe(client, "news", [f"gone{number}" for number in range(4)])
    for _ in range(6):
        assert publish(client, "x") == 4
    wait_for_line(worker, "is suspect")
    two.kill()
    wait_for_line(worker, f"{two.address} cannot be asked")
    time.sleep(4.0)  # several times what would do
    assert "is dead" not in worker.log
    assert "dropped" not in worker.log
    two.start()
    wait_for_line(worker, "dropped subscriber")
