"""Looks into the service's store, for somebody who waits at a prompt."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TypeVar
from urllib.parse import unquote

from gearhorn.config import Config
from gearhorn.errors import Misconfigured, StoreUnavailable
from gearhorn.store.base import Store
from gearhorn.store.opening import open_store

Result = TypeVar("Result")


def ask_store(config: Config, question: Callable[[Store], Awaitable[Result]]) -> Result:
    """One question. Raises StoreUnavailable without a second try, and Misconfigured."""

    async def ask() -> Result:
        async with opened_store(config) as store:
            return await question(store)

    return asyncio.run(ask())


@contextlib.asynccontextmanager
async def opened_store(config: Config, *, may_be_new: bool = False) -> AsyncIterator[Store]:
    """The store of the configuration, open within the block. Raises StoreUnavailable and Misconfigured."""
    settings = config.store_settings()
    judge_local(settings.url, may_be_new=may_be_new)
    store = open_store(settings)
    try:
        await store.open()
        yield store
    finally:
        await store.close()


def has_no_file(config: Config) -> bool:
    """Whether it names a SQLite store that opening would make."""
    url = config.store_settings().url
    return url.startswith("sqlite:///") and not _path(url).exists()


def judge_local(url: str, *, may_be_new: bool = False) -> None:
    """A store that opening would make is not the service's: it would show empty lists, and lie in its way."""
    if url.startswith("memory://"):
        raise Misconfigured("a memory:// store is inside the service, where nobody else can look")
    if url.startswith("sqlite:///") and not may_be_new and not _path(url).exists():
        raise StoreUnavailable(f"there is no SQLite store {_path(url)}; option --store names another")


def _path(url: str) -> Path:
    return Path(unquote(url.removeprefix("sqlite:///")))
