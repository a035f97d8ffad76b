"""The Redis store with answers that a real server gives only in unlucky moments."""

from collections.abc import Awaitable, Callable
from typing import Any, cast

import msgspec
import pytest

from gearhorn.store.base import (
    UNKNOWN_VERSION,
    Applied,
    Collision,
    Outcome,
    Subscribe,
    Subscription,
    TopicList,
    TopicState,
    Unsubscribe,
)
from gearhorn.store.leases import Lease, LeaseKey
from gearhorn.store.redis import RedisStore
from gearhorn.store.redis_link import RedisLink

NOW = (1000, 0)
NOW_US = 1_000_000_000
NOTHING_DUE: list[bytes] = []


class Answers:
    """Takes the place of a RedisLink and gives these answers, one after the other."""

    name = "Redis"
    timeout_s = 5.0

    def __init__(self, *answers: Any, was_repeated: bool = False) -> None:
        self.answers = list(answers)
        self.was_repeated = was_repeated

    async def ask(self, question: Callable[[Any], Awaitable[Any]]) -> tuple[Any, bool]:
        return self.answers.pop(0), self.was_repeated


def store_of(answers: Answers) -> RedisStore:
    return RedisStore(cast(RedisLink, answers), "gearhorn")


def script(result: object, *, is_checked: bool = True) -> bytes:
    """What a script answers."""
    return msgspec.msgpack.encode((result, "1000.000000", is_checked, NOW_US))


NOT_SWEPT = script((False, [], [], [], [], [], 0))


def applied(*results: int | str, old: list[int], new: list[int], settled: list[bool], **others: Any) -> bytes:
    return script((True, results, old, new, settled, others.get("leases", []), others.get("held_us", 0)))


async def test_a_list_that_changed_while_it_was_read_is_read_again() -> None:
    answers = Answers(
        [1, 1],  # how long the lists are
        [NOW, NOTHING_DUE, [b"5", b"7"], [b"old"], [b"other"], [b"6", b"7"]],
        [1],
        [NOW, NOTHING_DUE, [b"6"], [b"new"], [b"6"]],
    )
    assert await store_of(answers).read(["news", "weather"]) == [TopicList(6, [b"new"]), TopicList(7, [b"other"])]


async def test_a_list_is_read_again_after_what_is_past_its_ttl_was_ended() -> None:
    answers = Answers(
        [1],
        [NOW, [b"news_bob", b"999.5"], [b"5"], [b"bob"], [b"5"]],
        script(False),  # there is more to end
        script(True),
        [NOW, [b"news_alice", b"1000.5"], [b"6"], [b"alice"], [b"6"]],
    )
    assert await store_of(answers).read(["news"]) == [TopicList(6, [b"alice"])]
    assert answers.answers == []


async def test_ends_that_belong_to_another_list_are_asked_again() -> None:
    answers = Answers(
        [1],
        [NOW, NOTHING_DUE, [b"5"], [b"bob"], [b"5"]],
        [NOW, NOTHING_DUE, None, b"6"],
        [1],
        [NOW, NOTHING_DUE, [b"6"], [b"alice"], [b"6"]],
        [NOW, NOTHING_DUE, 1060.0, b"6"],
    )
    assert await store_of(answers).subscriptions("news") == [Subscription("alice", 60.0)]


async def test_changes_wait_until_all_that_is_past_its_ttl_was_ended() -> None:
    answers = Answers(NOT_SWEPT, NOT_SWEPT, applied(7, old=[6], new=[7], settled=[False]))
    outcome = await store_of(answers).apply([Subscribe("news", "bob")])
    assert outcome == Outcome([Applied(7, True)], {"news": TopicState(6, 7, False)}, [])
    assert answers.answers == []


CHANGES = [
    Subscribe("news", "bob"),
    Subscribe("a", "b_c"),
    Unsubscribe("news", "al"),
    Unsubscribe("unused", "al"),
]


@pytest.mark.parametrize("was_repeated", [False, True])
async def test_a_change_that_was_asked_for_twice_may_have_been_made_by_the_first(was_repeated: bool) -> None:
    answer = applied(7, "a_b", -7, 0, old=[6, 5, 0], new=[7, 5, 0], settled=[False, True, True])
    outcome = await store_of(Answers(answer, was_repeated=was_repeated)).apply(CHANGES)
    assert outcome.results == [Applied(7, True), Collision("a_b"), Applied(7, was_repeated), Applied(0, False)]


@pytest.mark.parametrize("was_repeated", [False, True])
async def test_what_a_second_call_found_is_not_what_the_first_began_with(was_repeated: bool) -> None:
    answer = applied(7, "a_b", -7, 0, old=[6, 5, 0], new=[7, 5, 0], settled=[False, True, True])
    outcome = await store_of(Answers(answer, was_repeated=was_repeated)).apply(CHANGES)
    old = {"news": 6, "a": 5, "unused": 0}
    assert outcome.topics == {
        topic: TopicState(UNKNOWN_VERSION if was_repeated else old[topic], version, is_settled and not was_repeated)
        for topic, version, is_settled in (("news", 7, False), ("a", 5, True), ("unused", 0, True))
    }


async def test_the_leases_and_the_hold_of_several_calls_are_those_of_the_last() -> None:
    changes = [Subscribe("news" if number else "other", f"client-{number}") for number in range(501)]
    first = applied(*range(-500, 0), old=[3, 5], new=[4, 6], settled=[False, False], leases=[("a", "1", 10, False, "")])
    lease = ("b", "2", 2_500_000, True, "{}")
    second = applied(-7, old=[6], new=[7], settled=[False], leases=[lease], held_us=1_500_000)
    outcome = await store_of(Answers(first, second)).apply(changes)
    assert len(outcome.results) == 501
    assert outcome.topics == {"other": TopicState(3, 4, False), "news": TopicState(5, 7, False)}
    assert outcome.leases == [Lease(LeaseKey("b", "2"), 2.5, True, "{}")]
    assert outcome.held_s == 1.5


async def test_a_topic_that_another_changed_between_two_calls_comes_from_nowhere() -> None:
    changes = [Subscribe("news", f"client-{number}") for number in range(501)]
    first = applied(*range(-500, 0), old=[5], new=[6], settled=[False])
    second = applied(-8, old=[7], new=[8], settled=[False])
    outcome = await store_of(Answers(first, second)).apply(changes)
    assert outcome.topics == {"news": TopicState(UNKNOWN_VERSION, 8, False)}


async def test_a_server_that_may_not_be_asked_who_it_is_is_complained_of_once(caplog: pytest.LogCaptureFixture) -> None:
    store = store_of(Answers(*[script([], is_checked=False)] * 3))
    for number in range(3):
        assert await store.take_lease(LeaseKey("a", str(number)), 10, "{}") is None
    assert [record.getMessage().partition(":")[0] for record in caplog.records] == [
        "Redis does not let its user ask INFO"
    ]
