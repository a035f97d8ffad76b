"""The Redis store with answers that a real server gives only in unlucky moments."""

from collections.abc import Awaitable, Callable
from typing import Any, cast

import pytest

from gearhorn.store.base import Applied, Collision, Subscribe, Subscription, TopicList, Unsubscribe
from gearhorn.store.redis import RedisStore
from gearhorn.store.redis_link import RedisLink

NOW = (1000, 0)
NOTHING_DUE: list[bytes] = []


class Answers:
    """Takes the place of a RedisLink and gives these answers, one after the other."""

    def __init__(self, *answers: Any, was_repeated: bool = False) -> None:
        self.answers = list(answers)
        self.was_repeated = was_repeated

    async def ask(self, question: Callable[[Any], Awaitable[Any]]) -> tuple[Any, bool]:
        return self.answers.pop(0), self.was_repeated


def store_of(answers: Answers) -> RedisStore:
    return RedisStore(cast(RedisLink, answers), "gearhorn")


async def test_a_list_that_changed_while_it_was_read_is_read_again() -> None:
    answers = Answers(
        [NOW, NOTHING_DUE, [b"5", b"7"], [b"old"], [b"other"], [b"6", b"7"]],
        [NOW, NOTHING_DUE, [b"6"], [b"new"], [b"6"]],
    )
    assert await store_of(answers).read(["news", "weather"]) == [TopicList(6, [b"new"]), TopicList(7, [b"other"])]


async def test_a_list_is_read_again_after_what_is_past_its_ttl_was_ended() -> None:
    answers = Answers(
        [NOW, [b"news_bob", b"999.5"], [b"5"], [b"bob"], [b"5"]],
        0,  # there is more to end
        1,
        [NOW, [b"news_alice", b"1000.5"], [b"6"], [b"alice"], [b"6"]],
    )
    assert await store_of(answers).read(["news"]) == [TopicList(6, [b"alice"])]
    assert answers.answers == []


async def test_ends_that_belong_to_another_list_are_asked_again() -> None:
    answers = Answers(
        [NOW, NOTHING_DUE, [b"5"], [b"bob"], [b"5"]],
        [NOW, NOTHING_DUE, None, b"6"],
        [NOW, NOTHING_DUE, [b"6"], [b"alice"], [b"6"]],
        [NOW, NOTHING_DUE, 1060.0, b"6"],
    )
    assert await store_of(answers).subscriptions("news") == [Subscription("alice", 60.0)]


async def test_changes_wait_until_all_that_is_past_its_ttl_was_ended() -> None:
    answers = Answers([], [], [7])
    assert await store_of(answers).apply([Subscribe("news", "bob")]) == [Applied(7, True)]
    assert answers.answers == []


CHANGES = [Subscribe("news", "bob"), Subscribe("a", "b_c"), Unsubscribe("news", "al"), Unsubscribe("unused", "al")]


@pytest.mark.parametrize("was_repeated", [False, True])
async def test_a_change_that_was_asked_for_twice_may_have_been_made_by_the_first(was_repeated: bool) -> None:
    answers = Answers([7, b"a_b", -7, 0], was_repeated=was_repeated)
    expected = [Applied(7, True), Collision("a_b"), Applied(7, was_repeated), Applied(0, False)]
    assert await store_of(answers).apply(CHANGES) == expected
