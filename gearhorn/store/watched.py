"""A store whose calls are counted and timed, and that knows whether the store behind it can be reached."""

import time
from collections.abc import Awaitable, Callable
from typing import Any, cast

from gearhorn.errors import Misconfigured, StoreUnavailable
from gearhorn.metrics import Counters
from gearhorn.metrics.counters import STORE_ERRORS
from gearhorn.metrics.histogram import SHORT_S, Histogram
from gearhorn.store.base import Store

# What the others are found by: every call of the protocol that goes to the store.
_NOT_TIMED = ("close",)
CALLS = tuple(name for name in vars(Store) if not name.startswith("_") and name not in _NOT_TIMED)

Call = Callable[..., Awaitable[Any]]


class WatchedStore:
    """Does what `store` does. `kind` is the word for it; `trouble` is why the last call failed, empty while the store
    answers.
    """

    def __init__(self, store: Store, counters: Counters) -> None:
        self.kind = type(store).__module__.rpartition(".")[2]
        self.trouble = "it was not reached yet"
        self.close = store.close
        self._counters = counters
        for name in CALLS:
            setattr(self, name, self._watch(name, getattr(store, name)))

    def as_store(self) -> Store:
        return cast(Store, self)

    def _watch(self, name: str, call: Call) -> Call:
        async def watched(*arguments: Any, **options: Any) -> Any:
            began_s = time.monotonic()
            try:
                answer = await call(*arguments, **options)
            except StoreUnavailable as error:
                self._fail(name, "unavailable", error)
                raise
            except Misconfigured as error:
                self._fail(name, "misconfigured", error)
                raise
            self.trouble = ""
            self._took(name).observe(time.monotonic() - began_s)
            return answer

        return watched

    def _fail(self, name: str, reason: str, error: Exception) -> None:
        self.trouble = str(error)
        self._counters.count(STORE_ERRORS, name, reason)

    def _took(self, name: str) -> Histogram:
        """Of calls that were answered."""
        took_s = self._counters.store_s
        if name not in took_s:
            took_s[name] = Histogram(SHORT_S)
        return took_s[name]
