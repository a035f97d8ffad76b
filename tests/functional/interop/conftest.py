"""Fixtures of the clients that others wrote: a stage on the server, and who runs the program."""

from collections.abc import Iterator

import pytest

from tests.functional.contract.house import House
from tests.functional.contract.stage import Stage
from tests.functional.interop.program import Program


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with House(tmp_path_factory.mktemp("interop")) as house:
        yield house


@pytest.fixture
def pair(request: pytest.FixtureRequest) -> tuple[str, str]:
    """A server and a language: each test says which."""
    return request.param


@pytest.fixture
def stage(house: House, pair: tuple[str, str]) -> Iterator[Stage]:
    stage = Stage(house.service(pair[0], "sqlite"))
    yield stage
    stage.close()


@pytest.fixture
def program(stage: Stage, pair: tuple[str, str]) -> Iterator[Program]:
    program = Program(pair[1], stage.server)
    yield program
    program.close()
