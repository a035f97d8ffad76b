"""Services that take signed jobs only, on real servers, and who signs for them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.functional.contract.house import GEARMAN
from tests.functional.signing.scene import Scene


@pytest.fixture(params=["gearmand", "geard"], scope="session")
def scene(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Two workers on one server, for tests that leave keys and lists as they are."""
    folder = tmp_path_factory.mktemp("signing")
    with GEARMAN[request.param](folder / "server") as server, Scene(folder, server) as scene:
        yield scene


@pytest.fixture
def own_scene(tmp_path: Path) -> Iterator[Scene]:
    """The same on a gearmand that no other test uses."""
    with GEARMAN["gearmand"](tmp_path / "server") as server, Scene(tmp_path, server) as scene:
        yield scene
