"""What the watching worker leaves in the store is found there whole, or not at all."""

import pytest

from gearhorn.core.health import DEAD, SUSPECT, Case
from gearhorn.store.base import RECORD_LIMIT_BYTES, RecordKey
from gearhorn.subscribers.report import HEAD, KIND, owner_of, read_paused, read_report, write_report
from tests.unit.moody_store import MoodyStore
from tests.unit.subscribers.cases import cases_of
from tests.unit.virtual_time import in_virtual_time, now_s

TTL_S = 60.0
CASES = {
    b"news_bob": Case(1000.5, 12, 30.25, 20.125, 4, SUSPECT, is_paused=True),
    "größe 1_ü".encode(): Case(2000.5, 13, 300.25, 200.125, 9, DEAD, is_dropped=True),
    b"stranger": Case(3000.0, 14),
}


@in_virtual_time
async def test_everything_is_read_as_it_was_written() -> None:
    store = MoodyStore(now_s)
    await write_report(store, 7, CASES, TTL_S)
    report = await read_report(store)
    assert report is not None
    assert (report.look, report.paused_count, report.cases) == (7, 1, CASES)
    assert owner_of("größe 1_ü".encode(), report.cases["größe 1_ü".encode()]) == ("größe 1", "ü")
    assert await read_paused(store) == [("news", "bob")]


@in_virtual_time
async def test_a_name_that_is_no_text_is_no_subscribers_and_left_out() -> None:
    store = MoodyStore(now_s)
    await write_report(store, 1, {b"\xff": Case(0.0), **CASES}, TTL_S)
    report = await read_report(store)
    assert report is not None
    assert report.cases == CASES


async def test_a_long_report_is_kept_in_parts_that_any_store_takes() -> None:
    store = MoodyStore(now_s)
    cases = cases_of(*(("\u0001" * 2 + "n" * 180, f"{number:060}") for number in range(10_000)), is_paused=True)
    await write_report(store, 1, cases, TTL_S)
    written = set(store.asked["keep_record"])
    assert len(written) > 2
    for key in written:
        assert isinstance(key, RecordKey)
        value = await store.read_record(key)
        assert value is not None
        assert len(value) <= RECORD_LIMIT_BYTES
    report = await read_report(store)
    assert report is not None
    assert report.cases == cases
    assert len(await read_paused(store) or ()) == len(cases)


@in_virtual_time
async def test_looks_do_not_pile_up_records() -> None:
    store = MoodyStore(now_s)
    for look in range(20):
        await write_report(store, look, CASES, TTL_S)
    assert len(set(store.asked["keep_record"])) == 3


@in_virtual_time
async def test_a_report_of_which_a_part_is_missing_tells_nothing() -> None:
    store = MoodyStore(now_s)
    await write_report(store, 0, CASES, TTL_S)
    await store.drop_record(RecordKey(KIND, "part-0-0"))
    assert await read_report(store) is None
    assert await read_paused(store) is None


@in_virtual_time
async def test_a_report_ends_by_itself() -> None:
    store = MoodyStore(now_s)
    await write_report(store, 0, CASES, -1.0)
    assert await read_report(store) is None
    assert await read_paused(store) is None


@in_virtual_time
async def test_while_nobody_is_paused_one_question_tells_so() -> None:
    store = MoodyStore(now_s)
    await write_report(store, 0, {b"stranger": CASES[b"stranger"]}, TTL_S)
    await store.drop_record(RecordKey(KIND, "part-0-0"))
    assert await read_paused(store) == []


@pytest.mark.parametrize("value", [b"", b"{}", b"[]", b"\xff", b'{"look": 0, "part_count": "1", "paused_count": 1}'])
@in_virtual_time
async def test_a_report_of_another_version_tells_nothing(value: bytes) -> None:
    store = MoodyStore(now_s)
    await store.keep_record(HEAD, value, TTL_S)
    assert await read_report(store) is None


@pytest.mark.parametrize("value", [b"", b"{}", b"[1]", b'[["news_bob"]]'])
@in_virtual_time
async def test_a_part_of_another_version_has_nobody(value: bytes) -> None:
    store = MoodyStore(now_s)
    await write_report(store, 0, CASES, TTL_S)
    await store.keep_record(RecordKey(KIND, "part-0-0"), value, TTL_S)
    assert await read_paused(store) == []
