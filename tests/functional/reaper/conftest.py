"""A scene for each test, struck after it."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.functional.trouble.scene import Scene


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with ExitStack() as stack:
        scene = Scene(tmp_path, stack)
        yield scene
        for worker in scene.workers:
            print(worker.log[-5000:])  # pytest shows it when the test failed
