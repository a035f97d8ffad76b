"""The promise of matchmaking on real processes that are killed, stopped, cut off and restarted.

The schedule comes from a seed, which a failing run prints. GEARHORN_CHAOS_SEED repeats it, as far as threads and
processes do; GEARHORN_CHAOS_SECONDS makes each run last longer, so that

    GEARHORN_CHAOS_SECONDS=900 make test TESTS=functional ARGS='-s tests/functional/matchmaking/test_chaos.py -k redis'

is a quarter of an hour for each of the two ways in which Redis is used here. GEARHORN_CHAOS_WITHOUT takes a safeguard
away from the workers, of those in sabotage.py: then a run that is long enough should fail.
"""

import os
from pathlib import Path
from random import Random

import pytest

from tests.functional.matchmaking.chaos import Chaos, StoreOfRun
from tests.functional.trouble.scene import Scene
from tests.servers.stores import Memcached, Redis

# To start, to let the last troubles end, to judge.
MARGIN_S = 240.0

SECONDS = float(os.environ.get("GEARHORN_CHAOS_SECONDS", "0"))
SEED = int(os.environ.get("GEARHORN_CHAOS_SEED", "0")) or Random().getrandbits(32)
WITHOUT = os.environ.get("GEARHORN_CHAOS_WITHOUT", "")


@pytest.mark.timeout(max(SECONDS, 60) + MARGIN_S)
def test_with_redis_that_keeps_its_data(scene: Scene, tmp_path: Path) -> None:
    redis = scene.stack.enter_context(Redis(tmp_path / "redis", "--appendonly", "yes", "--appendfsync", "always"))
    Chaos(scene, StoreOfRun("redis", redis), SEED, WITHOUT).run(SECONDS or 40)


@pytest.mark.timeout(max(SECONDS, 60) + MARGIN_S)
def test_with_redis_that_loses_its_data(scene: Scene, tmp_path: Path) -> None:
    redis = scene.stack.enter_context(Redis(tmp_path / "redis"))
    Chaos(scene, StoreOfRun("redis", redis, keeps_data=False), SEED, WITHOUT).run(SECONDS or 20)


@pytest.mark.timeout(max(SECONDS, 60) + MARGIN_S)
def test_with_memcached(scene: Scene, tmp_path: Path) -> None:
    memcached = scene.stack.enter_context(Memcached(tmp_path / "memcached"))
    Chaos(scene, StoreOfRun("memcached", memcached, keeps_data=False), SEED, WITHOUT).run(SECONDS or 20)


@pytest.mark.timeout(max(SECONDS, 60) + MARGIN_S)
def test_with_sqlite(scene: Scene) -> None:
    Chaos(scene, StoreOfRun("sqlite"), SEED, WITHOUT).run(SECONDS or 20)


def test_workers_that_wait_for_no_acknowledgement_are_found_out(scene: Scene, redis: Redis) -> None:
    """Or nothing of the above would prove anything."""
    chaos = Chaos(scene, StoreOfRun("redis", redis), SEED, without="acknowledgements are waited for")
    with pytest.raises(AssertionError, match=r"seed \d+: [1-9]\d* contradictions"):
        chaos.run(6)
