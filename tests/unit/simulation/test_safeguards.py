"""The simulation finds what is wrong: without any one safeguard, some fanout goes by a list that it must not go by."""

from collections.abc import Iterable, Sequence

import pytest

from gearhorn.core.round import Round
from tests.unit.simulation import changes
from tests.unit.simulation.safeguards import (
    CLEARED_BY_MESSAGES,
    SAFEGUARDS,
    SAFEGUARDS_AGAINST_LOSS,
    SAFEGUARDS_OF_OUR_OWN,
    Replacement,
    Safeguard,
    news_of_what_is_new,
    wait_for_nobody,
    wait_no_longer,
)
from tests.unit.simulation.test_promise import SEED_COUNT
from tests.unit.simulation.weather import CALM, Weather
from tests.unit.simulation.world import run

# A store that loses data every few seconds, while messages about what was before come late, and twice.
LOSSES = Weather(brisk_s=0.02, doubled=1.0, queued_s=8.0, struck=0.05, faults=("loss",), fault_every_s=2.5)

LATE_MESSAGES = CALM._replace(queued_s=0.5)
LATE_ANSWERS = CALM._replace(late=0.3, late_s=1.0)
LOST_MESSAGES = CALM._replace(dropped=0.1)
PAUSES = CALM._replace(faults=("pause",))
CRASHES = CALM._replace(struck=0.2, blows=("crash",))

CONTROL_SEED_COUNT = 100


def breaks(seeds: Iterable[int], weather: Weather | None = None) -> bool:
    return any(run(seed, weather).breaches for seed in seeds)


@pytest.mark.parametrize("safeguard", SAFEGUARDS + SAFEGUARDS_OF_OUR_OWN, ids=lambda safeguard: safeguard.name)
def test_the_promise_is_broken_without(safeguard: Safeguard) -> None:
    with safeguard.switched_off():
        assert breaks(range(SEED_COUNT))


@pytest.mark.parametrize("safeguard", SAFEGUARDS_AGAINST_LOSS, ids=lambda safeguard: safeguard.name)
def test_the_promise_is_broken_by_a_store_that_loses_data_without(safeguard: Safeguard) -> None:
    with safeguard.switched_off():
        assert breaks(range(SEED_COUNT), LOSSES)


def test_the_promise_is_kept_by_a_store_that_loses_data() -> None:
    assert not breaks(range(CONTROL_SEED_COUNT), LOSSES)


@pytest.mark.parametrize(
    ("also", "harmless", "harmful"),
    [
        pytest.param([(Round, "is_over", wait_for_nobody)], None, LATE_MESSAGES, id="the message is late"),
        pytest.param([], LATE_MESSAGES, LATE_ANSWERS, id="the message overtakes the fill"),
        pytest.param([(Round, "revoked", wait_no_longer)], LATE_MESSAGES, LOST_MESSAGES, id="the message is lost"),
        pytest.param([(Round, "revoked", wait_no_longer)], LATE_MESSAGES, PAUSES, id="the worker stands still"),
        pytest.param([(changes, "news_of", news_of_what_is_new)], None, CRASHES, id="the messenger dies"),
    ],
)
def test_a_cache_that_is_simply_cleared_breaks_the_promise_when(
    also: Sequence[Replacement], harmless: Weather | None, harmful: Weather
) -> None:
    """The failures at the top of the page on matchmaking. Each takes its own trouble and no other."""
    naive = Safeguard("", [*CLEARED_BY_MESSAGES, *also])
    with naive.switched_off():
        assert breaks(range(SEED_COUNT), harmful)
        assert harmless is None or not breaks(range(CONTROL_SEED_COUNT), harmless)


def test_a_cache_that_is_simply_cleared_will_do_as_long_as_nothing_goes_wrong() -> None:
    with Safeguard("", CLEARED_BY_MESSAGES).switched_off():
        assert not breaks(range(CONTROL_SEED_COUNT), LATE_MESSAGES)
        assert not breaks(range(CONTROL_SEED_COUNT), CRASHES)
