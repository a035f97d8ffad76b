"""A scene for each test, struck after it: its stores after its workers, which take their leave of them."""

import pytest

from tests.functional.matchmaking.crew import Crew
from tests.functional.trouble.scene import Scene
from tests.servers.stores import Memcached, Redis


@pytest.fixture
def redis(scene: Scene) -> Redis:
    return scene.stack.enter_context(Redis(scene.folder / "redis"))


@pytest.fixture
def memcached(scene: Scene) -> Memcached:
    return scene.stack.enter_context(Memcached(scene.folder / "memcached"))


@pytest.fixture(params=["redis", "memcached", "sqlite"])
def any_crew(request: pytest.FixtureRequest, scene: Scene) -> Crew:
    if request.param == "sqlite":
        return Crew(scene, f"sqlite:///{scene.folder}/lists.db")
    return Crew(scene, f"{request.param}://{request.getfixturevalue(request.param).address}")


@pytest.fixture
def crew(scene: Scene, redis: Redis) -> Crew:
    return Crew(scene, f"redis://{redis.address}")
