"""The clock that other tests go by."""

import asyncio

import pytest

from tests.unit.virtual_time import TICK_S, in_virtual_time, now_s


@in_virtual_time
async def test_an_hour_passes_at_once_and_shorter_sleeps_end_before_longer_ones() -> None:
    ended: list[tuple[int, float]] = []

    async def sleep(delay_s: int) -> None:
        began_s = now_s()
        await asyncio.sleep(delay_s)
        ended.append((delay_s, now_s() - began_s))

    await asyncio.gather(sleep(3600), sleep(1), sleep(60))
    assert ended == [(delay_s, pytest.approx(delay_s, abs=10 * TICK_S)) for delay_s in (1, 60, 3600)]


def test_who_waits_for_what_nobody_does_is_told() -> None:
    @in_virtual_time
    async def hang() -> None:
        await asyncio.Event().wait()

    with pytest.raises(AssertionError, match="nobody is there to wake them"):
        hang()


def test_an_error_that_reached_nobody_fails_the_test() -> None:
    @in_virtual_time
    async def drop_an_error() -> None:
        async def fail() -> None:
            raise LookupError

        task = asyncio.create_task(fail())
        await asyncio.sleep(1)
        del task

    with pytest.raises(AssertionError, match="never retrieved"):
        drop_an_error()
