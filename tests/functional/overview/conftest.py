"""One system for all tests that only look at one: a Redis that writes to disk, a gearmand, a geard and a worker."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.functional.overview.system import System
from tests.servers.gearhorn_worker import GearhornWorker
from tests.servers.gearman import Geard, Gearmand
from tests.servers.stores import Redis


@pytest.fixture(scope="package")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    folder: Path = tmp_path_factory.mktemp("system")
    with ExitStack() as stack:
        redis = stack.enter_context(Redis(folder / "redis", "--appendonly", "yes"))
        servers = [stack.enter_context(kind(folder / kind.kind)) for kind in (Gearmand, Geard)]
        addresses = [server.address for server in servers]
        worker = stack.enter_context(GearhornWorker(addresses, f"redis://{redis.address}", folder / "worker"))
        yield System(folder, redis, servers[0], servers[1], worker)
