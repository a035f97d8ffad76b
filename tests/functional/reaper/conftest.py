"""A scene for each test, struck after it."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.functional.matchmaking.crew import Crew
from tests.functional.trouble.scene import Scene
from tests.servers.stores import Memcached, Redis


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with ExitStack() as stack:
        scene = Scene(tmp_path, stack)
        yield scene
        for worker in scene.workers:
            print(worker.log[-5000:])  # pytest shows it when the test failed


@pytest.fixture(params=["redis", "memcached", "sqlite"])
def any_crew(request: pytest.FixtureRequest, scene: Scene) -> Crew:
    if request.param == "sqlite":
        return Crew(scene, f"sqlite:///{scene.folder}/lists.db")
    kind = Redis if request.param == "redis" else Memcached
    store = scene.stack.enter_context(kind(scene.folder / request.param))
    return Crew(scene, f"{request.param}://{store.address}")
