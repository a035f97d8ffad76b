"""A scene for each test, struck after it."""

import pytest

from tests.functional.matchmaking.crew import Crew
from tests.functional.trouble.scene import Scene
from tests.servers.stores import Memcached, Redis


@pytest.fixture(params=["redis", "memcached", "sqlite"])
def any_crew(request: pytest.FixtureRequest, scene: Scene) -> Crew:
    if request.param == "sqlite":
        return Crew(scene, f"sqlite:///{scene.folder}/lists.db")
    kind = Redis if request.param == "redis" else Memcached
    store = scene.stack.enter_context(kind(scene.folder / request.param))
    return Crew(scene, f"{request.param}://{store.address}")
