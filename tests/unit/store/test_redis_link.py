import asyncio
from typing import Any

import pytest
import redis.exceptions as theirs

from gearhorn.errors import Misconfigured, StoreUnavailable
from gearhorn.store.redis_link import RedisLink
from gearhorn.store.redis_urls import read_url


@pytest.fixture
def link() -> RedisLink:
    """Nobody is connected to: the questions of these tests do not use the client."""
    link = RedisLink(read_url("redis://127.0.0.1:1"), timeout_s=60)
    link.open()
    return link


class Question:
    """Ends as told, one after the other."""

    def __init__(self, *endings: Exception | str) -> None:
        self.endings = list(endings)

    async def __call__(self, client: Any) -> str:
        ending = self.endings.pop(0)
        if isinstance(ending, Exception):
            raise ending
        return ending


async def test_an_answer_at_once_was_asked_for_once(link: RedisLink) -> None:
    assert await link.ask(Question("answer")) == ("answer", False)


async def test_a_lost_connection_is_asked_again_over_another_and_said_to_be(link: RedisLink) -> None:
    assert await link.ask(Question(theirs.ConnectionError("lost"), "answer")) == ("answer", True)


async def test_a_connection_that_is_lost_twice_is_given_up(link: RedisLink) -> None:
    question = Question(theirs.ConnectionError("lost"), theirs.ConnectionError("lost again"), "too late")
    with pytest.raises(StoreUnavailable, match="lost again"):
        await link.ask(question)
    assert question.endings == ["too late"]


async def test_a_connection_that_uvloop_finds_closed_is_lost_like_any_other(link: RedisLink) -> None:
    closed = RuntimeError("unable to perform operation on <TCPTransport closed=True>; the handler is closed")
    assert await link.ask(Question(closed, "answer")) == ("answer", True)
    with pytest.raises(StoreUnavailable):
        await link.ask(Question(closed, closed))


async def test_a_bug_is_not_taken_for_a_lost_connection(link: RedisLink) -> None:
    with pytest.raises(RuntimeError, match="a bug"):
        await link.ask(Question(RuntimeError("a bug"), "too late"))


@pytest.mark.parametrize(
    ("ending", "expected"),
    [
        (theirs.AuthenticationError("no"), Misconfigured),
        (theirs.TimeoutError("too slow"), StoreUnavailable),
        (theirs.ReadOnlyError("a replica"), StoreUnavailable),
    ],
)
async def test_what_another_connection_does_not_mend_is_not_asked_again(
    link: RedisLink, ending: Exception, expected: type[Exception]
) -> None:
    question = Question(ending, "too late")
    with pytest.raises(expected):
        await link.ask(question)
    assert question.endings == ["too late"]


async def test_a_question_that_forgets_its_cancellation_is_cancelled_all_the_same(link: RedisLink) -> None:
    has_begun = asyncio.Event()

    async def forgetful(client: Any) -> str:
        has_begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return "answer"
        raise AssertionError

    call = asyncio.create_task(link.ask(forgetful))
    await has_begun.wait()
    call.cancel()
    await asyncio.wait([call])
    assert call.cancelled()


async def test_a_cancellation_from_before_the_question_is_not_its_own(link: RedisLink) -> None:
    async def ask_while_cleaning_up() -> tuple[str, bool]:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return await link.ask(Question("answer"))
        raise AssertionError

    call = asyncio.create_task(ask_while_cleaning_up())
    await asyncio.sleep(0)
    call.cancel()
    assert await call == ("answer", False)


async def test_more_questions_than_connections_wait_for_each_other(link: RedisLink) -> None:
    running = most = 0

    async def count(client: Any) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1

    await asyncio.gather(*(link.ask(count) for _ in range(100)))
    assert most == 16


async def test_who_hangs_is_unavailable_within_the_limit() -> None:
    link = RedisLink(read_url("redis://:secret@127.0.0.1:1"), timeout_s=0.01)
    link.open()

    async def hang(client: Any) -> None:
        await asyncio.Event().wait()

    with pytest.raises(StoreUnavailable, match=r"^Redis at 127\.0\.0\.1:1 did not answer within 0\.01 s$"):
        await link.ask(hang)


async def test_who_waits_for_a_connection_is_unavailable_within_the_limit_as_well() -> None:
    link, gate = RedisLink(read_url("redis://127.0.0.1:1"), timeout_s=0.05), asyncio.Event()
    link.open()

    async def keep_the_connection(client: Any) -> None:
        while not gate.is_set():
            try:
                await gate.wait()
            except asyncio.CancelledError:  # as a library that takes its time to hang up
                continue

    holding = [asyncio.create_task(link.ask(keep_the_connection)) for _ in range(16)]
    await asyncio.sleep(0)
    async with asyncio.timeout(20):
        with pytest.raises(StoreUnavailable, match="did not answer"):
            await link.ask(Question("answer"))
    gate.set()
    await asyncio.wait(holding)
