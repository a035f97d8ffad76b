"""When subscriptions are made again. Time is the event loop's; the test waits for what is to happen, not for a time."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable

import pytest

from gearhorn.client import renewals
from gearhorn.client.renewals import Renewals
from gearhorn.errors import BadRequest, Unavailable

SHORT_TTL_S = 0.02
LONG_TTL_S = 7200.0

Asked = list[tuple[str, float]]


class Service:
    """Notes what it is asked, and raises the errors of `answers`, one by one, before it begins to agree."""

    def __init__(self) -> None:
        self.asked: Asked = []
        self.answers: list[Exception] = []
        self._news = asyncio.Event()

    async def subscribe(self, topic: str, ttl_s: float) -> None:
        self.asked.append((topic, ttl_s))
        self._news.set()
        if self.answers:
            raise self.answers.pop(0)

    async def wait_for(self, true: Callable[[Asked], bool]) -> None:
        while not true(self.asked):
            self._news.clear()
            await self._news.wait()


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
async def kept(service: Service, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Renewals]:
    monkeypatch.setattr(renewals, "FIRST_RETRY_S", 0.01)
    kept = Renewals(service.subscribe)
    task = asyncio.create_task(kept.run())
    yield kept
    assert not task.done()
    task.cancel()
    await asyncio.wait([task])


async def test_a_subscription_with_a_ttl_is_made_again_and_again(kept: Renewals, service: Service) -> None:
    kept.add("news", SHORT_TTL_S)
    await service.wait_for(lambda asked: len(asked) == 3)
    assert set(service.asked) == {("news", SHORT_TTL_S)}


async def test_a_subscription_with_a_ttl_is_due_before_it_ends(kept: Renewals) -> None:
    kept.add("news", LONG_TTL_S)
    due_s = kept._subscriptions["news"].due_s - asyncio.get_running_loop().time()
    assert LONG_TTL_S / 4 < due_s < LONG_TTL_S * 3 / 4


async def test_others_are_made_again_only_after_a_loss(kept: Renewals, service: Service) -> None:
    kept.add("lasting", 0)
    kept.add("long", LONG_TTL_S)
    kept.add("short", SHORT_TTL_S)
    await service.wait_for(lambda asked: len(asked) == 2)
    assert {topic for topic, _ in service.asked} == {"short"}
    kept.make_all_due()
    await service.wait_for(lambda asked: {("lasting", 0), ("long", LONG_TTL_S)} <= set(asked))


async def test_an_ended_subscription_is_not_made_again(kept: Renewals, service: Service) -> None:
    kept.add("ended", 0)
    kept.add("other", 0)
    kept.remove("ended")
    kept.make_all_due()
    await service.wait_for(lambda asked: len(asked) == 1)
    assert service.asked == [("other", 0)]
    assert kept.topics == ["other"]


async def test_to_end_what_never_began_is_no_error(kept: Renewals) -> None:
    kept.remove("nothing")
    assert kept.topics == []


async def test_trouble_is_said_once_and_tried_on(
    kept: Renewals, service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    service.answers = [Unavailable("the store is away"), Unavailable("still away"), Unavailable("and still")]
    kept.add("news", 0)
    kept.make_all_due()
    await service.wait_for(lambda asked: len(asked) == 4)
    warnings = [record.message for record in caplog.records if record.levelno == logging.WARNING]
    assert warnings == ["the subscription to topic 'news' could not be made again: the store is away; trying on"]


async def test_a_refused_subscription_does_not_hold_up_the_others(
    kept: Renewals, service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    service.answers = [BadRequest("client_id", "is another's now")]
    kept.add("refused", 0)
    kept.add("fine", 0)
    kept.make_all_due()
    await service.wait_for(lambda asked: len(asked) == 2)
    assert service.asked == [("refused", 0), ("fine", 0)]
    assert "client_id: is another's now" in caplog.text
