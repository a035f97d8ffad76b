"""A worker with keys, whose store others may share."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from gearhorn.store.memory import MemoryStore
from tests.unit.signing.scene import Scene, write_keys

MakeScene = Callable[..., Scene]


@pytest.fixture
def keys_file(tmp_path: Path) -> Path:
    return write_keys(tmp_path / "keys.toml")


@pytest.fixture
async def make_scene(keys_file: Path) -> AsyncIterator[MakeScene]:
    """Each call is one more worker on the same store."""
    store = MemoryStore()
    await store.open()
    scenes: list[Scene] = []

    def make(**settings: object) -> Scene:
        scenes.append(Scene(store, keys_file, **settings))
        return scenes[-1]

    yield make
    for scene in scenes:
        await scene.close()


@pytest.fixture
def scene(make_scene: MakeScene) -> Scene:
    return make_scene()
