"""Many jobs at once: none holds up another, and each ends once."""

from collections import Counter

import pytest

from tests.functional.facts.raw import Kind
from tests.functional.trouble.scene import Scene, fanout, names, subscribe


def test_thousands_of_waiting_fanouts_hold_up_no_other(scene: Scene) -> None:
    gearmand = scene.gearmand()
    scene.worker(gearmand.address)
    client = scene.client(gearmand)
    subscribe(client, "slow", ["bob"])
    subscribe(client, "fast", ["ann"])
    waiting = client.start_many([("fanout", fanout("slow"))] * 2000)
    for handle in waiting:
        client.wait_for_progress(handle, 0, 1)  # the worker holds it, and waits for bob
    for _ in range(100):
        assert client.request("fanout", fanout("fast", background=True)).count == 1
    assert not any(client.has_ended(handle) for handle in waiting)
    receiver = scene.receiver(gearmand, "slow", ["bob"])
    for job in receiver.take_all():
        receiver.report(job, Kind.WORK_COMPLETE, b"")
    assert {client.finish(handle).count for handle in waiting} == {1}


@pytest.mark.parametrize("kind", ["gearmand", "geard"])
def test_each_of_many_different_jobs_ends_exactly_once(scene: Scene, kind: str) -> None:
    server = scene.gearmand() if kind == "gearmand" else scene.geard()
    worker = scene.worker(server.address)
    client = scene.client(server)
    some = names(5)
    subscribe(client, "news", some)
    receiver = scene.receiver(server, "news", some)
    kinds = {
        "background": ("fanout", fanout("news", background=True)),
        "foreground": ("fanout", fanout("news", results=True)),
        "too late": ("fanout", fanout("news", timeout=0.01)),
        "nobody": ("fanout", fanout("nobody")),
        "broken": ("fanout", b"{"),
        "subscribe": ("subscribe_fanout", {"topic": "memos", "client_id": "bob"}),
        "refused": ("subscribe_fanout", {"topic": "subscribe", "client_id": "fanout"}),
        "unsubscribe": ("unsubscribe_fanout", {"topic": "memos", "client_id": "bob"}),
    }
    handles = client.start_many([request for _ in range(100) for request in kinds.values()])
    answered_count = 0
    while answered_count < 100 * 2 * len(some):  # those of the background and of the foreground ones, at least
        for job in [receiver.take(), *receiver.take_all()]:
            receiver.report(job, Kind.WORK_EXCEPTION if answered_count % 3 else Kind.WORK_COMPLETE, b"so")
            answered_count += 1
    unfinished = set(handles)
    while unfinished:
        client.catch_up()
        unfinished = {handle for handle in unfinished if not client.has_ended(handle)}
    assert client.request("fanout", fanout("nobody")).count == 0  # whatever the worker had to say has been said
    client.catch_up()
    assert Counter(len(client.endings_of(handle)) for handle in handles) == {1: len(handles)}
    assert "JOB_NOT_FOUND" not in worker.log  # what gearmand says of a second ending; geard passes it on
    assert "Traceback" not in worker.log
