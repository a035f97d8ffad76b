"""Fixtures of the functional tests: a fresh Gearman server for each test that asks for one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.gearman import Geard, Gearmand, GearmanServer, PerlGearmand


@pytest.fixture
def gearmand(tmp_path: Path) -> Iterator[Gearmand]:
    with Gearmand(tmp_path / "gearmand") as server:
        yield server


@pytest.fixture
def geard(tmp_path: Path) -> Iterator[Geard]:
    with Geard(tmp_path / "geard") as server:
        yield server


@pytest.fixture
def perl_server(tmp_path: Path) -> Iterator[PerlGearmand]:
    with PerlGearmand(tmp_path / "perl") as server:
        yield server


@pytest.fixture(params=["gearmand", "geard"])
def gearman_server(request: pytest.FixtureRequest) -> GearmanServer:
    """The servers that the service is made for, one after the other."""
    return request.getfixturevalue(request.param)
