"""What a change tells of its topics: from which version to which, and whether all workers know."""

import asyncio
from collections.abc import Sequence

from gearhorn.store.base import (
    UNKNOWN_VERSION,
    Applied,
    Change,
    Collision,
    Store,
    Subscribe,
    TopicState,
    Unsubscribe,
)
from tests.functional.store.conftest import OpenHandle
from tests.functional.store.questions import members, read, settle, state, subscribe, wait_until


async def test_the_first_change_of_a_topic_comes_from_version_0(store: Store) -> None:
    found = await state(store, Subscribe("news", "bob"))
    assert found == TopicState(0, (await read(store, "news")).version, False)
    assert found.version > 0


async def test_each_change_comes_from_the_version_of_the_one_before(store: Store) -> None:
    first = await state(store, Subscribe("news", "bob"))
    second = await state(store, Subscribe("news", "alice"))
    third = await state(store, Unsubscribe("news", "bob"))
    assert (second.old_version, third.old_version) == (first.version, second.version)
    assert first.version < second.version < third.version == (await read(store, "news")).version


async def test_a_topic_that_was_never_used_is_settled_at_version_0(store: Store) -> None:
    assert await state(store, Unsubscribe("news", "bob")) == TopicState(0, 0, True)


async def test_a_change_leaves_its_topic_unsettled(store: Store) -> None:
    await settle(store, "news")
    assert not (await state(store, Subscribe("news", "bob"))).is_settled


async def test_a_wish_that_is_fulfilled_changes_nothing_of_a_settled_topic(store: Store) -> None:
    await subscribe(store, "news", "bob")
    version = await settle(store, "news")
    for change in (Subscribe("news", "bob"), Subscribe("news", "bob", 1000), Unsubscribe("news", "alice")):
        assert await state(store, change) == TopicState(version, version, True)


async def test_a_change_that_is_found_already_made_but_not_settled_says_so(store: Store) -> None:
    version = (await subscribe(store, "news", "bob")).version
    for change in (Subscribe("news", "bob"), Subscribe("news", "bob", 1000), Unsubscribe("news", "alice")):
        assert await state(store, change) == TopicState(version, version, False)


async def test_several_topics_are_told_each(store: Store) -> None:
    await subscribe(store, "settled", "bob")
    settled = await settle(store, "settled")
    left = (await subscribe(store, "left", "bob")).version
    outcome = await store.apply(
        [Subscribe(topic, "bob") for topic in ("settled", "left", "new")] + [Unsubscribe("never", "bob")]
    )
    assert outcome.topics == {
        "settled": TopicState(settled, settled, True),
        "left": TopicState(left, left, False),
        "new": TopicState(0, (await read(store, "new")).version, False),
        "never": TopicState(0, 0, True),
    }


async def test_several_changes_of_one_topic_are_told_as_one(store: Store) -> None:
    before = (await subscribe(store, "news", "bob")).version
    changes = [
        Subscribe("news", "bob"),
        Subscribe("news", "al"),
        Unsubscribe("news", "bob"),
        Unsubscribe("news", "bob"),
    ]
    outcome = await store.apply(changes)
    assert outcome.topics == {"news": TopicState(before, (await read(store, "news")).version, False)}
    assert outcome.topics["news"].version > before


async def test_changes_that_take_each_other_back_are_changes(store: Store) -> None:
    await subscribe(store, "news", "bob")
    before = await settle(store, "news")
    outcome = await store.apply([Subscribe("news", "al"), Unsubscribe("news", "al")])
    assert outcome.topics == {"news": TopicState(before, (await read(store, "news")).version, False)}
    assert outcome.topics["news"].version >= before + 2


async def test_a_refusal_leaves_its_topic_as_it_was(store: Store) -> None:
    await subscribe(store, "a_b", "c")
    await subscribe(store, "a", "x")
    left = (await read(store, "a")).version
    assert await state(store, Subscribe("a", "b_c")) == TopicState(left, left, False)
    await settle(store, "a")
    assert await state(store, Subscribe("a", "b_c")) == TopicState(left, left, True)


async def test_a_refusal_does_not_make_a_topic(store: Store) -> None:
    await subscribe(store, "a_b", "c")
    outcome = await store.apply([Subscribe("a", "b_c")])
    assert outcome.results == [Collision("a_b")]
    assert outcome.topics == {"a": TopicState(0, 0, True)}


async def test_a_refusal_beside_a_change_of_the_same_topic_hides_nothing(store: Store) -> None:
    await subscribe(store, "a_b", "c")
    for others in (["x"], ["y", "z"]):
        before = (await read(store, "a")).version
        wishes = [Subscribe("a", name) for name in others]
        outcome = await store.apply([wishes[0], Subscribe("a", "b_c"), *wishes[1:]])
        assert outcome.results[1] == Collision("a_b")
        assert outcome.topics == {"a": TopicState(before, (await read(store, "a")).version, False)}


async def test_what_ended_by_itself_before_a_change_is_not_taken_for_a_part_of_it(store: Store) -> None:
    """The list of the version before the end has one more than the change can tell of."""
    begun = await subscribe(store, "news", "bob", 0.05)

    async def has_room() -> bool:  # asks nothing of "news", so that the end may be found by the change
        return not await members(store, "egg timer")

    await subscribe(store, "egg timer", "sand", 0.05)
    await wait_until(has_room)
    found = await state(store, Subscribe("news", "alice"))
    assert found.old_version == UNKNOWN_VERSION or begun.version < found.old_version < found.version
    assert found == TopicState(found.old_version, (await read(store, "news")).version, False)


async def test_a_store_that_has_lost_nothing_says_so(store: Store) -> None:
    for _ in range(3):
        assert (await store.apply([Subscribe("news", "bob")])).held_s == 0
        assert (await store.apply([Unsubscribe("news", "bob")])).held_s == 0


async def test_concurrent_changes_of_a_topic_follow_on_each_other(open_handle: OpenHandle) -> None:
    """Whoever has the list of one version and is told of all changes has the list of the last."""
    handles = [await open_handle() for _ in range(4)]
    batches: list[list[Change]] = [
        [Subscribe("news", f"client-{n}"), Subscribe("news", "all"), Unsubscribe("news", f"client-{n - 1}")]
        for n in range(24)
    ]
    outcomes = await asyncio.gather(*(handles[n % 4].apply(batch) for n, batch in enumerate(batches)))
    told = {
        outcome.topics["news"].old_version: (batch, outcome.topics["news"].version)
        for batch, outcome in zip(batches, outcomes, strict=True)
        if any(isinstance(result, Applied) and result.changed for result in outcome.results)
    }
    final = await read(handles[0], "news")
    known: set[str] = set()
    version = 0
    while version != final.version:
        batch, version = told.pop(version)
        make(known, batch)
    assert sorted(known) == await members(handles[0], "news")
    assert told == {}


def make(known: set[str], batch: Sequence[Change]) -> None:
    for change in batch:
        if isinstance(change, Subscribe):
            known.add(change.client_id)
        else:
            known.discard(change.client_id)
