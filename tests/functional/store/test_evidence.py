"""By what a store tells lists that it has lost from lists that are empty."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from pymemcache import Client

from gearhorn.store.base import NO_MARK, Store, Subscribe, Unsubscribe
from gearhorn.store.memcached_marks import Marks
from gearhorn.store.memcached_peers import Peers
from tests.functional.store.conftest import OpenHandle, OpenUrl
from tests.functional.store.questions import END_S, apply, hold, members, read, subscribe, unsubscribe, wait_until
from tests.servers.stores import Memcached, Redis, Replica


async def marks(store: Store) -> Mapping[str, str]:
    return (await store.find_evidence([])).marks


async def torn(store: Store, *topics: str) -> set[str]:
    return {*(await store.find_evidence(topics)).torn_topics}


async def test_the_marks_of_a_store_in_use_stay_the_same_for_everybody(open_handle: OpenHandle) -> None:
    one, two = await open_handle(), await open_handle()
    await hold(one, "a")
    first = await marks(one)
    await subscribe(two, "news", "bob")
    await unsubscribe(two, "news", "bob")
    assert await marks(one) == await marks(two) == first
    assert NO_MARK not in first.values()


async def test_a_list_that_everybody_has_left_is_not_torn_nor_one_that_was_never_used(store: Store) -> None:
    await subscribe(store, "news", "bob")
    await subscribe(store, "left", "bob")
    await unsubscribe(store, "left", "bob")
    assert await torn(store, "left", "never") == set()


# Redis.


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Redis]:
    with Redis(tmp_path / "redis") as server:
        yield server


@pytest.fixture
async def redis_store(redis: Redis, open_url: OpenUrl) -> Store:
    store = await open_url(f"redis://{redis.address}")
    await hold(store, "a")
    return store


def restart(redis: Redis) -> None:
    redis.kill()
    redis.start()


@pytest.mark.parametrize("empty", [restart, lambda redis: redis.ask("FLUSHALL")], ids=["restart", "flush"])
async def test_redis_without_its_data_has_no_mark_and_then_another(
    redis: Redis, redis_store: Store, empty: Callable[[Redis], object]
) -> None:
    before = await marks(redis_store)
    empty(redis)
    assert await marks(redis_store) == dict.fromkeys(before, NO_MARK)
    await hold(redis_store, "b")
    after = await marks(redis_store)
    assert after.keys() == before.keys()
    assert after != before


async def test_who_only_looks_for_marks_does_not_forget_that_leases_were_lost(
    redis: Redis, redis_store: Store, open_url: OpenUrl
) -> None:
    redis.ask("FLUSHALL")
    new = await open_url(f"redis://{redis.address}")
    await hold(new, "new")  # it knows of nothing, and holds nothing up
    await marks(redis_store)
    await subscribe(new, "news", "bob", END_S)

    async def is_over() -> bool:
        return await members(redis_store, "news") == []  # also by the hand of who reads it

    await wait_until(is_over)
    assert (await redis_store.apply([Unsubscribe("unused", "nobody")])).held_s > 0


async def test_a_list_that_redis_has_lost_alone_is_torn_until_somebody_is_on_it(
    redis: Redis, redis_store: Store
) -> None:
    await subscribe(redis_store, "news", "bob")
    await subscribe(redis_store, "memos", "bob")
    redis.ask("DEL gearhorn:topic:news")
    assert await torn(redis_store, "news", "never") == {"news"}
    await subscribe(redis_store, "news", "eve")
    assert await torn(redis_store, "news") == set()
    await unsubscribe(redis_store, "news", "eve")
    assert await torn(redis_store, "news") == set()


async def test_lists_that_are_missing_with_the_names_of_all_topics_are_torn(redis: Redis, redis_store: Store) -> None:
    await subscribe(redis_store, "news", "bob")
    redis.ask("DEL gearhorn:topic:news gearhorn:topics")
    assert await torn(redis_store, "news") == {"news"}


async def test_who_subscribes_again_is_put_on_the_list_that_was_lost(redis: Redis, redis_store: Store) -> None:
    for client_id in ("bob", "eve", "ann"):
        await subscribe(redis_store, "news", client_id)
    redis.ask("DEL gearhorn:topic:news")
    assert (await subscribe(redis_store, "news", "bob")).changed
    assert (await subscribe(redis_store, "news", "eve")).changed
    assert not (await subscribe(redis_store, "news", "eve")).changed
    assert await members(redis_store, "news") == ["bob", "eve"]


async def test_who_unsubscribes_is_taken_off_a_list_of_which_the_queues_were_lost(
    redis: Redis, redis_store: Store
) -> None:
    await subscribe(redis_store, "news", "bob")
    await subscribe(redis_store, "news", "eve")
    redis.ask("DEL gearhorn:queues")
    before = (await read(redis_store, "news")).version
    gone = await unsubscribe(redis_store, "news", "bob")
    assert gone.changed
    assert gone.version > before
    assert not (await unsubscribe(redis_store, "news", "bob")).changed
    assert await members(redis_store, "news") == ["eve"]


async def test_within_one_call_a_pair_may_come_and_go_as_often_as_it_likes(redis_store: Store) -> None:
    come, go = Subscribe("news", "bob"), Unsubscribe("news", "bob")
    results = await apply(redis_store, [come, come, go, go, come, come])
    assert [result.changed for result in results] == [True, False, True, False, True, False]
    assert await members(redis_store, "news") == ["bob"]


async def test_a_replica_can_be_asked_and_so_can_a_redis_whose_memory_is_full(
    tmp_path: Path, redis: Redis, redis_store: Store, open_url: OpenUrl
) -> None:
    before = await marks(redis_store)
    with Replica(tmp_path / "replica", redis) as replica:
        assert await marks(await open_url(f"redis://{replica.address}")) == before
    redis.ask("CONFIG SET maxmemory 1")
    assert await marks(redis_store) == before


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"), "lists of subscribers will be lost"),
        (("--maxmemory", "100mb", "--maxmemory-policy", "volatile-ttl"), "how far a fanout had come"),
        (("--maxmemory", "1"), "less than a tenth of its memory left"),
        (("--maxmemory", "100mb"), ""),
        (("--maxmemory-policy", "allkeys-lru"), ""),
    ],
)
async def test_a_redis_that_may_lose_lists_is_spoken_of_at_the_start(
    tmp_path: Path, open_url: OpenUrl, caplog: pytest.LogCaptureFixture, options: tuple[str, ...], words: str
) -> None:
    with Redis(tmp_path, *options) as server:
        await open_url(f"redis://{server.address}")
    assert words in caplog.text
    assert len(caplog.records) == bool(words)


# memcached.


@pytest.fixture
def memcached(tmp_path: Path) -> Iterator[Memcached]:
    with Memcached(tmp_path / "memcached") as server:
        yield server


@pytest.fixture
def client(memcached: Memcached) -> Iterator[Any]:
    client = Client(("127.0.0.1", memcached.port), default_noreply=False, timeout=5)
    yield client
    client.close()


@pytest.fixture
async def memcached_store(memcached: Memcached, open_url: OpenUrl) -> Store:
    return await open_url(f"memcached://{memcached.address}")


@pytest.mark.parametrize("how", ["restart", "flush", "eviction"])
async def test_memcached_without_its_data_has_another_mark(
    memcached: Memcached, memcached_store: Store, client: Any, how: str
) -> None:
    before = await marks(memcached_store)
    {"restart": memcached.restart, "flush": client.flush_all, "eviction": lambda: client.delete("gearhorn:mark")}[how]()
    after = await marks(memcached_store)
    assert after.keys() == before.keys()
    assert after != before
    assert await marks(memcached_store) == after


async def test_each_of_several_memcached_servers_has_a_mark_and_a_topic_that_of_its_own(
    tmp_path: Path, memcached: Memcached, open_url: OpenUrl
) -> None:
    with Memcached(tmp_path / "other") as other:
        store = await open_url(f"memcached://{memcached.address},{other.address}")
        assert {*await marks(store)} == {memcached.address, other.address}
        await subscribe(store, "news", "bob")
        [home] = (await store.find_evidence(["news"])).marks
        assert "gearhorn:topic:news" in (memcached if home == memcached.address else other).list_keys()


async def test_a_list_that_memcached_has_lost_alone_is_torn_until_somebody_is_on_it(
    memcached_store: Store, client: Any
) -> None:
    await subscribe(memcached_store, "news", "bob")
    client.delete("gearhorn:topic:news")
    assert await torn(memcached_store, "news", "never") == {"news"}
    await subscribe(memcached_store, "news", "eve")
    await unsubscribe(memcached_store, "news", "eve")
    assert await torn(memcached_store, "news") == set()


async def test_a_long_list_whose_parts_were_all_lost_is_torn(
    memcached: Memcached, memcached_store: Store, client: Any
) -> None:
    for number in range(100):
        await subscribe(memcached_store, "news", f"{number:03}" * 80)
    for key in memcached.list_keys():
        if key.startswith("gearhorn:chunk:"):
            client.delete(key)
    assert await members(memcached_store, "news") == []
    assert await torn(memcached_store, "news") == {"news"}
    await subscribe(memcached_store, "news", "bob")
    assert await torn(memcached_store, "news") == set()
    await unsubscribe(memcached_store, "news", "bob")
    assert await torn(memcached_store, "news") == set()


async def test_a_list_that_memcached_is_about_to_hold_for_the_first_time_is_not_torn(
    memcached: Memcached, memcached_store: Store, client: Any
) -> None:
    """The name of its topic is written first."""
    await subscribe(memcached_store, "news", "bob")
    root = client.get("gearhorn:topic:news")
    client.delete("gearhorn:topic:news")
    peers = Peers([("127.0.0.1", memcached.port)], 5.0)
    looking = Marks(peers, "gearhorn", lambda _: client.set("gearhorn:topic:news", root))
    assert not looking.find_evidence(["news"]).torn_topics
    peers.close()
