"""A store that is away is waited for, for as long as a job can wait, and is not asked more often than it helps."""

import logging
from itertools import pairwise

import pytest

from gearhorn.errors import Misconfigured, ServerUnavailable, StoreUnavailable
from gearhorn.patience import Patience, PatienceSettings
from tests.unit.virtual_time import TICK_S, in_virtual_time, now_s

SETTINGS = PatienceSettings(retry_timeout_s=30.0, first_retry_s=0.1, most_retry_s=2.0)
FOR_EVER = 10_000


class Store:
    """Is away for some calls."""

    def __init__(self, failures: int, error: Exception | None = None) -> None:
        self.failures = failures
        self.error = error or StoreUnavailable("gone fishing")
        self.calls_s: list[float] = []

    async def call(self) -> str:
        self.calls_s.append(now_s())
        if len(self.calls_s) <= self.failures:
            raise self.error
        return "answer"

    @property
    def gaps_s(self) -> list[float]:
        return [later - earlier for earlier, later in pairwise(self.calls_s)]


@in_virtual_time
async def test_an_answer_is_returned_at_once() -> None:
    store = Store(0)
    assert await Patience(SETTINGS).ask(store.call) == "answer"
    assert len(store.calls_s) == 1


@in_virtual_time
async def test_a_store_that_is_away_is_asked_again_later_and_later() -> None:
    store = Store(12)
    assert await Patience(SETTINGS).ask(store.call) == "answer"
    for count, gap_s in enumerate(store.gaps_s):
        most_s = min(0.1 * 2**count, 2.0)
        assert most_s / 2 <= gap_s <= most_s + TICK_S * 2


@in_virtual_time
async def test_patience_ends_in_time_and_with_the_last_error() -> None:
    store, began_s = Store(FOR_EVER), now_s()
    with pytest.raises(StoreUnavailable, match="gone fishing"):
        await Patience(SETTINGS).ask(store.call)
    assert 30 - 2 <= now_s() - began_s <= 30


@in_virtual_time
async def test_each_question_has_its_own_patience() -> None:
    store, patience = Store(FOR_EVER), Patience(SETTINGS)
    for _ in range(2):
        began_s = now_s()
        with pytest.raises(StoreUnavailable):
            await patience.ask(store.call)
        assert now_s() - began_s >= 30 - 2


@pytest.mark.parametrize("error", [Misconfigured("wrong password"), ServerUnavailable("no store"), LookupError()])
@in_virtual_time
async def test_what_waiting_does_not_mend_is_raised_at_once(error: Exception) -> None:
    for ask in (Patience(SETTINGS).ask, Patience(SETTINGS).ask_for_ever):
        store = Store(FOR_EVER, error)
        with pytest.raises(type(error)):
            await ask(store.call)
        assert len(store.calls_s) == 1


@in_virtual_time
async def test_some_questions_are_asked_for_ever_and_not_all_the_time() -> None:
    store, began_s = Store(1000), now_s()
    assert await Patience(SETTINGS).ask_for_ever(store.call) == "answer"
    assert now_s() - began_s > 600
    assert max(store.gaps_s) <= 2 + TICK_S * 2


@in_virtual_time
async def test_who_asks_for_ever_pauses_also_where_nobody_waits() -> None:
    store = Store(10)
    await Patience(PatienceSettings(0.0, 0.1, 2.0)).ask_for_ever(store.call)
    assert min(store.gaps_s) >= 2


@in_virtual_time
async def test_trouble_and_its_end_are_said_once_for_everybody(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    patience = Patience(SETTINGS)
    await patience.ask(Store(0).call)
    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            await patience.ask(Store(FOR_EVER).call)
    await patience.ask(Store(3).call)
    await patience.ask(Store(0).call)
    await patience.ask(Store(1, StoreUnavailable("away again")).call)
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("WARNING", "the store is away: gone fishing; jobs wait for it"),
        ("INFO", "the store is back"),
        ("WARNING", "the store is away: away again; jobs wait for it"),
        ("INFO", "the store is back"),
    ]
