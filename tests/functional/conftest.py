"""Fixtures of the functional tests: a fresh Gearman server for each test that asks for one."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.functional.trouble.scene import Scene
from tests.servers.gearman import Geard, Gearmand, GearmanServer, PerlGearmand


def serve(server: GearmanServer) -> Iterator[GearmanServer]:
    """Starts it and, behind the test, leaves what pytest shows if that failed: the log, and whether it lived on."""
    with server:
        yield server
        status = server.process.poll() if server.process else "nothing: the test stopped it"
    print(f"{server.kind} had ended with {status}. Its log:\n{server.log}")


@pytest.fixture
def gearmand(tmp_path: Path) -> Iterator[GearmanServer]:
    yield from serve(Gearmand(tmp_path / "gearmand"))


@pytest.fixture
def geard(tmp_path: Path) -> Iterator[GearmanServer]:
    yield from serve(Geard(tmp_path / "geard"))


@pytest.fixture
def perl_server(tmp_path: Path) -> Iterator[GearmanServer]:
    yield from serve(PerlGearmand(tmp_path / "perl"))


@pytest.fixture(params=["gearmand", "geard"])
def gearman_server(request: pytest.FixtureRequest) -> GearmanServer:
    """The servers that the service is made for, one after the other."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """Servers, workers and clients as a test asks for them; all of them end with it, in the reverse order."""
    with ExitStack() as stack:
        scene = Scene(tmp_path, stack)
        yield scene
        for worker in scene.workers:
            print(worker.log[-5000:])  # pytest shows it when the test failed
