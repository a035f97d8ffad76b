"""What a worker costs that is killed, is told to stop, or hangs."""

import signal
from pathlib import Path

from gearhorn.cmd import exits
from tests.functional.facts.raw import Kind
from tests.functional.guarantees.cut_short import LARGE_COUNT, CutShort
from tests.functional.guarantees.page import wait_for_quotes
from tests.functional.matchmaking.crew import Crew
from tests.functional.trouble.scene import Scene, fanout, subscribe
from tests.servers.gearman import PerlGearmand
from tests.servers.process import wait_until
from tests.servers.stores import Redis

END_LIMIT_S = 30.0


def test_g01_a_worker_is_killed_on_gearmand(scene: Scene, redis: Redis) -> None:
    """G-01"""
    gearmand, store = scene.gearmand(), f"redis://{redis.address}"
    victim = scene.worker(gearmand.address, store=store)
    client = scene.client(gearmand)
    subscribe(client, "news", ["bob"])
    receiver = scene.receiver(gearmand, "news", ["bob"])
    waiting = client.start("fanout", fanout("news"))
    receiver.take()
    heir = scene.worker(gearmand.address, store=store)
    victim.kill()
    receiver.report(receiver.take(), Kind.WORK_COMPLETE, b"")  # the copy comes twice
    assert client.finish(waiting).count == 1
    subscribe(client, "news", ["eve"])
    assert client.request("fanout", fanout("news", background=True)).count == 2
    wait_for_quotes("G-01", heir)


def test_g02_a_worker_is_killed_in_a_large_fanout_on_gearmand(scene: Scene, redis: Redis) -> None:
    """G-02"""
    cut_short = CutShort(scene, scene.gearmand(), redis)
    heir = cut_short.go_on()
    assert cut_short.client.finish(cut_short.handle).count == LARGE_COUNT
    wait_for_quotes("G-02", heir)


def test_g03_a_worker_is_killed_on_geard_or_perls_server(scene: Scene, redis: Redis, tmp_path: Path) -> None:
    """G-03: both at the same time, because an orphan is looked for in its time."""
    perl = scene.stack.enter_context(PerlGearmand(tmp_path / "perl"))
    servers = [scene.geard(), perl]
    sites = [CutShort(scene, server, redis, number, Kind.SUBMIT_JOB_BG) for number, server in enumerate(servers)]
    heirs = [site.go_on() for site in sites]
    for site, heir in zip(sites, heirs, strict=True):
        subscribe(site.client, "few", ["bob"])
        waiting = site.client.start("fanout", fanout("few"))
        site.client.wait_for_progress(waiting, 0, 1)
        wait_for_quotes("G-03", heir)
        assert f"{LARGE_COUNT} copies are out in all" in heir.log
        heir.kill()
        assert site.client.finish(waiting).kind == Kind.WORK_FAIL


def test_g04_a_worker_is_told_to_stop(crew: Crew, scene: Scene) -> None:
    """G-04"""
    ann, ben = crew.hire(), crew.hire()
    ann.subscribe("news", "bob")
    receiver = scene.receiver(crew.server, "news", ["bob"])
    (waiting,) = ben.start_fanouts("news", background=False)
    copy = receiver.take()
    ben.worker.signal(signal.SIGTERM)
    wait_until(lambda: "stopping: 1 jobs to finish" in ben.worker.log, "the worker to drain")
    assert ann.count("news") == 1
    receiver.report(copy, Kind.WORK_COMPLETE, b"")
    assert ben.client.finish(waiting).count == 1
    assert ben.worker.process is not None
    assert ben.worker.process.wait(END_LIMIT_S) == exits.OK
    ann.subscribe("news", "eve")
    assert "does not acknowledge" not in ann.worker.log
    wait_for_quotes("G-04", ben.worker)


def test_g05_a_worker_hangs(crew: Crew) -> None:
    """G-05"""
    ann, ben = crew.hire(), crew.hire()
    assert ben.count("news") == 0
    ben.worker.signal(signal.SIGSTOP)
    (waiting,) = ben.start_fanouts("news")
    ann.subscribe("news", "bob")
    assert ann.count("news") == 1
    assert not ben.client.has_ended(waiting)
    ben.worker.signal(signal.SIGCONT)
    assert ben.client.finish(waiting).count == 1
    wait_for_quotes("G-05", ann.worker, ben.worker)
