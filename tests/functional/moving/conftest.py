"""Stores of each kind that a command can reach, empty ones as often as a test asks."""

import asyncio
import contextlib
import itertools
import json
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from gearhorn.store.base import Change, Store, Subscription
from gearhorn.store.opening import StoreSettings, open_store
from tests.servers.commands import run_gearhorn
from tests.servers.stores import Memcached, Redis

Result = TypeVar("Result")

_numbers = itertools.count()


class Place:
    """A store of its own, and commands that use it."""

    def __init__(self, url: str, home: Path) -> None:
        self.url = url
        self.prefix = f"test-{next(_numbers)}"
        self.home = home
        self.home.mkdir()
        self.settings = f"[store]\nurl = {url}\nprefix = {self.prefix}\n"
        (home / "gearhorn.conf").write_text(self.settings)

    def run(self, *arguments: str, text: str = "") -> "subprocess.CompletedProcess[str]":
        if text:
            (self.home / "lines").write_text(text)
            arguments = (*arguments, str(self.home / "lines"))
        return run_gearhorn(self.home, *arguments, "--config-file", str(self.home / "gearhorn.conf"))

    def told(self, *arguments: str, text: str = "") -> dict[str, Any]:
        """What an import says to programs, without what is 0."""
        done = self.run("import", "--json", *arguments, text=text)
        assert done.stdout, done.stderr
        return {key: value for key, value in json.loads(done.stdout).items() if value}

    def ask(self, question: Callable[[Store], Awaitable[Result]]) -> Result:
        return asyncio.run(self._ask(question))

    async def _ask(self, question: Callable[[Store], Awaitable[Result]]) -> Result:
        async with self.opened() as store:
            return await question(store)

    @contextlib.asynccontextmanager
    async def opened(self) -> AsyncIterator[Store]:
        store = open_store(StoreSettings(self.url, self.prefix))
        await store.open()
        try:
            yield store
        finally:
            await store.close()

    def fill(self, *changes: Change) -> None:
        for start in range(0, len(changes), 5000):
            self.ask(lambda store, some=changes[start : start + 5000]: store.apply(some))  # type: ignore[misc]

    def lists(self) -> dict[str, list[Subscription]]:
        async def read(store: Store) -> dict[str, list[Subscription]]:
            return {topic: await store.subscriptions(topic) for topic, _ in await store.topics()}

        return self.ask(read)

    def names(self) -> dict[str, list[str]]:
        return {topic: [one.client_id for one in found] for topic, found in self.lists().items()}


@pytest.fixture(scope="session")
def store_urls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    with Redis(tmp_path_factory.mktemp("redis")) as redis, Memcached(tmp_path_factory.mktemp("memcached")) as memcached:
        yield {"redis": f"redis://{redis.address}", "memcached": f"memcached://{memcached.address}"}


@pytest.fixture
def make_place(store_urls: dict[str, str], tmp_path: Path) -> Callable[[str], Place]:
    def make(kind: str) -> Place:
        home = tmp_path / f"home-{next(_numbers)}"
        return Place(store_urls.get(kind, f"sqlite:///{home}/lists.db"), home)

    return make
