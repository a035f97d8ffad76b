from hypothesis import given
from hypothesis import strategies as st

from gearhorn.store.versions import next_version


def test_a_version_is_the_time_in_microseconds() -> None:
    assert next_version(0, 1_700_000_000.25) == 1_700_000_000_250_000


def test_a_version_follows_on_the_last_when_the_clock_is_behind() -> None:
    assert next_version(1_800_000_000_000_000, 1_700_000_000.0) == 1_800_000_000_000_001


@given(st.lists(st.floats(0, 4e9), min_size=2))
def test_whatever_the_clock_does_versions_rise(times_s: list[float]) -> None:
    versions = [0]
    for now_s in times_s:
        versions.append(next_version(versions[-1], now_s))
    assert versions == sorted(set(versions))
