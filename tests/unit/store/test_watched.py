"""A watched store does what the store does, and knows how that is doing."""

import inspect

import pytest

from gearhorn.errors import Misconfigured, StoreUnavailable
from gearhorn.metrics import Counters
from gearhorn.metrics.counters import STORE_ERRORS
from gearhorn.store.base import Store, Subscribe
from gearhorn.store.memory import MemoryStore
from gearhorn.store.watched import CALLS, WatchedStore


class Moody(MemoryStore):
    error: Exception | None = None

    async def topics(self) -> list:  # type: ignore[type-arg]
        if self.error is not None:
            raise self.error
        return await super().topics()


async def test_every_call_of_the_protocol_is_passed_on() -> None:
    calls = {name for name, _ in inspect.getmembers(Store, inspect.isfunction) if not name.startswith("_")}
    assert calls == {*CALLS, "close"}
    watched = WatchedStore(MemoryStore(), Counters())
    for name in calls:
        assert callable(getattr(watched.as_store(), name))
    assert watched.kind == "memory"


async def test_answers_are_timed_by_call_and_arguments_arrive() -> None:
    counters = Counters()
    watched = WatchedStore(MemoryStore(), counters)
    assert watched.trouble
    store = watched.as_store()
    await store.open()
    assert not watched.trouble
    await store.apply([Subscribe("news", "ann")])
    assert [tuple(one) for one in await store.topics()] == [("news", 1)]
    assert {name: each.count for name, each in counters.store_s.items()} == {"open": 1, "apply": 1, "topics": 1}
    await store.close()


@pytest.mark.parametrize(
    ("error", "reason"), [(StoreUnavailable("no route"), "unavailable"), (Misconfigured("no login"), "misconfigured")]
)
async def test_what_is_not_answered_is_counted_raised_and_remembered_until_something_is(
    error: Exception, reason: str
) -> None:
    counters, moody = Counters(), Moody()
    watched = WatchedStore(moody, counters)
    store = watched.as_store()
    await store.open()
    moody.error = error
    with pytest.raises(type(error)):
        await store.topics()
    assert watched.trouble == str(error)
    assert counters.labelled(STORE_ERRORS) == {("topics", reason): 1}
    assert "topics" not in counters.store_s
    moody.error = None
    await store.topics()
    assert not watched.trouble


async def test_a_bug_of_ours_is_no_trouble_of_the_store() -> None:
    moody = Moody()
    watched = WatchedStore(moody, Counters())
    await watched.as_store().open()
    moody.error = ValueError("a record too large")
    with pytest.raises(ValueError):
        await watched.as_store().topics()
    assert not watched.trouble
