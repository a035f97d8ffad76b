"""Waits for a store that is away, and says so once for everybody who waits."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from random import Random
from typing import TypeVar

from gearhorn.core.backoff import Backoff
from gearhorn.errors import StoreUnavailable
from gearhorn.logs.event import log_for
from gearhorn.logs.events.store import STORE_AWAY, STORE_BACK
from gearhorn.logs.trouble import Trouble

log = log_for(__name__)

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class PatienceSettings:
    """How long a store that is away is waited for within one job, and how often it is tried."""

    retry_timeout_s: float = 30.0
    first_retry_s: float = 0.05
    most_retry_s: float = 2.0


class Patience:
    def __init__(self, settings: PatienceSettings) -> None:
        self._settings = settings
        self._trouble = Trouble()

    def adjust(self, settings: PatienceSettings) -> None:
        """For what is asked from now on."""
        self._settings = settings

    async def ask(self, call: Callable[[], Awaitable[Result]]) -> Result:
        """Repeats a call until the store answers. Only for calls that may be made twice.

        Raises StoreUnavailable when that takes longer than a job can wait.
        """
        loop = asyncio.get_running_loop()
        deadline_s = loop.time() + self._settings.retry_timeout_s
        backoff = self.backoff()
        while True:
            try:
                result = await call()
            except StoreUnavailable as error:
                self.store_is_away(error)
                delay_s = backoff.next_s()
                if loop.time() + delay_s > deadline_s:
                    raise
                await asyncio.sleep(delay_s)
            else:
                self.store_is_there()
                return result

    async def ask_for_ever(self, call: Callable[[], Awaitable[Result]]) -> Result:
        """As `ask`, but never gives up."""
        while True:
            try:
                return await self.ask(call)
            except StoreUnavailable:
                await asyncio.sleep(self._settings.most_retry_s)

    def store_is_away(self, error: StoreUnavailable) -> None:
        """Also for those who ask once and do not wait: an idle worker knows it from its lease only."""
        if self._trouble.begins():
            log.say(STORE_AWAY, error=error)

    def store_is_there(self) -> None:
        if self._trouble.ends():
            log.say(STORE_BACK)

    def backoff(self) -> Backoff:
        return Backoff(self._settings.first_retry_s, self._settings.most_retry_s, Random())
