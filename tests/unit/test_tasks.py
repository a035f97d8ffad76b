"""Works that last as long as something else."""

import asyncio

import pytest

from gearhorn.errors import Misconfigured, StoreUnavailable
from gearhorn.tasks import running, wait_for_first


async def fail(error: Exception) -> None:
    raise error


async def run_in_a_group(error: Exception) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(fail(error))


async def test_an_error_of_the_body_is_raised_as_it_is() -> None:
    with pytest.raises(Misconfigured, match="as it is"):
        async with running([asyncio.sleep(3600)]):
            raise Misconfigured("as it is")


async def test_an_error_of_a_work_ends_the_body_and_is_raised_as_it_is() -> None:
    with pytest.raises(Misconfigured, match="as it is"):
        async with running([fail(Misconfigured("as it is")), asyncio.sleep(3600)]):
            await asyncio.sleep(3600)


async def test_an_error_in_groups_in_groups_is_raised_as_it_is() -> None:
    with pytest.raises(StoreUnavailable, match="as it is"):
        async with running([run_in_a_group(StoreUnavailable("as it is"))]):
            await asyncio.sleep(3600)


async def test_works_last_as_long_as_the_body() -> None:
    ended = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            ended.set()

    async with running([work()]):
        await asyncio.sleep(0)
        assert not ended.is_set()
    assert ended.is_set()


async def test_who_is_cancelled_is_cancelled_and_meets_no_group() -> None:
    async def run() -> None:
        async with running([asyncio.sleep(3600)]):
            await asyncio.sleep(3600)

    task = asyncio.create_task(run())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_the_first_of_several_ends_the_others() -> None:
    ended = asyncio.Event()

    async def last() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            ended.set()

    await wait_for_first([last(), asyncio.sleep(0)])
    assert ended.is_set()


async def test_an_error_of_the_first_is_raised() -> None:
    with pytest.raises(Misconfigured):
        await wait_for_first([asyncio.sleep(3600), fail(Misconfigured("first"))])
