"""What the file of a SQLite store costs that is gone, full or locked."""

import resource
import sqlite3
import time

import pytest

from tests.functional.guarantees.page import wait_for_quotes
from tests.functional.guarantees.words import GONE, IMPATIENT, cannot_subscribe, is_refused
from tests.functional.matchmaking.crew import Crew
from tests.functional.trouble.scene import Scene
from tests.servers.gearhorn_worker import LEASE_TTL_S
from tests.servers.process import wait_until

# After so long a lease that nobody renews has run out.
RUN_OUT_S = LEASE_TTL_S + 0.5


@pytest.fixture
def crew(scene: Scene) -> Crew:
    return Crew(scene, f"sqlite:///{scene.folder}/lists.db")


def test_g17_the_file_is_removed(crew: Crew, scene: Scene) -> None:
    """G-17"""
    ann = crew.hire()
    ann.subscribe("news", "bob")
    file, elsewhere = scene.folder / "lists.db", scene.folder / "elsewhere.db"
    file.rename(elsewhere)
    assert ann.count("news") == 1
    assert cannot_subscribe(ann, "news", "eve", GONE)
    wait_until(lambda: is_refused(ann, "news", GONE), "the end of the lease")
    wait_for_quotes("G-17", ann.worker)
    ann.worker.kill()  # told to stop it would wait for its store
    elsewhere.rename(file)
    ann.worker.start()
    assert ann.count("news") == 1


def test_g18_the_disk_is_full(crew: Crew, scene: Scene) -> None:
    """G-18: no file of the worker may grow any more."""
    ann = crew.hire(IMPATIENT)
    ann.subscribe("news", "bob")
    assert ann.worker.process is not None
    written_bytes = (scene.folder / "lists.db-wal").stat().st_size
    _, most = resource.prlimit(ann.worker.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(ann.worker.process.pid, resource.RLIMIT_FSIZE, (written_bytes, most))
    assert ann.count("news") == 1
    assert cannot_subscribe(ann, "news", "eve")
    time.sleep(RUN_OUT_S)
    assert ann.count("news") == 1
    resource.prlimit(ann.worker.process.pid, resource.RLIMIT_FSIZE, (most, most))
    ann.subscribe("news", "eve")
    assert ann.count("news") == 2
    wait_for_quotes("G-18", ann.worker)


def test_g19_another_program_holds_the_lock(crew: Crew, scene: Scene) -> None:
    """G-19"""
    ann = crew.hire("[store]\ntimeout = 1\n")
    ann.subscribe("news", "bob")
    other = sqlite3.connect(scene.folder / "lists.db", isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        assert ann.count("news") == 1
        change = ann.start_subscribing("news", "eve")
        time.sleep(RUN_OUT_S)
        assert ann.count("news") == 1
        assert not ann.client.has_ended(change)
    finally:
        other.close()
    ann.client.finish(change)
    assert ann.count("news") == 2
    wait_for_quotes("G-19", ann.worker)
