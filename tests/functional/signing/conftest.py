"""Services that take signed jobs only, on real servers, and who signs for them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.functional.contract.house import GEARMAN
from tests.functional.signing.scene import Scene


@pytest.fixture(params=["gearmand", "geard"])
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def scene(kind: str, tmp_path: Path) -> Iterator[Scene]:
    """Two workers on one server."""
    with GEARMAN[kind](tmp_path / "server") as server, Scene(tmp_path, server) as scene:
        yield scene
