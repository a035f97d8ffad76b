"""What becomes of a copy in a handler's hands. The job is a stand-in that notes how it ended."""

import asyncio
import contextvars
import functools
import threading
from collections.abc import AsyncIterator
from typing import Any

import pytest

from gearhorn.client.copies import Copy, HandlerOutcome, Receiving
from gearhorn.errors import GearhornError
from gearhorn.wire.worker_events import Assigned

QUEUE = b"news_bob"


class NotedJob:
    """Like net's Job. `ended` is done when it has ended, with how."""

    def __init__(self, payload: bytes = b"hello", unique: bytes = b"") -> None:
        self.assigned = Assigned(b"H:1", QUEUE, unique, payload)
        self.is_held = True
        self.ended: asyncio.Future[tuple[str, bytes]] = asyncio.get_running_loop().create_future()

    def complete(self, data: bytes = b"") -> None:
        self.ended.set_result(("complete", data))

    def refuse(self, text: bytes) -> None:
        self.ended.set_result(("refuse", text))


@pytest.fixture
async def receiving() -> AsyncIterator[Receiving]:
    receiving = Receiving(concurrency=2)
    yield receiving
    await receiving.close()


async def outcome(receiving: Receiving, handler: Any, job: NotedJob | None = None) -> tuple[str, bytes]:
    job = job or NotedJob()
    receiving.set_handler(QUEUE, "news", handler)
    receiving.take(job)  # type: ignore[arg-type]
    return await job.ended


async def shout(copy: Copy) -> bytes:
    return copy.payload.upper()


class Shouter:
    async def __call__(self, copy: Copy) -> bytes:
        return copy.payload.upper()


@pytest.mark.parametrize(
    "handler",
    [
        shout,
        lambda copy: copy.payload.upper(),
        lambda copy: shout(copy),
        functools.partial(shout),
        Shouter(),
        lambda copy: copy.payload.decode().upper(),
        lambda copy: bytearray(copy.payload.upper()),
    ],
    ids=["coroutine", "function", "returns-coroutine", "partial", "object", "text", "bytearray"],
)
async def test_what_a_handler_returns_is_the_answer(receiving: Receiving, handler: Any) -> None:
    assert await outcome(receiving, handler) == ("complete", b"HELLO")


async def test_a_handler_that_returns_nothing_answers_with_nothing(receiving: Receiving) -> None:
    assert await outcome(receiving, lambda copy: None) == ("complete", b"")


async def test_a_handler_sees_the_topic_and_the_payload_as_it_was_sent(receiving: Receiving) -> None:
    seen = []
    await outcome(receiving, seen.append, NotedJob(b"\0\xff", b"key"))
    assert seen == [Copy("news", b"\0\xff", "key")]


async def fail(copy: Copy) -> HandlerOutcome:
    raise ValueError("no space left")


def fail_plainly(copy: Copy) -> HandlerOutcome:
    raise ValueError("no space left")


@pytest.mark.parametrize("handler", [fail, fail_plainly])
async def test_what_a_handler_raises_is_the_exception_and_is_logged(
    receiving: Receiving, handler: Any, caplog: pytest.LogCaptureFixture
) -> None:
    assert await outcome(receiving, handler) == ("refuse", b"no space left")
    assert "Traceback" in caplog.text
    assert "'news'" in caplog.text


async def test_an_error_of_our_own_kind_is_logged_in_one_line(
    receiving: Receiving, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(copy: Copy) -> None:
        raise GearhornError("not today")

    assert await outcome(receiving, refuse) == ("refuse", b"not today")
    assert "not today" in caplog.text
    assert "Traceback" not in caplog.text


async def test_an_error_without_words_is_named(receiving: Receiving) -> None:
    def refuse(copy: Copy) -> None:
        raise NotImplementedError

    assert await outcome(receiving, refuse) == ("refuse", b"NotImplementedError")


@pytest.mark.parametrize("answer", [7, {"a": 1}, ["x"], object()])
async def test_an_answer_of_another_kind_is_an_error(receiving: Receiving, answer: object) -> None:
    kind, text = await outcome(receiving, lambda copy: answer)
    assert kind == "refuse"
    assert b"a handler returns bytes, text or None" in text


async def test_a_plain_function_holds_up_nobody(receiving: Receiving) -> None:
    here, go = threading.Event(), threading.Event()
    slow = NotedJob()
    receiving.set_handler(QUEUE, "news", lambda copy: here.set() or (go.wait(60) and None))
    receiving.take(slow)  # type: ignore[arg-type]
    await asyncio.to_thread(here.wait, 60)
    assert await outcome(receiving, shout) == ("complete", b"HELLO")
    assert not slow.ended.done()
    go.set()
    assert await slow.ended == ("complete", b"")


async def test_a_plain_function_runs_in_the_context_of_its_copy(receiving: Receiving) -> None:
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="unset")
    variable.set("seen")
    assert await outcome(receiving, lambda copy: variable.get()) == ("complete", b"seen")


class Crowd:
    """A handler that notes how many run at a time, and lets nobody go before `most` have come or it is told to."""

    def __init__(self) -> None:
        self.running_count = 0
        self.most_count = 0
        self.go = asyncio.Event()

    async def __call__(self, copy: Copy) -> None:
        self.running_count += 1
        self.most_count = max(self.most_count, self.running_count)
        await self.go.wait()
        self.running_count -= 1


async def test_no_more_handlers_run_than_allowed(receiving: Receiving) -> None:
    crowd = Crowd()
    jobs = [NotedJob() for _ in range(6)]
    receiving.set_handler(QUEUE, "news", crowd)
    for job in jobs:
        receiving.take(job)  # type: ignore[arg-type]
    for _ in range(20):
        await asyncio.sleep(0)
    assert crowd.running_count == 2
    crowd.go.set()
    await asyncio.gather(*(job.ended for job in jobs))
    assert crowd.most_count == 2


async def test_a_copy_that_went_back_while_it_waited_is_left_to_whoever_gets_it_next(receiving: Receiving) -> None:
    seen: list[Copy] = []
    job = NotedJob()
    job.is_held = False
    receiving.set_handler(QUEUE, "news", seen.append)
    receiving.take(job)  # type: ignore[arg-type]
    await receiving.wait_until_idle(QUEUE)
    assert seen == []
    assert not job.ended.done()


async def test_a_queue_is_idle_when_its_last_copy_is_through(receiving: Receiving) -> None:
    crowd, job = Crowd(), NotedJob()
    receiving.set_handler(QUEUE, "news", crowd)
    receiving.take(job)  # type: ignore[arg-type]
    idle = asyncio.create_task(receiving.wait_until_idle(QUEUE))
    await asyncio.wait_for(receiving.wait_until_idle(b"other_bob"), 60)
    for _ in range(20):
        await asyncio.sleep(0)
    assert not idle.done()
    crowd.go.set()
    await idle
    assert job.ended.done()


async def test_what_is_cut_short_stays_unanswered(receiving: Receiving) -> None:
    crowd, job = Crowd(), NotedJob()
    receiving.set_handler(QUEUE, "news", crowd)
    receiving.take(job)  # type: ignore[arg-type]
    await asyncio.sleep(0)
    await receiving.close()
    assert not job.ended.done()
