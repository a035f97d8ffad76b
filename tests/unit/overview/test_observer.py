"""Pictures of systems of which something hangs, is away, or is very large."""

from typing import Any

import pytest

from gearhorn.clock import steady_s
from gearhorn.errors import Misconfigured, StoreUnavailable
from gearhorn.overview import observer as module
from gearhorn.overview.observer import Observer, ObserverSettings
from gearhorn.overview.owners import Shares
from gearhorn.overview.source import already_open
from gearhorn.overview.subscribers import look_at_topic, look_up
from gearhorn.store.base import Subscribe
from gearhorn.store.leases import LeaseKey
from tests.unit.moody_store import MoodyStore


async def store_with(*pairs: tuple[str, str]) -> MoodyStore:
    store = MoodyStore(steady_s)
    await store.apply([Subscribe(*pair) for pair in pairs])
    return store


def observer_of(store: MoodyStore, **settings: Any) -> Observer:
    return Observer(ObserverSettings((), store_kind="memory", **settings), already_open(store))


async def test_workers_and_topics_are_in_the_picture_and_the_meeting_point_is_no_topic() -> None:
    store = await store_with(("news", "bob"), ("news", "eve"), ("memos", "bob"), ("__matchmaking", "one"))
    await store.take_lease(LeaseKey("one", "token"), 60.0, "{}")
    picture = await observer_of(store).observe()
    assert [worker.worker_id for worker in picture.workers] == ["one"]
    assert [(topic.topic, topic.subscribers_count) for topic in picture.topics] == [("news", 2), ("memos", 1)]
    assert (picture.totals.topics_count, picture.totals.subscribers_count) == (2, 3)


async def test_of_very_many_topics_some_are_shown_and_all_are_counted() -> None:
    store = await store_with(*((f"topic{number}", "bob") for number in range(30)))
    picture = await observer_of(store, topics_limit=7).observe()
    assert len(picture.topics) == 7
    assert picture.totals.topics_count == 30


async def test_a_store_that_hangs_is_waited_for_as_long_as_patience_lasts() -> None:
    store = await store_with()
    store.hold("read_record")
    picture = await observer_of(store, patience_s=0.05).observe()
    assert picture.store.trouble == "no answer within 0.05 s"


@pytest.mark.parametrize("error", [StoreUnavailable("gone"), Misconfigured("a wrong password")])
async def test_whatever_is_wrong_with_the_store_is_part_of_the_picture(error: Exception) -> None:
    store = await store_with()
    store.fail("read_record", error)
    picture = await observer_of(store).observe()
    assert (picture.store.is_reachable, picture.store.trouble) == (False, str(error))
    assert picture.totals.topics_count is None
    assert not picture.is_anything_reachable


async def test_what_waits_is_unknown_and_not_nothing_where_no_server_can_be_asked() -> None:
    picture = await observer_of(await store_with(("news", "bob"))).observe()
    assert picture.totals.backlog_count is None
    assert picture.topics[0].backlog_count is None
    assert picture.queues == ()


async def test_whose_the_queues_are_is_not_reckoned_again_at_once_when_it_takes_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls = []

    async def share_out(*_: object) -> Shares:
        calls.append(1)
        return Shares({}, {})

    monkeypatch.setattr(module, "share_out", share_out)
    quick = observer_of(await store_with())
    await quick.observe()
    await quick.observe()
    assert len(calls) == 2
    monkeypatch.setattr(module, "LONG_SHARING_S", -1.0)
    monkeypatch.setattr(module, "MOST_SHARE", 1e-9)
    slow = observer_of(await store_with())
    await slow.observe()
    await slow.observe()
    assert len(calls) == 3


async def test_a_topic_is_looked_at_as_it_is_now() -> None:
    store = await store_with(("news", "bob"))
    observer = observer_of(store)
    assert len((await look_at_topic(observer, "news")).subscribers) == 1
    await store.apply([Subscribe("news", "eve")])
    found = await look_at_topic(observer, "news")
    assert [one.client_id for one in found.subscribers] == ["bob", "eve"]
    assert (await look_at_topic(observer, "news", limit=1)).is_complete is False


async def test_a_client_is_looked_up_over_all_topics() -> None:
    store = await store_with(("news", "bob"), ("memos", "bob"), ("news", "eve"))
    found = await look_up(observer_of(store), "bob")
    assert sorted(one.topic for one in found.subscribers) == ["memos", "news"]


async def test_without_the_store_nobody_can_be_looked_up() -> None:
    store = await store_with()
    store.fail("read_record", StoreUnavailable("gone"))
    found = await look_up(observer_of(store), "bob")
    assert (found.store_answered, found.trouble) == (False, "gone")
