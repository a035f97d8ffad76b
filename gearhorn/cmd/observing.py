"""How the commands that show the whole system come to look at it: a store that is away ends none of them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from gearhorn.cmd.lookups import judge_local
from gearhorn.config import Config
from gearhorn.overview.observer import TOPICS_LIMIT, Observer
from gearhorn.store.base import Store
from gearhorn.store.opening import open_store


@contextlib.asynccontextmanager
async def observing(config: Config, topics_limit: int = TOPICS_LIMIT) -> AsyncIterator[Observer]:
    """Who looks, within the block. Raises Misconfigured for settings that nobody can be asked with."""
    door = StoreDoor(config)
    try:
        yield Observer(config.observer_settings(topics_limit), door.open)
    finally:
        await door.close()


class StoreDoor:
    """Opens the store of the configuration when it is first asked for, or as soon after as it can be opened."""

    def __init__(self, config: Config) -> None:
        """Raises Misconfigured."""
        self._settings = config.store_settings()
        self._store: Store = open_store(self._settings)
        self._is_open = False
        self._turn = asyncio.Lock()

    async def open(self) -> Store:
        """Raises StoreUnavailable and Misconfigured."""
        async with self._turn:
            if not self._is_open:
                judge_local(self._settings.url)
                await self._store.open()
                self._is_open = True
            return self._store

    async def close(self) -> None:
        await self._store.close()
