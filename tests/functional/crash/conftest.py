"""A scene of servers and workers, as in tests/functional/trouble, with Redis, a ledger and chance from a seed."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from tests.functional.crash.ledger import Ledger
from tests.functional.trouble.scene import Scene
from tests.servers.stores import Redis


@pytest.fixture
def redis(scene: Scene) -> Redis:
    """Keeps what it has, over a restart."""
    return scene.stack.enter_context(Redis(scene.folder / "redis", "--appendonly", "yes", "--appendfsync", "everysec"))


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


@pytest.fixture
def chance() -> Random:
    """The seed is printed when a test fails; GEARHORN_CHAOS_SEED repeats it, as far as processes do."""
    seed = int(os.environ.get("GEARHORN_CHAOS_SEED", "0")) or Random().getrandbits(32)
    print(f"GEARHORN_CHAOS_SEED={seed}")
    return Random(seed)


@pytest.fixture
def memory_folder() -> Iterator[Path]:
    """In memory where the machine has such a place: gearmand writes each job to the disk, three hundred a second. What
    a process has written outlives it there as well.
    """
    shared = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(prefix="gearhorn-", dir=shared if shared.is_dir() else None))
    yield folder
    shutil.rmtree(folder)
