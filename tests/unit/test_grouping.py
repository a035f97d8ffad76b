"""Requests that arrive together share a call, and every one of them hears what became of it."""

import asyncio
from collections.abc import Sequence

import pytest

from gearhorn.grouping import Grouper


class Calls:
    """A call that waits until it is let go, and then answers n with -n."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.begun = asyncio.Event()
        self.may_end = asyncio.Semaphore(0)
        self.error: BaseException | None = None
        self.extra_answers = 0
        self.was_cancelled = False

    async def __call__(self, requests: Sequence[int]) -> list[int]:
        self.groups.append(list(requests))
        self.begun.set()
        try:
            await self.may_end.acquire()
        except asyncio.CancelledError:
            self.was_cancelled = True
            raise
        if self.error is not None:
            raise self.error
        answers = [-request for request in requests]
        return answers[: len(answers) + self.extra_answers] + [0] * self.extra_answers

    async def wait_for_next(self) -> None:
        await self.begun.wait()
        self.begun.clear()


@pytest.fixture
async def calls() -> Calls:
    return Calls()


@pytest.fixture
async def grouper(calls: Calls) -> Grouper[int, int]:
    return Grouper(calls, limit=3)


def ask(grouper: Grouper[int, int], *requests: int) -> list[asyncio.Task[int]]:
    return [asyncio.create_task(grouper.ask(request)) for request in requests]


async def outcomes(tasks: list[asyncio.Task[int]]) -> list[int | BaseException]:
    return await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_lone_request_is_called_at_once(grouper: Grouper[int, int], calls: Calls) -> None:
    calls.may_end.release()
    assert await grouper.ask(7) == -7
    assert calls.groups == [[7]]


async def test_requests_of_one_moment_share_a_call(grouper: Grouper[int, int], calls: Calls) -> None:
    asked = ask(grouper, 1, 2, 3)
    calls.may_end.release()
    assert await outcomes(asked) == [-1, -2, -3]
    assert calls.groups == [[1, 2, 3]]


async def test_a_call_has_no_more_requests_than_its_limit(grouper: Grouper[int, int], calls: Calls) -> None:
    asked = ask(grouper, *range(8))
    for _ in range(3):
        calls.may_end.release()
    assert await outcomes(asked) == [-request for request in range(8)]
    assert calls.groups == [[0, 1, 2], [3, 4, 5], [6, 7]]


async def test_what_is_asked_during_a_call_goes_with_the_next_one(grouper: Grouper[int, int], calls: Calls) -> None:
    """Or an answer would be older than its question."""
    first = ask(grouper, 1)
    await calls.wait_for_next()
    late = ask(grouper, 2, 3)
    await asyncio.sleep(0)
    calls.may_end.release()
    await calls.wait_for_next()
    assert await outcomes(first) == [-1]
    assert not any(task.done() for task in late)
    calls.may_end.release()
    assert await outcomes(late) == [-2, -3]
    assert calls.groups == [[1], [2, 3]]


async def test_calls_never_overlap(grouper: Grouper[int, int], calls: Calls) -> None:
    asked = ask(grouper, 1)
    await calls.wait_for_next()
    asked += ask(grouper, 2)
    for _ in range(10):
        await asyncio.sleep(0)
    assert calls.groups == [[1]]
    calls.may_end.release()
    calls.may_end.release()
    await outcomes(asked)


async def test_an_error_reaches_all_of_its_group_and_nobody_else(grouper: Grouper[int, int], calls: Calls) -> None:
    calls.error = LookupError("the store is away")
    asked = ask(grouper, 1, 2, 3)
    await calls.wait_for_next()
    later = ask(grouper, 4)
    calls.may_end.release()
    assert await outcomes(asked) == [calls.error] * 3
    calls.error = None
    calls.may_end.release()
    assert await outcomes(later) == [-4]


@pytest.mark.parametrize("extra_answers", [-1, 1])
async def test_a_wrong_number_of_answers_is_an_error_for_all(
    grouper: Grouper[int, int], calls: Calls, extra_answers: int
) -> None:
    calls.extra_answers = extra_answers
    asked = ask(grouper, 1, 2, 3)
    calls.may_end.release()
    assert [type(outcome) for outcome in await outcomes(asked)] == [ValueError] * 3
    calls.extra_answers = 0
    calls.may_end.release()
    assert await grouper.ask(4) == -4


async def test_one_who_goes_away_during_the_call_takes_nobody_along(grouper: Grouper[int, int], calls: Calls) -> None:
    asked = ask(grouper, 1, 2, 3)
    await calls.wait_for_next()
    asked[1].cancel()
    await asyncio.wait([asked[1]])
    calls.may_end.release()
    assert await outcomes([asked[0], asked[2]]) == [-1, -3]
    assert asked[1].cancelled()
    assert not calls.was_cancelled


async def test_one_who_goes_away_hears_no_error_either(grouper: Grouper[int, int], calls: Calls) -> None:
    calls.error = LookupError()
    asked = ask(grouper, 1, 2)
    await calls.wait_for_next()
    asked[0].cancel()
    await asyncio.wait([asked[0]])
    calls.may_end.release()
    assert await outcomes([asked[1]]) == [calls.error]


async def test_one_who_goes_away_before_the_call_takes_nobody_along(grouper: Grouper[int, int], calls: Calls) -> None:
    asked = ask(grouper, 1)
    await calls.wait_for_next()
    later = ask(grouper, 2, 3)
    await asyncio.sleep(0)
    later[0].cancel()
    calls.may_end.release()
    calls.may_end.release()
    assert await outcomes([*asked, later[1]]) == [-1, -3]


async def test_the_next_call_begins_after_all_went_away(grouper: Grouper[int, int], calls: Calls) -> None:
    (gone,) = ask(grouper, 1)
    await calls.wait_for_next()
    gone.cancel()
    calls.may_end.release()
    calls.may_end.release()
    assert await grouper.ask(2) == -2


async def test_closing_ends_the_call_and_the_waiting(grouper: Grouper[int, int], calls: Calls) -> None:
    called = ask(grouper, 1, 2)
    await calls.wait_for_next()
    waiting = ask(grouper, 3)
    await asyncio.sleep(0)
    await grouper.close()
    assert calls.was_cancelled
    await asyncio.wait([*called, *waiting])
    assert all(task.cancelled() for task in [*called, *waiting])
    assert calls.groups == [[1, 2]]


async def test_closing_before_the_call_began_ends_the_waiting_too(grouper: Grouper[int, int], calls: Calls) -> None:
    (asked,) = ask(grouper, 1)
    await asyncio.create_task(grouper.close())  # takes its turn right behind the question, before the call
    await asyncio.wait([asked])
    assert asked.cancelled()
    assert calls.groups == []


async def test_closing_twice_or_idle_does_nothing(grouper: Grouper[int, int], calls: Calls) -> None:
    await grouper.close()
    asked = ask(grouper, 1)
    await calls.wait_for_next()
    await grouper.close()
    await grouper.close()
    await asyncio.wait(asked)
    assert asked[0].cancelled()


async def test_a_call_that_is_cancelled_from_within_leaves_nobody_waiting(
    grouper: Grouper[int, int], calls: Calls
) -> None:
    calls.error = asyncio.CancelledError()
    asked = ask(grouper, 1)
    await calls.wait_for_next()
    asked += ask(grouper, 2)
    await asyncio.sleep(0)
    calls.may_end.release()
    await asyncio.wait(asked)
    assert all(task.cancelled() for task in asked)
    calls.error = None
    calls.may_end.release()
    assert await grouper.ask(3) == -3
