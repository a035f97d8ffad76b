"""What workers write beside their leases is read by others, which no nonsense may stop."""

import pytest

from gearhorn.store.leases import Lease, LeaseKey, read_info


def lease_with(info: str) -> Lease:
    return Lease(LeaseKey("worker", "token"), 1.0, False, info)


def test_an_object_is_read() -> None:
    assert read_info(lease_with('{"address": "host9", "servers": ["a:1"]}')) == {"address": "host9", "servers": ["a:1"]}


@pytest.mark.parametrize("info", ["", "x", "[]", "null", "1", '{"a"', "\ud800", '{"a":' * 100_000, "[" * 100_000])
def test_what_is_no_object_is_nothing(info: str) -> None:
    assert read_info(lease_with(info)) == {}
