"""Every backend under the same questions. A new one is one more entry of `BACKENDS`."""

import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import pytest

from gearhorn.store.base import Store
from gearhorn.store.memory import MemoryLists, MemoryStore
from gearhorn.store.opening import StoreSettings, open_store
from tests.servers.stores import Memcached, Redis

MakeHandle = Callable[[], Store]
OpenHandle = Callable[[], Awaitable[Store]]
OpenUrl = Callable[..., Awaitable[Store]]

_numbers = itertools.count()

# A backend's function begins with empty lists, and gives one that makes handles of them, which are not open yet.


def begin_memory(request: pytest.FixtureRequest) -> MakeHandle:
    lists = MemoryLists()
    return lambda: MemoryStore(lists)


def begin_sqlite(request: pytest.FixtureRequest) -> MakeHandle:
    folder = request.getfixturevalue("tmp_path_factory").mktemp("sqlite")
    return lambda: open_store(StoreSettings(f"sqlite:///{folder}/lists.db"))


def begin_redis(request: pytest.FixtureRequest) -> MakeHandle:
    server: Redis = request.getfixturevalue("shared_redis")
    return _on_server(f"redis://{server.address}")


def begin_memcached(request: pytest.FixtureRequest) -> MakeHandle:
    server: Memcached = request.getfixturevalue("shared_memcached")
    return _on_server(f"memcached://{server.address}")


def _on_server(url: str) -> MakeHandle:
    prefix = f"test-{next(_numbers)}"  # instead of a server of its own for each test
    return lambda: open_store(StoreSettings(url, prefix))


BACKENDS = {
    "memory": begin_memory,
    "sqlite": begin_sqlite,
    "redis": begin_redis,
    "memcached": begin_memcached,
}


@pytest.fixture(scope="session")
def shared_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    with Redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(scope="session")
def shared_memcached(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Memcached]:
    with Memcached(tmp_path_factory.mktemp("memcached")) as server:
        yield server


@pytest.fixture(params=BACKENDS)
def begin(request: pytest.FixtureRequest) -> Callable[[], MakeHandle]:
    """Gives empty lists as often as it is called."""
    return lambda: BACKENDS[request.param](request)


@pytest.fixture
async def open_handle(begin: Callable[[], MakeHandle]) -> AsyncIterator[OpenHandle]:
    """Opens handles, all of the same lists."""
    make_handle = begin()
    handles: list[Store] = []

    async def open_another() -> Store:
        handles.append(make_handle())
        await handles[-1].open()
        return handles[-1]

    yield open_another
    for handle in handles:
        await handle.close()


@pytest.fixture
async def store(open_handle: OpenHandle) -> Store:
    return await open_handle()


@pytest.fixture
async def open_url() -> AsyncIterator[OpenUrl]:
    """Opens stores at URLs of the test's own; further arguments are fields of StoreSettings."""
    opened: list[Store] = []

    async def open_one(url: str, **settings: Any) -> Store:
        opened.append(open_store(StoreSettings(url, **settings)))
        await opened[-1].open()
        return opened[-1]

    yield open_one
    for store in opened:
        await store.close()
