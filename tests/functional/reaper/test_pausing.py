"""Policy `pause`: a suspect gets no more copies, through any worker, until its queue is served or worked off."""

import json

import pytest

from tests.functional.contract.clients import Client, Receiver
from tests.functional.facts.raw import Kind
from tests.functional.matchmaking.crew import Crew, Member
from tests.functional.reaper.looks import LIMIT_S, settings, wait_for_line, waiting_on
from tests.functional.trouble.scene import Scene, names, subscribe
from tests.servers.commands import run_gearhorn
from tests.servers.gearman import GearmanServer
from tests.servers.process import wait_until

PAUSED = "not sent: paused: nobody serves its queue"


def publish(client: Client, times: int = 1, topic: str = "news") -> int:
    """In the background; how many got the last one."""
    body = {"topic": topic, "payload": "x", "background": True}
    return [client.request("fanout", body).count for _ in range(times)][-1]


@pytest.fixture(params=["gearmand", "geard"])
def server(request: pytest.FixtureRequest, scene: Scene) -> GearmanServer:
    return getattr(scene, request.param)()


def test_a_suspect_gets_no_copies_until_it_is_served_again(scene: Scene, server: GearmanServer) -> None:
    worker = scene.worker(server.address, settings=settings("pause"))
    client = scene.client(server)
    subscribe(client, "news", ["alive", "gone"])
    alive = scene.receiver(server, "news", ["alive"])
    publish(client, 6)
    wait_for_line(worker, "client_id='gone' topic='news' is suspect")
    wait_until(lambda: publish(client) == 1, "the pause", LIMIT_S)
    backlog = waiting_on(server, "news_gone")

    assert publish(client) == 1
    handle = client.start("fanout", {"topic": "news", "payload": "now", "results": True})
    for job in iter(alive.take, None):
        alive.report(job, Kind.WORK_COMPLETE, b"done")
        if job.payload == b"now":
            break
    answer = client.finish(handle)
    assert answer.failures == {"gone": PAUSED}
    assert [result["client_id"] for result in answer.results] == ["alive"]
    assert answer.progress[-1] == (2, 2)
    assert waiting_on(server, "news_gone") == backlog

    back = scene.receiver(server, "news", ["gone"])
    wait_for_line(worker, "client_id='gone' topic='news' is back")
    wait_until(lambda: publish(client) == 2, "the copies to flow again", LIMIT_S)
    assert len(back.take_all()) > 6


def test_a_subscriber_whose_backlog_was_worked_off_gets_copies_without_a_worker(scene: Scene) -> None:
    server = scene.gearmand()
    worker = scene.worker(server.address, settings=settings("pause"))
    client = scene.client(server)
    subscribe(client, "news", ["gone"])
    publish(client, 6)
    wait_until(lambda: publish(client) == 0, "the pause", LIMIT_S)
    visitor = scene.receiver(server, "news", ["gone"])
    for job in visitor.take_all():
        visitor.report(job, Kind.WORK_COMPLETE, b"")
    visitor.close()
    wait_for_line(worker, "client_id='gone' topic='news' is back")
    wait_until(lambda: publish(client) == 1, "the copies to flow again", LIMIT_S)


def test_topics_have_policies_of_their_own(scene: Scene) -> None:
    server = scene.gearmand()
    policies = "policies = quiet*:off, loud:report"
    worker = scene.worker(server.address, settings=settings("pause", policies))
    client = scene.client(server)
    for topic in ("news", "loud", "quiet_hours"):
        subscribe(client, topic, ["gone"])
        publish(client, 6, topic)
    wait_until(lambda: publish(client) == 0, "the pause", LIMIT_S)
    wait_for_line(worker, "topic='loud' is dead")
    assert publish(client, 1, "loud") == 1
    assert publish(client, 1, "quiet_hours") == 1
    assert "topic='quiet_hours' is" not in worker.log


def paused(member: Member) -> bool:
    return member.count("news") == 0


def watchers(crew_members: list[Member]) -> list[Member]:
    return [member for member in crew_members if "this worker watches the subscribers" in member.worker.log]


def test_all_workers_go_by_a_pause_and_another_one_watches_when_the_watcher_is_killed(any_crew: Crew) -> None:
    members = [any_crew.hire(settings("pause")) for _ in range(2)]
    members[0].subscribe("news", "gone")
    members[0].start_fanouts("news", 6)
    wait_until(lambda: all(map(paused, members)), "the pause", LIMIT_S)
    (watcher,) = watchers(members)
    (other,) = (member for member in members if member is not watcher)
    watcher.worker.kill()
    wait_for_line(other.worker, "this worker watches the subscribers")
    # It knew since when: the subscriber stays paused, and is not reported a second time.
    wait_for_line(other.worker, "client_id='gone' topic='news' is dead")
    assert paused(other)
    assert "is suspect" not in other.worker.log
    receiver = Receiver(any_crew.server)
    receiver.can_do(b"news_gone")
    wait_for_line(other.worker, "client_id='gone' topic='news' is back")
    wait_until(lambda: not paused(other), "the copies to flow again", LIMIT_S)
    receiver.close()


def test_copies_that_were_not_sent_are_counted(scene: Scene) -> None:
    server = scene.gearmand()
    worker = scene.worker(server.address, settings=settings("pause"))
    client = scene.client(server)
    subscribe(client, "news", names(2))
    publish(client, 6)
    wait_until(lambda: publish(client) == 0, "the pause", LIMIT_S)

    def counters() -> dict[str, int]:
        shown = run_gearhorn(scene.folder, "workers", f"--store=sqlite:///{scene.folder}/lists.db", "--json").stdout
        (one,) = json.loads(shown)
        assert one["worker_id"] == worker.worker_id
        return one["counters"]

    wait_until(lambda: counters().get("paused_copies", 0) >= 2, "the count", LIMIT_S)
    found = counters()  # all of one moment: suspects become dead
    assert found["reaper_paused_subscribers"] == 2
    assert found["reaper_suspect_subscribers"] + found.get("reaper_dead_subscribers", 0) == 2
