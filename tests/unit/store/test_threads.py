import asyncio
import gc
import threading

import pytest

from gearhorn.errors import StoreUnavailable
from gearhorn.store.threads import BlockingCalls

LONG_S = 60.0


def nothing() -> None:
    pass


async def test_a_call_is_made_in_another_thread_and_its_result_or_error_comes_back() -> None:
    calls = BlockingCalls("a store", 1, LONG_S)
    calls.start()
    assert await calls.run(threading.current_thread) is not threading.current_thread()
    with pytest.raises(ZeroDivisionError):
        await calls.run(lambda: 1 // 0)
    await calls.close(nothing)


async def test_a_call_past_its_limit_is_unavailable_and_the_next_one_is_made_when_it_has_ended() -> None:
    calls, gate = BlockingCalls("a store", 1, 0.05), threading.Event()
    calls.start()
    with pytest.raises(StoreUnavailable, match=r"a store did not answer within 0\.05 s"):
        await calls.run(gate.wait)
    gate.set()
    assert await calls.run(lambda: "answer") == "answer"
    await calls.close(nothing)


async def test_without_a_start_and_after_the_end_every_call_is_unavailable() -> None:
    calls = BlockingCalls("a store", 1, LONG_S)
    for _ in range(2):
        with pytest.raises(StoreUnavailable, match="a store is not open"):
            await calls.run(nothing)
        calls.start()
        calls.start()
        await calls.run(nothing)
        await calls.close(nothing)
        await calls.close(nothing)


async def test_the_last_call_is_made_when_those_under_way_have_ended() -> None:
    calls, gate, order = BlockingCalls("a store", 3, LONG_S), threading.Event(), []

    def work() -> None:
        gate.wait()
        order.append("work")

    calls.start()
    working = [asyncio.create_task(calls.run(work)) for _ in range(2)]
    await asyncio.sleep(0)
    closing = asyncio.create_task(calls.close(lambda: order.append("last")))
    await asyncio.sleep(0)
    gate.set()
    await closing
    assert order == ["work", "work", "last"]
    await asyncio.gather(*working)


async def test_a_call_that_has_not_begun_at_the_end_is_unavailable() -> None:
    calls, gate, made = BlockingCalls("a store", 1, LONG_S), threading.Event(), []
    calls.start()
    working = asyncio.create_task(calls.run(gate.wait))
    waiting = asyncio.create_task(calls.run(lambda: made.append("too late")))
    await asyncio.sleep(0)
    closing = asyncio.create_task(calls.close(nothing))
    await asyncio.sleep(0)
    gate.set()
    assert await working
    with pytest.raises(StoreUnavailable, match="a store was closed"):
        await waiting
    await closing
    assert made == []


async def test_a_call_that_is_cancelled_before_it_begins_is_never_made() -> None:
    calls, gate, made = BlockingCalls("a store", 1, LONG_S), threading.Event(), []
    calls.start()
    working = asyncio.create_task(calls.run(gate.wait))
    waiting = asyncio.create_task(calls.run(lambda: made.append("cancelled")))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])
    gate.set()
    await working
    await calls.close(nothing)
    assert waiting.cancelled()
    assert made == []


async def test_closing_does_not_wait_for_ever_for_a_call_that_hangs() -> None:
    calls, gate = BlockingCalls("a store", 1, 0.05), threading.Event()
    calls.start()
    with pytest.raises(StoreUnavailable):
        await calls.run(gate.wait)
    await calls.close(nothing)
    gate.set()


async def test_calls_that_fail_while_the_store_closes_are_not_complained_of() -> None:
    """asyncio complains of a future whose exception nobody has asked for, when it is thrown away."""
    complaints: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    await close_with_a_failing_call()
    gc.collect()
    assert complaints == []


async def close_with_a_failing_call() -> None:
    calls, gate = BlockingCalls("a store", 1, LONG_S), threading.Event()
    calls.start()

    def fail() -> None:
        gate.wait()
        raise StoreUnavailable("away")

    working = asyncio.create_task(calls.run(fail))
    await asyncio.sleep(0)
    closing = asyncio.create_task(calls.close(nothing))
    await asyncio.sleep(0)
    gate.set()
    await closing
    with pytest.raises(StoreUnavailable, match="away"):
        await working
