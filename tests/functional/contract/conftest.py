"""Fixtures of the contract: a stage on every combination of server and store."""

from collections.abc import Iterator

import pytest

from tests.functional.contract.house import COMBINATIONS, HASTY, USUAL, House, Manner, Service
from tests.functional.contract.stage import Stage


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with House(tmp_path_factory.mktemp("contract")) as house:
        yield house


@pytest.fixture(params=COMBINATIONS, ids="-".join)
def combination(request: pytest.FixtureRequest) -> tuple[str, str]:
    """Kinds of the server and of the store."""
    return request.param


@pytest.fixture
def stage(house: House, combination: tuple[str, str]) -> Iterator[Stage]:
    yield from _play(house, *combination, USUAL)


@pytest.fixture
def hasty_stage(house: House, combination: tuple[str, str]) -> Iterator[Stage]:
    """On a worker that waits a fifth of a second for receivers, and a second at the most."""
    yield from _play(house, *combination, HASTY)


@pytest.fixture
def perl_stage(house: House) -> Iterator[Stage]:
    yield from _play(house, "perl", "sqlite", USUAL)


def _play(house: House, server: str, store: str, manner: Manner) -> Iterator[Stage]:
    service = house.service(server, store, manner)
    seen = len(service.worker.log)
    stage = Stage(service)
    yield stage
    stage.close()
    assert _lives(service)
    print(service.worker.log[seen:][-5000:])  # pytest shows it when the test failed


def _lives(service: Service) -> bool:
    return service.worker.process is not None and service.worker.process.poll() is None
