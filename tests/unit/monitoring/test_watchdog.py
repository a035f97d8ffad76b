"""Who feeds systemd's watchdog, and how often. That a stuck loop feeds nobody is tried with a real worker."""

import os

import pytest

from gearhorn.monitoring.watchdog import feed_interval_s

OWN = str(os.getpid())


def test_it_is_fed_three_times_before_it_bites() -> None:
    assert feed_interval_s({"WATCHDOG_USEC": "30000000"}) == 10.0
    assert feed_interval_s({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": OWN}) == 10.0


@pytest.mark.parametrize(
    "environ",
    [{}, {"WATCHDOG_USEC": ""}, {"WATCHDOG_USEC": "0"}, {"WATCHDOG_USEC": "soon"}, {"WATCHDOG_USEC": "²"}],
)
def test_nobody_wants_to_be_fed(environ: dict[str, str]) -> None:
    assert feed_interval_s(environ) is None


def test_another_process_is_meant() -> None:
    assert feed_interval_s({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}) is None
