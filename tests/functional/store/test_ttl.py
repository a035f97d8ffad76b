"""Subscriptions that end by themselves. Nothing here measures time: the end is waited for."""

from collections.abc import Awaitable, Callable

import pytest

from gearhorn.store.base import Applied, Store, Subscribe, Subscription, TopicCount, TopicList
from tests.functional.store.conftest import OpenHandle
from tests.functional.store.questions import apply, members, read, subscribe, unsubscribe, wait_until

SHORT_S = 0.05
LONG_S = 1000.0


def is_empty(store: Store, topic: str) -> Callable[[], Awaitable[bool]]:
    async def ask() -> bool:
        return await members(store, topic) == []

    return ask


async def let_a_short_one_end(store: Store) -> None:
    """Waits until a subscription has ended that began now: so has every one with as short a ttl from before."""
    await subscribe(store, "egg timer", "sand", SHORT_S)
    await wait_until(is_empty(store, "egg timer"))


async def test_a_subscription_ends_after_its_ttl_and_raises_the_version(store: Store) -> None:
    begun = await subscribe(store, "news", "bob", SHORT_S)
    await wait_until(is_empty(store, "news"))
    assert (await read(store, "news")).version > begun.version


async def test_only_what_is_past_its_ttl_ends(store: Store) -> None:
    await apply(
        store, [Subscribe("news", "short", SHORT_S), Subscribe("news", "long", LONG_S), Subscribe("news", "ever")]
    )
    await let_a_short_one_end(store)
    assert await members(store, "news") == ["ever", "long"]


async def test_the_end_raises_the_version_once(store: Store) -> None:
    await subscribe(store, "news", "bob", SHORT_S)
    await let_a_short_one_end(store)
    ended = await read(store, "news")
    assert ended.client_ids == []
    assert await read(store, "news") == ended
    assert await unsubscribe(store, "news", "bob") == Applied(ended.version, False)


async def test_renewing_puts_off_the_end_and_leaves_the_version(store: Store) -> None:
    begun = await subscribe(store, "news", "bob", LONG_S)
    assert await subscribe(store, "news", "bob", 2 * LONG_S) == Applied(begun.version, False)
    [found] = await store.subscriptions("news")
    assert found.expires_in_s is not None
    assert LONG_S < found.expires_in_s <= 2 * LONG_S
    assert await store.read(["news"]) == [TopicList(begun.version, [b"bob"])]


@pytest.mark.parametrize("ttl_s", [LONG_S, 0.0])
async def test_what_was_renewed_outlives_its_first_ttl(store: Store, ttl_s: float) -> None:
    await apply(store, [Subscribe("news", "bob", SHORT_S), Subscribe("news", "bob", ttl_s)])
    await let_a_short_one_end(store)
    assert await members(store, "news") == ["bob"]


async def test_a_subscription_that_is_made_permanent_shows_no_end(store: Store) -> None:
    await subscribe(store, "news", "bob", LONG_S)
    assert not (await subscribe(store, "news", "bob", 0)).changed
    assert await store.subscriptions("news") == [Subscription("bob", None)]


async def test_a_permanent_subscription_that_is_renewed_with_a_ttl_ends(store: Store) -> None:
    await subscribe(store, "news", "bob")
    assert not (await subscribe(store, "news", "bob", SHORT_S)).changed
    await wait_until(is_empty(store, "news"))


async def test_who_unsubscribed_and_came_back_for_good_does_not_end_with_the_old_ttl(store: Store) -> None:
    await subscribe(store, "news", "bob", SHORT_S)
    await unsubscribe(store, "news", "bob")
    await subscribe(store, "news", "bob")
    await let_a_short_one_end(store)
    assert await members(store, "news") == ["bob"]


async def test_who_comes_back_after_the_end_is_a_change(store: Store) -> None:
    begun = await subscribe(store, "news", "bob", SHORT_S)
    await let_a_short_one_end(store)
    again = await subscribe(store, "news", "bob")
    assert again.changed
    # one for the end, one for the new beginning
    assert again.version >= begun.version + 2


async def test_the_end_is_seen_in_every_view(store: Store) -> None:
    await apply(store, [Subscribe("news", "bob", SHORT_S), Subscribe("weather", "bob")])
    await let_a_short_one_end(store)
    assert await store.topics() == [TopicCount("weather", 1)]
    assert await store.subscriptions("news") == []


async def test_the_numbers_of_topics_do_not_count_who_is_past_the_ttl(store: Store) -> None:
    await apply(store, [Subscribe("news", "short", SHORT_S), Subscribe("news", "ever")])
    await let_a_short_one_end(store)
    assert await store.topics() == [TopicCount("news", 1)]


async def test_another_handle_sees_the_end(open_handle: OpenHandle) -> None:
    one, two = await open_handle(), await open_handle()
    await subscribe(one, "news", "bob", SHORT_S)
    await wait_until(is_empty(two, "news"))
    assert (await read(one, "news")) == (await read(two, "news"))


@pytest.mark.parametrize("count", [1200])
async def test_however_many_end_at_once_none_is_served_any_more(store: Store, count: int) -> None:
    """More than a store may end in one step: Redis ends 500."""
    wishes = [Subscribe("news", f"client-{number}", SHORT_S) for number in range(count)]
    await apply(store, [*wishes, Subscribe("news", "ever")])
    await let_a_short_one_end(store)
    assert await members(store, "news") == ["ever"]
    assert await store.topics() == [TopicCount("news", 1)]


@pytest.mark.parametrize("count", [1200])
async def test_however_many_end_at_once_a_change_comes_after_all_ends(store: Store, count: int) -> None:
    wishes = [Subscribe("news", f"client-{number}", SHORT_S) for number in range(count)]
    await apply(store, wishes)
    await let_a_short_one_end(store)
    results = await apply(store, [Subscribe("news", f"client-{number}") for number in range(count)])
    assert all(result.changed for result in results)


def gently(client_id: str, ttl_s: float = 0.0) -> Subscribe:
    return Subscribe("news", client_id, ttl_s, never_shortens=True)


async def test_a_subscription_that_may_not_be_shortened_keeps_the_later_end(store: Store) -> None:
    await apply(store, [Subscribe("news", "ever"), Subscribe("news", "long", LONG_S), Subscribe("news", "short", 60)])
    results = await apply(store, [gently("ever", 60), gently("long", 60), gently("short", LONG_S), gently("new", 60)])
    assert [isinstance(one, Applied) and one.changed for one in results] == [False, False, False, True]
    ends = {one.client_id: one.expires_in_s for one in await store.subscriptions("news")}
    assert ends.pop("ever") is None
    assert {client_id: (end_s or 0) > 60 for client_id, end_s in ends.items()} == {
        "long": True,
        "short": True,
        "new": False,
    }


async def test_one_that_may_not_be_shortened_comes_to_last_for_ever(store: Store) -> None:
    await apply(store, [Subscribe("news", "bob", LONG_S)])
    await apply(store, [gently("bob"), gently("bob", 60)])
    assert await store.subscriptions("news") == [Subscription("bob", None)]


async def test_the_later_of_two_ends_in_one_call_counts(store: Store) -> None:
    await apply(store, [gently("bob", 60), gently("bob", LONG_S), gently("bob", 60)])
    (bob,) = await store.subscriptions("news")
    assert (bob.expires_in_s or 0) > 60
