"""Long lists come from Redis in several answers, and are still those of one version."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from gearhorn.store import redis_reads
from gearhorn.store.base import Store, Subscribe, Unsubscribe
from gearhorn.store.opening import StoreSettings, open_store
from tests.functional.store.questions import apply, members, read
from tests.servers.stores import Redis

HOSTS = [f"host-{number:04}.example.org" for number in range(2000)]
# Fewer than Redis gives one answer for what it keeps in a hash table, which a set of so many is.
PIECE = 100


@pytest.fixture
def pieces(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many members each answer had."""
    sizes: list[int] = []
    monkeypatch.setattr(redis_reads, "IDS_PER_PIECE", PIECE)
    ask_swept = redis_reads.RedisReads.ask_swept

    async def counted(self: redis_reads.RedisReads, commands: list[tuple[str, ...]]) -> object:
        now_s, answers = await ask_swept(self, commands)
        lists = (answer[1] if isinstance(answer, tuple) else answer for answer in answers)
        sizes.extend(len(found) for found in lists if isinstance(found, list))
        return now_s, answers

    monkeypatch.setattr(redis_reads.RedisReads, "ask_swept", counted)
    return sizes


@pytest.fixture
async def store(shared_redis: Redis, request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    store = open_store(StoreSettings(f"redis://{shared_redis.address}", f"pieces-{abs(hash(request.node.nodeid))}"))
    await store.open()
    yield store
    await store.close()


async def test_a_long_list_comes_in_pieces_and_is_whole(store: Store, pieces: list[int]) -> None:
    await apply(store, [Subscribe("news", host) for host in HOSTS])
    assert await members(store, "news") == HOSTS
    assert len(pieces) > 5
    assert max(pieces) < len(HOSTS) / 2


async def test_a_long_list_is_left_out_of_what_is_read_at_once(store: Store, pieces: list[int]) -> None:
    await apply(store, [*(Subscribe("news", host) for host in HOSTS), Subscribe("memos", "ann")])
    memos, news, nobody = await store.read_short(["memos", "news", "nobody"])
    assert news is None
    assert memos is not None
    assert nobody is not None
    assert [list(memos.client_ids), list(nobody.client_ids)] == [[b"ann"], []]
    assert max(pieces) < 10
    assert [sorted(found.client_ids) for found in await store.read(["memos", "news"])] == [
        [b"ann"],
        [host.encode() for host in HOSTS],
    ]


async def test_a_list_that_changes_between_two_pieces_is_that_of_one_version(store: Store, pieces: list[int]) -> None:
    results = await apply(store, [Subscribe("news", host) for host in HOSTS])
    there = set(HOSTS)
    at_version = {results[-1].version: frozenset(there)}

    async def change() -> None:
        """Often enough for nearly every list in pieces to be given up, with pauses in which one can be had."""
        for number in range(300):
            host = HOSTS[number * 7 % len(HOSTS)]
            [applied] = await apply(store, [Unsubscribe("news", host) if host in there else Subscribe("news", host)])
            there.symmetric_difference_update({host})
            at_version[applied.version] = frozenset(there)
            await asyncio.sleep(0.05 if number % 20 == 0 else 0)

    changing = asyncio.create_task(change())
    found = []
    while not changing.done():
        found.append(await read(store, "news"))
    await changing
    assert len(found) > 5
    for version, client_ids in found:
        assert sorted(client_ids) == sorted(host.encode() for host in at_version[version])
    assert any(size >= len(HOSTS) - 300 for size in pieces), "read as a whole, in the end"
