"""Subscribing, unsubscribing and reading: what every store answers, and what it does to versions."""

from collections.abc import Callable

import pytest

from gearhorn.errors import StoreUnavailable
from gearhorn.store.base import Applied, Store, Subscribe, Subscription, TopicCount, TopicList, Unsubscribe
from tests.functional.store.conftest import MakeHandle, OpenHandle
from tests.functional.store.questions import apply, members, read, subscribe, unsubscribe


async def test_a_topic_that_was_never_used_has_no_subscribers_and_version_0(store: Store) -> None:
    assert await store.read(["news"]) == [TopicList(0, [])]


async def test_a_subscriber_is_on_the_list_with_the_version_that_subscribing_gave(store: Store) -> None:
    applied = await subscribe(store, "news", "bob")
    assert applied.changed
    assert applied.version > 0
    assert await store.read(["news"]) == [TopicList(applied.version, [b"bob"])]


async def test_subscribing_twice_succeeds_and_changes_nothing(store: Store) -> None:
    first = await subscribe(store, "news", "bob")
    assert await subscribe(store, "news", "bob") == Applied(first.version, False)
    assert await store.read(["news"]) == [TopicList(first.version, [b"bob"])]


async def test_unsubscribing_takes_off_the_list_and_raises_the_version(store: Store) -> None:
    first = await subscribe(store, "news", "bob")
    second = await unsubscribe(store, "news", "bob")
    assert second.changed
    assert second.version > first.version
    assert await store.read(["news"]) == [TopicList(second.version, [])]


@pytest.mark.parametrize("topic", ["news", "unused"])
async def test_unsubscribing_who_is_not_subscribed_changes_nothing(store: Store, topic: str) -> None:
    await subscribe(store, "news", "bob")
    before = await read(store, topic)
    assert await unsubscribe(store, topic, "alice") == Applied(before.version, False)
    assert await read(store, topic) == before


async def test_a_version_does_not_fall_when_the_last_subscriber_leaves_and_others_come(store: Store) -> None:
    versions = [(await subscribe(store, "news", "bob")).version]
    for client_id in ("bob", "alice", "bob"):
        versions.append((await unsubscribe(store, "news", "bob")).version)
        versions.append((await subscribe(store, "news", client_id)).version)
        await unsubscribe(store, "news", "alice")
    assert versions == sorted(set(versions))


async def test_the_version_of_one_topic_is_no_matter_of_another(store: Store) -> None:
    news = await subscribe(store, "news", "bob")
    await subscribe(store, "weather", "bob")
    assert (await read(store, "news")).version == news.version


async def test_several_topics_are_read_in_the_order_of_the_question(store: Store) -> None:
    for topic, client_id in (("one", "a"), ("two", "b"), ("three", "c")):
        await subscribe(store, topic, client_id)
    found = await store.read(["three", "none", "one", "two", "one"])
    assert [item.client_ids for item in found] == [[b"c"], [], [b"a"], [b"b"], [b"a"]]


async def test_no_question_has_an_empty_answer(store: Store) -> None:
    assert await store.read([]) == []
    assert (await store.apply([])).results == []


async def test_the_changes_of_a_batch_are_made_in_order(store: Store) -> None:
    batch = {
        "bob comes": (Subscribe("news", "bob"), True),
        "alice is not there": (Unsubscribe("news", "alice"), False),
        "bob is there": (Subscribe("news", "bob"), False),
        "bob leaves": (Unsubscribe("news", "bob"), True),
        "bob is gone": (Unsubscribe("news", "bob"), False),
        "bob is back": (Subscribe("news", "bob"), True),
        "carol comes": (Subscribe("news", "carol"), True),
    }
    results = await apply(store, [wish for wish, _ in batch.values()])
    assert [result.changed for result in results] == [changed for _, changed in batch.values()]
    assert await members(store, "news") == ["bob", "carol"]


async def test_each_change_of_a_batch_answers_with_the_version_after_it(store: Store) -> None:
    batch = [Subscribe("news", "bob"), Subscribe("news", "bob"), Unsubscribe("news", "bob"), Subscribe("news", "al")]
    first, same, second, third = (result.version for result in await apply(store, batch))
    assert 0 < first == same < second < third == (await read(store, "news")).version


async def test_a_batch_over_many_topics_changes_each(store: Store) -> None:
    topics = [f"topic-{number}" for number in range(300)]
    results = await apply(store, [Subscribe(topic, name) for name in ("bob", "alice") for topic in topics])
    assert all(result.changed for result in results)
    lists = await store.read(topics)
    assert [sorted(found.client_ids) for found in lists] == [[b"alice", b"bob"]] * len(topics)
    assert [found.version for found in lists] == [result.version for result in results[-len(topics) :]]


async def test_topics_with_subscribers_are_listed_by_name_with_their_numbers(store: Store) -> None:
    await store.apply([Subscribe("b", "1"), Subscribe("a", "1"), Subscribe("a", "2"), Subscribe("gone", "1")])
    await unsubscribe(store, "gone", "1")
    assert await store.topics() == [TopicCount("a", 2), TopicCount("b", 1)]


async def test_a_topic_that_was_left_and_joined_again_is_listed_again(store: Store) -> None:
    await store.apply([Subscribe("a", "1"), Unsubscribe("a", "1"), Subscribe("a", "2")])
    assert await store.topics() == [TopicCount("a", 1)]


async def test_a_store_without_subscriptions_lists_no_topics(store: Store) -> None:
    assert await store.topics() == []


async def test_subscriptions_are_listed_by_client_id(store: Store) -> None:
    await store.apply([Subscribe("news", name) for name in ("carol", "alice", "bob")])
    assert await store.subscriptions("news") == [Subscription(name, None) for name in ("alice", "bob", "carol")]
    assert await store.subscriptions("unused") == []


NAMES = [
    "ünïcode",
    "日本語",
    "👩‍👩‍👧",
    "with spaces",
    " ",
    "percent%20",
    "a:b",
    "{tag}",
    "*?[x]",
    "'; --",
    "\u2028",
    "\u00a0",
]


@pytest.mark.parametrize("topic", NAMES)
async def test_names_of_any_printable_characters_come_back_unchanged(store: Store, topic: str) -> None:
    await store.apply([Subscribe(topic, client_id) for client_id in NAMES])
    assert await members(store, topic) == sorted(NAMES)
    assert [item.client_id for item in await store.subscriptions(topic)] == sorted(NAMES)
    assert await store.topics() == [TopicCount(topic, len(NAMES))]


async def test_the_longest_names_are_kept_apart(store: Store) -> None:
    topic = "ü" * 63 + "t"  # 127 bytes, and three times as many percent-encoded
    client_ids = ["c" * 126 + end for end in "12"]
    await store.apply([Subscribe(topic, client_id) for client_id in client_ids])
    await store.apply([Subscribe(topic[:-1] + "s", client_id) for client_id in client_ids])
    await unsubscribe(store, topic, client_ids[0])
    assert await members(store, topic) == client_ids[1:]
    assert await members(store, topic[:-1] + "s") == client_ids


async def test_two_handles_see_each_others_changes(open_handle: OpenHandle) -> None:
    one, two = await open_handle(), await open_handle()
    applied = await subscribe(one, "news", "bob")
    assert await two.read(["news"]) == [TopicList(applied.version, [b"bob"])]
    assert await subscribe(two, "news", "bob") == Applied(applied.version, False)
    await unsubscribe(two, "news", "bob")
    assert await members(one, "news") == []


async def test_what_is_closed_is_still_there_for_who_comes_next(open_handle: OpenHandle) -> None:
    one, two = await open_handle(), await open_handle()
    applied = await subscribe(one, "news", "bob")
    await one.close()
    assert await two.read(["news"]) == [TopicList(applied.version, [b"bob"])]
    await one.open()
    assert await one.read(["news"]) == [TopicList(applied.version, [b"bob"])]


async def test_a_store_that_is_not_open_is_unavailable(begin: Callable[[], MakeHandle]) -> None:
    store = begin()()
    await store.close()
    with pytest.raises(StoreUnavailable):
        await store.read(["news"])
    await store.open()
    await store.read(["news"])
    await store.close()
    await store.close()
    with pytest.raises(StoreUnavailable):
        await store.apply([Subscribe("news", "bob")])


async def test_opening_twice_is_opening_once(store: Store) -> None:
    applied = await subscribe(store, "news", "bob")
    await store.open()
    assert await store.read(["news"]) == [TopicList(applied.version, [b"bob"])]
