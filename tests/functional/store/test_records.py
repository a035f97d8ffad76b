"""Records: claimed, kept, read, dropped, ended."""

import asyncio
import time
from collections.abc import Callable

import pytest
from pymemcache import Client

from gearhorn.errors import StoreUnavailable
from gearhorn.store.base import RECORD_LIMIT_BYTES, RecordKey, Store
from tests.functional.store.conftest import MakeHandle, OpenHandle, OpenUrl
from tests.functional.store.questions import END_S, LONG_S, RECORD_CALLS, ROUNDING_S, SHORT_S, wait_until
from tests.servers.stores import Memcached, Redis

KEY = RecordKey("test", "first")

ODD_VALUES = [b"", b"0", b"\0", b"\r\n", b"\xff\xfe", bytes(range(256)), b"END\r\n", "ä€".encode(), b"\xc4\x01x"]
ODD_NAMES = [
    "a:b",
    "with spaces",
    "ünïcode €",
    "{x}*?[a]%20",
    "H:web-1.example.org:4711",
    "#hash",
    "'; DROP TABLE records; --",
    "n" * 1000,
    "ü" * 250,
]


async def test_a_record_that_was_never_made_is_not_there(store: Store) -> None:
    assert await store.read_record(KEY) is None
    assert await store.record_names("test") == []
    await store.drop_record(KEY)
    await store.drop_record(KEY, b"value")
    assert await store.read_record(KEY) is None


async def test_the_first_claim_makes_the_record_and_the_second_is_told_its_value(store: Store) -> None:
    assert await store.claim_record(KEY, b"mine", LONG_S) is None
    assert await store.claim_record(KEY, b"yours", LONG_S) == b"mine"
    assert await store.read_record(KEY) == b"mine"


async def test_of_fifty_who_claim_at_once_on_two_handles_one_makes_the_record(open_handle: OpenHandle) -> None:
    handles = [await open_handle(), await open_handle()]
    values = [b"%d" % number for number in range(50)]
    found = await asyncio.gather(
        *(handles[number % 2].claim_record(KEY, value, LONG_S) for number, value in enumerate(values))
    )
    [winner] = [value for value, answer in zip(values, found, strict=True) if answer is None]
    assert set(found) == {None, winner}
    assert await handles[0].read_record(KEY) == winner


async def test_only_what_is_to_be_listed_is(store: Store) -> None:
    await store.keep_record(RecordKey("test", "listed"), b"1", LONG_S, is_listed=True)
    await store.keep_record(RecordKey("test", "unlisted"), b"2", LONG_S)
    assert await store.record_names("test") == ["listed"]
    assert await store.read_record(RecordKey("test", "unlisted")) == b"2"


async def test_what_is_kept_takes_the_place_of_what_was_there(store: Store) -> None:
    await store.claim_record(KEY, b"claimed", LONG_S)
    for value in (b"first", b"second", b""):
        await store.keep_record(KEY, value, LONG_S, is_listed=True)
        assert await store.read_record(KEY) == value
    assert await store.claim_record(KEY, b"claimed", LONG_S) == b""


async def test_a_record_ends_when_its_time_is_up_and_can_be_claimed_again(store: Store) -> None:
    begun_s = time.monotonic()
    await store.claim_record(KEY, b"claimed", SHORT_S)
    await store.keep_record(RecordKey("test", "kept"), b"kept", SHORT_S, is_listed=True)

    async def are_over() -> bool:
        return not await store.record_names("test") and await store.read_record(KEY) is None

    await wait_until(are_over)
    assert time.monotonic() - begun_s > SHORT_S
    assert await store.read_record(RecordKey("test", "kept")) is None
    assert await store.claim_record(KEY, b"anew", LONG_S) is None


async def test_whoever_keeps_a_record_again_puts_off_its_end(store: Store) -> None:
    await store.keep_record(KEY, b"short", SHORT_S, is_listed=True)
    await store.keep_record(KEY, b"long", LONG_S, is_listed=True)
    await store.keep_record(RecordKey("test", "sand"), b"", SHORT_S, is_listed=True)

    async def is_sand_gone() -> bool:
        return await store.record_names("test") == ["first"]

    await wait_until(is_sand_gone)
    assert await store.read_record(KEY) == b"long"


async def test_a_record_may_last_for_months(store: Store) -> None:
    """memcached takes so many seconds for a date."""
    await store.keep_record(KEY, b"kept", 100 * 86400, is_listed=True)
    assert await store.read_record(KEY) == b"kept"


async def test_a_record_is_dropped_without_a_value_or_with_the_one_that_it_has(store: Store) -> None:
    for value in (None, b"value"):
        await store.keep_record(KEY, b"value", LONG_S, is_listed=True)
        await store.drop_record(KEY, b"another")
        await store.drop_record(KEY, b"")
        assert await store.read_record(KEY) == b"value"
        assert await store.record_names("test") == ["first"]
        await store.drop_record(KEY, value)
        assert await store.read_record(KEY) is None
        assert await store.record_names("test") == []
        assert await store.claim_record(KEY, b"anew", LONG_S) is None
        await store.drop_record(KEY)


async def test_the_names_of_a_kind_are_those_that_were_kept_and_have_not_ended(store: Store) -> None:
    await store.claim_record(RecordKey("test", "claimed"), b"", LONG_S)
    await store.keep_record(RecordKey("test", "short"), b"", SHORT_S, is_listed=True)
    for name in ("b", "a", "ä", "dropped"):
        await store.keep_record(RecordKey("test", name), b"", LONG_S, is_listed=True)
    await store.keep_record(RecordKey("other", "c"), b"", LONG_S, is_listed=True)
    await store.drop_record(RecordKey("test", "dropped"))

    async def is_short_gone() -> bool:
        return await store.record_names("test") == ["a", "b", "ä"]

    await wait_until(is_short_gone)
    assert await store.record_names("other") == ["c"]
    assert await store.record_names("unused") == []


async def test_a_name_of_what_was_kept_dropped_and_kept_again_is_there(open_handle: OpenHandle) -> None:
    """Also where another handle dropped it, once the one that keeps it has seen to its name again."""
    one, other = await open_handle(), await open_handle()
    for dropper in (one, other):
        await one.keep_record(KEY, b"1", LONG_S, is_listed=True)
        await dropper.drop_record(KEY)

        async def is_named() -> bool:
            await one.keep_record(KEY, b"2", LONG_S, is_listed=True)
            return await other.record_names("test") == ["first"]

        await wait_until(is_named)


async def test_many_names_that_are_kept_at_once_are_all_there(open_handle: OpenHandle) -> None:
    handles = [await open_handle(), await open_handle()]
    names = [f"name-{number:02}" for number in range(60)]
    await asyncio.gather(
        *(
            handles[number % 2].keep_record(RecordKey("test", name), b"", LONG_S, is_listed=True)
            for number, name in enumerate(names)
        )
    )
    assert await handles[0].record_names("test") == names


async def test_names_survive_others_that_come_and_go_and_are_asked_for(open_handle: OpenHandle) -> None:
    """Who takes a name off the list must not take one with it that comes at that moment."""
    one, other = await open_handle(), await open_handle()

    async def come_and_go(number: int) -> None:
        for _ in range(10):
            await one.keep_record(RecordKey("test", f"sand-{number}"), b"", LONG_S, is_listed=True)
            await one.drop_record(RecordKey("test", f"sand-{number}"))
            await other.record_names("test")
        await one.keep_record(RecordKey("test", f"sand-{number}"), b"", LONG_S, is_listed=True)

    await asyncio.gather(*map(come_and_go, range(6)))
    assert await other.record_names("test") == [f"sand-{number}" for number in range(6)]


async def test_two_handles_see_the_same_records(open_handle: OpenHandle) -> None:
    one, other = await open_handle(), await open_handle()
    await one.keep_record(KEY, b"kept", LONG_S, is_listed=True)
    assert await other.read_record(KEY) == b"kept"
    assert await other.record_names("test") == ["first"]
    assert await other.claim_record(KEY, b"mine", LONG_S) == b"kept"
    await other.drop_record(KEY)
    assert await one.read_record(KEY) is None


@pytest.mark.parametrize("value", ODD_VALUES)
async def test_any_bytes_come_back_as_they_were(store: Store, value: bytes) -> None:
    await store.claim_record(KEY, value, LONG_S)
    assert await store.claim_record(KEY, b"another", LONG_S) == value
    await store.keep_record(KEY, value, LONG_S, is_listed=True)
    assert await store.read_record(KEY) == value
    await store.drop_record(KEY, value + b"x")
    assert await store.read_record(KEY) == value
    await store.drop_record(KEY, value)
    assert await store.read_record(KEY) is None


async def test_names_of_any_characters_and_any_length_are_records_of_their_own(store: Store) -> None:
    for name in ODD_NAMES:
        await store.keep_record(RecordKey("test", name), name.encode(), LONG_S, is_listed=True)
    assert await store.record_names("test") == sorted(ODD_NAMES)
    for name in ODD_NAMES:
        assert await store.read_record(RecordKey("test", name)) == name.encode()
        assert await store.claim_record(RecordKey("test", name), b"", LONG_S) == name.encode()
        await store.drop_record(RecordKey("test", name), name.encode())
    assert await store.record_names("test") == []


async def test_kinds_with_the_same_names_do_not_meet(store: Store) -> None:
    await store.keep_record(RecordKey("a", "b"), b"1", LONG_S, is_listed=True)
    assert await store.read_record(RecordKey("b", "b")) is None
    assert await store.claim_record(RecordKey("b", "b"), b"2", LONG_S) is None
    assert await store.read_record(RecordKey("a", "b")) == b"1"


async def test_records_are_no_topics_and_change_no_list(store: Store) -> None:
    await store.keep_record(KEY, b"1", LONG_S, is_listed=True)
    await store.claim_record(RecordKey("topic", "news"), b"1", LONG_S)
    assert await store.topics() == []
    assert (await store.read(["news", "first"]))[0].version == 0


async def test_a_record_as_large_as_may_be_is_kept_and_a_larger_one_refused(store: Store) -> None:
    value = bytes(range(250)) * (RECORD_LIMIT_BYTES // 250)
    await store.keep_record(KEY, value, LONG_S, is_listed=True)
    assert await store.read_record(KEY) == value
    for refused in (
        store.keep_record(KEY, value + b"x", LONG_S, is_listed=True),
        store.claim_record(KEY, value + b"x", LONG_S),
    ):
        with pytest.raises(ValueError, match="a record of 1000001 bytes"):
            await refused
    assert await store.read_record(KEY) == value


@pytest.mark.parametrize("call", RECORD_CALLS)
async def test_a_store_that_is_not_open_is_unavailable(begin: Callable[[], MakeHandle], call: str) -> None:
    store = begin()()
    with pytest.raises(StoreUnavailable, match="not open"):
        await RECORD_CALLS[call](store)
    await store.open()
    await RECORD_CALLS[call](store)
    await store.close()
    with pytest.raises(StoreUnavailable, match="not open"):
        await RECORD_CALLS[call](store)


@pytest.mark.parametrize("kind", ["redis", "memcached"])
async def test_names_of_records_that_end_by_themselves_do_not_pile_up(
    kind: str, request: pytest.FixtureRequest, open_url: OpenUrl
) -> None:
    """Where nobody ever asks for them, and the list of names is no part of the records."""
    server: Redis | Memcached = request.getfixturevalue(f"shared_{kind}")
    store = await open_url(f"{kind}://{server.address}", prefix=f"piles-{kind}")
    for number in range(100):
        await store.keep_record(RecordKey("test", f"short-{number:02}"), b"", END_S, is_listed=True)
    await asyncio.sleep(2 * END_S + (ROUNDING_S if kind == "memcached" else 0))
    for number in range(100):
        await store.keep_record(RecordKey("test", f"long-{number:02}"), b"", LONG_S, is_listed=True)
    assert count_listed(server) < 150


def count_listed(server: Redis | Memcached) -> int:
    if isinstance(server, Redis):
        with server.client() as client:
            return int(client.scard("piles-redis:records:test"))
    client = Client(("127.0.0.1", server.port), timeout=5)
    listed: bytes = client.get("piles-memcached:records:test")
    client.close()
    return listed.count(b"\n") + 1
