"""A scene for each test, struck after it: its stores after its workers, which take their leave of them."""

import pytest

from tests.functional.matchmaking.crew import Crew
from tests.functional.trouble.scene import Scene
from tests.servers.stores import Memcached, Redis

DURABLE = ("--appendonly", "yes", "--appendfsync", "always")


@pytest.fixture
def redis(scene: Scene) -> Redis:
    return scene.stack.enter_context(Redis(scene.folder / "redis"))


@pytest.fixture
def durable_redis(scene: Scene) -> Redis:
    return scene.stack.enter_context(Redis(scene.folder / "redis", *DURABLE))


@pytest.fixture
def memcached(scene: Scene) -> Memcached:
    return scene.stack.enter_context(Memcached(scene.folder / "memcached"))


@pytest.fixture
def crew(scene: Scene, redis: Redis) -> Crew:
    return Crew(scene, f"redis://{redis.address}")


@pytest.fixture
def durable_crew(scene: Scene, durable_redis: Redis) -> Crew:
    return Crew(scene, f"redis://{durable_redis.address}")
