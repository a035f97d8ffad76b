import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gearhorn.store.leases import Lease, LeaseKey
from gearhorn.store.memcached_registry import (
    LOST_REMEMBERED,
    Record,
    Registry,
    decode_registry,
    encode_registry,
)

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
times_us = st.integers(0, 10**16)
records = st.builds(Record, texts, times_us, texts, st.booleans(), st.booleans(), times_us)
registries = st.builds(
    Registry,
    texts,
    texts,
    times_us,
    times_us,
    st.lists(texts, max_size=3).map(tuple),
    st.dictionaries(texts, records, max_size=3),
)

KEY = LeaseKey("a", "1")
NEW = Registry("incarnation", "process")


def holding(**changes: object) -> Registry:
    """A registry with one lease, which runs out at 1000."""
    return NEW.put("a", Record(**{"token": "1", "runs_out_us": 1000, "info": "{}", **changes}), 500)  # type: ignore[arg-type]


@given(registries)
def test_a_registry_comes_back_as_it_was_written(written: Registry) -> None:
    assert decode_registry(encode_registry(written)) == written


def test_what_a_later_release_may_add_is_passed_over() -> None:
    data = encode_registry(holding()).replace(b'{"token"', b'{"colour":"red","token"')
    assert b"red" in data
    assert decode_registry(data[:-1] + b',"more":[1]}') == holding()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff",
        b"{}",
        b"gearhorn leases\n",
        b"gearhorn leases\n7",
        b"gearhorn leases\n[]",
        b"gearhorn leases\n{}",
        b'gearhorn leases\n{"incarnation":"x","process":"x","lost":[],"records":[]}',
        b'gearhorn leases\n{"incarnation":"x","process":"x","lost":[],"records":{"a":{}}}',
        b'gearhorn leases\n{"incarnation":"x","process":"x","lost":[],"records":{"a":7}}',
        b'gearhorn leases\n{"incarnation":"x","process":"x","lost":7,"records":{}}',
        b'gearhorn leases\n{"process":"x","lost":[],"records":{}}',
    ],
)
def test_what_is_no_registry_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError):
        decode_registry(data)


@given(st.binary(max_size=40))
def test_no_bytes_do_worse_to_a_reader_than_a_refusal(data: bytes) -> None:
    for start in (b"", b"gearhorn leases\n"):
        with contextlib.suppress(ValueError):
            decode_registry(start + data)


def test_a_lease_lasts_until_it_runs_out_and_not_at_that_moment() -> None:
    assert [holding().can_renew(KEY, now_us) for now_us in (0, 999, 1000, 1001)] == [True, True, False, False]


@pytest.mark.parametrize("changes", [{"is_revoked": True}, {"is_over": True}])
def test_a_lease_that_is_revoked_or_over_cannot_be_renewed(changes: dict[str, bool]) -> None:
    assert not holding(**changes).can_renew(KEY, 0)


@pytest.mark.parametrize("key", [LeaseKey("a", "2"), LeaseKey("b", "1")])
def test_another_token_or_worker_is_another_lease(key: LeaseKey) -> None:
    assert holding().find(key) is None
    assert not holding().can_renew(key, 0)
    registry = holding()
    assert registry.remove(key) is registry.revoke([key], 0) is registry
    assert holding().remove(KEY).records == {}


def test_a_lease_is_shown_with_the_seconds_left_also_after_the_end() -> None:
    registry = holding(runs_out_us=3_500_000, is_revoked=True)
    assert registry.leases(1_000_000) == [Lease(KEY, 2.5, True, "{}")]
    assert registry.leases(4_000_000) == [Lease(KEY, -0.5, True, "{}")]


def test_who_is_passed_over_is_what_has_run_out() -> None:
    registry = holding()
    assert registry.pass_over(999) is registry  # so that there is nothing to write
    assert holding().pass_over(1000) == holding(is_over=True)


def test_a_lease_that_lasts_is_revoked_and_one_that_ran_out_is_over() -> None:
    assert holding().revoke([KEY], 999) == holding(is_revoked=True)
    assert holding().revoke([KEY], 1000) == holding(is_over=True)


def test_a_lease_that_ran_out_is_handed_out_once_in_a_ttl() -> None:
    first = holding().hand_out(1000, 50)
    assert first.handed_out(holding()) == {KEY}
    assert [first.hand_out(now_us, 50).handed_out(first) for now_us in (1000, 1049, 1050)] == [set(), set(), {KEY}]
    assert holding().hand_out(999, 50) == holding()


def test_an_id_is_taken_by_a_lease_that_lasts_and_is_not_to_be_replaced() -> None:
    other = LeaseKey("a", "2")
    assert holding().is_taken(other, 999, [])
    assert not holding().is_taken(other, 1000, [])
    assert not holding().is_taken(other, 999, ["1"])
    assert not holding().is_taken(LeaseKey("b", "2"), 999, [])


def test_the_longest_ttl_is_that_of_all_leases_there_were() -> None:
    registry = NEW
    for ttl_us in (5, 7, 6):
        registry = registry.put("a", Record("1", 1000, "{}"), ttl_us)
    assert registry.remove(KEY).longest_ttl_us == 7


def test_a_successor_names_what_was_lost_and_is_held_as_long_as_any_asked_for() -> None:
    registry = NEW.succeed(["x", "y", "x"], 50, 7).succeed(["y", "z", "incarnation"], 40, 5)
    assert (registry.lost, registry.held_until_us, registry.longest_ttl_us) == (("x", "y", "z"), 50, 7)


def test_of_what_was_lost_the_last_are_remembered() -> None:
    many = [str(number) for number in range(20)]
    assert NEW.succeed(many, 0, 0).lost == tuple(many[-LOST_REMEMBERED:])
