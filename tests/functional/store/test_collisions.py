"""Two pairs of topic and client id that have the same queue name: a_b + c and a + b_c share a_b_c."""

import asyncio

from gearhorn.store.base import Applied, Collision, Store, Subscribe, Unsubscribe
from tests.functional.store.conftest import OpenHandle
from tests.functional.store.questions import members, read, subscribe, unsubscribe, wait_until

FIRST = ("a_b", "c")
SECOND = ("a", "b_c")


async def test_the_second_pair_of_a_queue_name_is_refused_with_the_topic_of_the_first(store: Store) -> None:
    await subscribe(store, *FIRST)
    assert (await store.apply([Subscribe(*SECOND)])).results == [Collision("a_b")]
    assert await members(store, "a") == []


async def test_a_refusal_leaves_list_and_version_alone(store: Store) -> None:
    await subscribe(store, *FIRST)
    await subscribe(store, "a", "other")
    before = await store.read(["a", "a_b"])
    await store.apply([Subscribe(*SECOND)])
    assert await store.read(["a", "a_b"]) == before


async def test_it_does_not_matter_which_pair_is_first(store: Store) -> None:
    await subscribe(store, *SECOND)
    assert (await store.apply([Subscribe(*FIRST)])).results == [Collision("a")]


async def test_the_owner_may_subscribe_again(store: Store) -> None:
    first = await subscribe(store, *FIRST)
    await store.apply([Subscribe(*SECOND)])
    assert await subscribe(store, *FIRST) == Applied(first.version, False)


async def test_a_queue_name_is_free_after_its_pair_unsubscribed(store: Store) -> None:
    await subscribe(store, *FIRST)
    await unsubscribe(store, *FIRST)
    assert (await subscribe(store, *SECOND)).changed
    assert (await store.apply([Subscribe(*FIRST)])).results == [Collision("a")]


async def test_unsubscribing_the_pair_that_was_refused_does_not_free_the_name(store: Store) -> None:
    await subscribe(store, *FIRST)
    assert not (await unsubscribe(store, *SECOND)).changed
    assert (await store.apply([Subscribe(*SECOND)])).results == [Collision("a_b")]
    assert await members(store, "a_b") == ["c"]


async def test_a_queue_name_is_free_after_the_ttl_of_its_pair(store: Store) -> None:
    await subscribe(store, *FIRST, ttl_s=0.05)

    async def is_free() -> bool:
        return isinstance((await store.apply([Subscribe(*SECOND)])).results[0], Applied)

    await wait_until(is_free)
    assert (await store.apply([Subscribe(*FIRST)])).results == [Collision("a")]
    assert await members(store, "a_b") == []


async def test_a_queue_name_is_free_after_a_reader_saw_the_ttl_end(store: Store) -> None:
    await subscribe(store, *FIRST, ttl_s=0.05)

    async def is_over() -> bool:
        return not (await read(store, "a_b")).client_ids

    await wait_until(is_over)
    assert (await subscribe(store, *SECOND)).changed


async def test_within_a_batch_the_earlier_pair_wins_and_may_make_room(store: Store) -> None:
    batch = [Subscribe(*FIRST), Subscribe(*SECOND), Unsubscribe(*FIRST), Subscribe(*SECOND), Subscribe(*FIRST)]
    results = (await store.apply(batch)).results
    assert [isinstance(result, Applied) and result.changed for result in results] == [True, False, True, True, False]
    assert [results[1], results[4]] == [Collision("a_b"), Collision("a")]
    assert await members(store, "a") == ["b_c"]
    assert await members(store, "a_b") == []


async def test_three_pairs_of_one_queue_name_know_each_other(store: Store) -> None:
    pairs = [("a", "b_c_d"), ("a_b", "c_d"), ("a_b_c", "d")]
    for topic, client_id in pairs:
        await subscribe(store, topic, client_id)
        refused = [Subscribe(*pair) for pair in pairs if pair != (topic, client_id)]
        assert (await store.apply(refused)).results == [Collision(topic)] * 2
        await unsubscribe(store, topic, client_id)


async def test_underscores_at_the_ends_are_parts_of_names_like_others(store: Store) -> None:
    await subscribe(store, "a_", "b")
    assert (await store.apply([Subscribe("a", "_b")])).results == [Collision("a_")]
    await subscribe(store, "_a", "b_")
    assert (await store.apply([Subscribe("_a_b", "_")])).results == [Applied((await read(store, "_a_b")).version, True)]


async def test_the_other_handle_is_refused_as_well(open_handle: OpenHandle) -> None:
    one, two = await open_handle(), await open_handle()
    await subscribe(one, *FIRST)
    assert (await two.apply([Subscribe(*SECOND)])).results == [Collision("a_b")]
    await unsubscribe(two, *FIRST)
    assert (await subscribe(one, *SECOND)).changed


async def test_of_two_pairs_that_come_at_the_same_time_exactly_one_is_on_a_list(open_handle: OpenHandle) -> None:
    handles = [await open_handle() for _ in range(4)]
    for round_number in range(10):
        one, two = (f"r{round_number}_b", "c"), (f"r{round_number}", "b_c")
        wishes = [Subscribe(*one), Subscribe(*two)] * 2
        outcomes = await asyncio.gather(*(handle.apply([wish]) for handle, wish in zip(handles, wishes, strict=True)))
        listed = [pair for pair in (one, two) if await members(handles[0], pair[0])]
        assert len(listed) == 1
        results = [(wish, outcome.results[0]) for wish, outcome in zip(wishes, outcomes, strict=True)]
        winners = {wish.topic for wish, result in results if isinstance(result, Applied)}
        assert winners == {listed[0][0]}
