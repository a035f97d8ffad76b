"""A worker with limits that are small enough to be reached."""

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.functional.contract.house import House, Manner, Queues
from tests.functional.contract.stage import Stage

MIB = 1 << 20

NARROW = Manner(
    Queues(),
    f"""
[worker]
body_limit = {2 * MIB}
payload_limit = {1 * MIB}
json_depth_limit = 5
subscribers_limit = 3
copies_bytes_limit = {2 * MIB}
answer_limit = 4096
answers_limit = {1 * MIB}
bytes_in_flight = {1 * MIB}
jobs_in_flight = 1000
""",
)


@pytest.fixture(scope="session")
def narrow_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with House(tmp_path_factory.mktemp("limits")) as house:
        yield house


@pytest.fixture(params=["gearmand", "geard"])
def stage(request: pytest.FixtureRequest, narrow_house: House) -> Iterator[Stage]:
    """For tests on each server that the service is made for."""
    yield from _play(narrow_house, request.param)


@pytest.fixture
def gearmand_stage(narrow_house: House) -> Iterator[Stage]:
    """For what would take geard minutes, or only gearmand does."""
    yield from _play(narrow_house, "gearmand")


def _play(house: House, server: str) -> Iterator[Stage]:
    service = house.service(server, "sqlite", NARROW)
    stage = Stage(service)
    yield stage
    stage.close()
    assert service.worker.process is not None
    assert service.worker.process.poll() is None
    print(service.worker.log[-3000:])


def peak_bytes(stage: Stage) -> int:
    """The most memory that the worker had since `forget_peak`."""
    assert stage.service.worker.process is not None
    for line in Path(f"/proc/{stage.service.worker.process.pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) << 10
    raise AssertionError("the system does not tell")


def forget_peak(stage: Stage) -> int:
    """The memory that the worker has now, which is its peak from now on."""
    assert stage.service.worker.process is not None
    pid = stage.service.worker.process.pid
    Path(f"/proc/{pid}/clear_refs").write_text("5")
    return psutil.Process(pid).memory_info().rss
