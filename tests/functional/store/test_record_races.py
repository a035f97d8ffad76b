"""Records that are kept at the moment in which their names go off the list."""

from collections.abc import Iterator
from typing import Any, cast

import pytest

from gearhorn.store.base import RecordKey
from gearhorn.store.memcached_peers import Peers
from gearhorn.store.memcached_records import MemcachedRecords, _to_expiry_s
from gearhorn.store.redis import RedisStore
from tests.functional.store.conftest import OpenUrl
from tests.functional.store.questions import LONG_S
from tests.servers.stores import Memcached, Redis

KEY = RecordKey("test", "first")


@pytest.fixture
def peers(shared_memcached: Memcached) -> Iterator[Peers]:
    peers = Peers([("127.0.0.1", shared_memcached.port)], 5.0)
    yield peers
    peers.close()


def handles(peers: Peers, prefix: str) -> tuple[MemcachedRecords, MemcachedRecords]:
    return MemcachedRecords(peers, prefix, 5.0), MemcachedRecords(peers, prefix, 5.0)


def keep(records: MemcachedRecords) -> None:
    records.keep(KEY, b"1", LONG_S, is_listed=True)


def test_memcached_lists_what_is_kept_while_a_reader_tidies(peers: Peers, monkeypatch: pytest.MonkeyPatch) -> None:
    reader, keeper = handles(peers, "race-1")
    keep(keeper)
    peers.delete_many(["race-1:record:test:first"])  # it ended, and its name is still there
    look = reader._gone

    def look_and_be_overtaken(kind: str, names: Any) -> set[str]:
        gone = look(kind, names)
        keep(handles(peers, "race-1")[0])
        return gone

    monkeypatch.setattr(reader, "_gone", look_and_be_overtaken)
    reader.names("test")
    assert keeper.names("test") == ["first"]


def test_memcached_lists_what_is_kept_anew_right_behind_a_drop(peers: Peers, monkeypatch: pytest.MonkeyPatch) -> None:
    dropper, keeper = handles(peers, "race-2")
    keep(dropper)
    delete = dropper._delete

    def delete_and_be_overtaken(key: RecordKey, value: bytes | None) -> bool:
        is_gone = delete(key, value)
        keep(keeper)
        return is_gone

    monkeypatch.setattr(dropper, "_delete", delete_and_be_overtaken)
    dropper.drop(KEY, None)
    assert keeper.names("test") == ["first"]


@pytest.mark.parametrize(("ttl_s", "expiry_s"), [(0.001, 2), (1.0, 2), (1.5, 3), (2_591_999.0, 2_592_000)])
def test_memcached_is_told_a_second_more_than_it_may_take_off(ttl_s: float, expiry_s: int) -> None:
    assert _to_expiry_s(ttl_s) == expiry_s


async def test_redis_lists_what_is_kept_while_a_reader_tidies(
    shared_redis: Redis, open_url: OpenUrl, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"redis://{shared_redis.address}"
    reader, keeper = [cast(RedisStore, await open_url(url, prefix="race-3")) for _ in range(2)]
    with shared_redis.client() as client:
        client.sadd("race-3:records:test", "first", "gone")
    run = reader._calls.run

    async def be_overtaken_and_run(*asked: Any) -> Any:
        await keeper.keep_record(KEY, b"1", LONG_S, is_listed=True)
        return await run(*asked)

    monkeypatch.setattr(reader._calls, "run", be_overtaken_and_run)
    await reader.record_names("test")
    assert await keeper.record_names("test") == ["first"]
    with shared_redis.client() as client:
        assert client.smembers("race-3:records:test") == {"first"}


async def test_redis_forgets_the_name_of_what_is_dropped(shared_redis: Redis, open_url: OpenUrl) -> None:
    store = await open_url(f"redis://{shared_redis.address}", prefix="race-4")
    await store.keep_record(KEY, b"1", LONG_S, is_listed=True)
    await store.drop_record(KEY)
    with shared_redis.client() as client:
        assert client.keys("race-4:record*") == []
