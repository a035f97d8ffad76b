"""A store's server that stops, starts, hangs, or is lost in the middle of a call."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from gearhorn.errors import StoreUnavailable
from gearhorn.store.base import Store, Subscribe, TopicList
from gearhorn.store.opening import StoreSettings, open_store
from tests.functional.store.conftest import OpenUrl
from tests.functional.store.questions import (
    LEASE_CALLS,
    POLL_LIMIT_S,
    RECORD_CALLS,
    members,
    read,
    subscribe,
    unsubscribe,
    wait_until,
)
from tests.servers.proxy import Proxy
from tests.servers.stores import Memcached, Redis, StoreServer

SERVERS: dict[str, tuple[type[StoreServer], tuple[str, ...]]] = {
    # Persistent, so that what was there before is there after: lists are not what these tests are about.
    "redis": (Redis, ("--appendonly", "yes", "--appendfsync", "always")),
    "memcached": (Memcached, ()),
}

OpenAt = Callable[..., Awaitable[Store]]


@pytest.fixture(params=SERVERS)
def scheme(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def server(scheme: str, tmp_path: Path) -> Iterator[StoreServer]:
    kind, options = SERVERS[scheme]
    with kind(tmp_path / scheme, *options) as running:
        yield running


@pytest.fixture
def open_at(scheme: str, open_url: OpenUrl) -> OpenAt:
    """Opens stores on a port. They wait long for an answer, unless told otherwise: a test says what it waits for."""
    return lambda port, timeout_s=POLL_LIMIT_S: open_url(f"{scheme}://127.0.0.1:{port}", timeout_s=timeout_s)


async def assert_unavailable(store: Store) -> None:
    """Every question. The limit only keeps a failing test from hanging."""
    async with asyncio.timeout(POLL_LIMIT_S):
        for question in (
            store.apply([Subscribe("news", "bob")]),
            store.read(["news"]),
            store.topics(),
            store.subscriptions("news"),
            *(ask(store) for ask in (LEASE_CALLS | RECORD_CALLS).values()),
        ):
            with pytest.raises(StoreUnavailable, match=r"127\.0\.0\.1|memcached store"):
                await question


async def test_a_server_that_stops_is_unavailable_and_when_started_again_works(
    server: StoreServer, open_at: OpenAt
) -> None:
    store = await open_at(server.port)
    await subscribe(store, "news", "bob")
    server.stop()
    await assert_unavailable(store)
    server.start()
    await subscribe(store, "news", "alice")
    assert "alice" in await members(store, "news")


async def test_a_server_that_was_killed_and_started_between_two_calls_goes_unnoticed(
    server: StoreServer, open_at: OpenAt
) -> None:
    store = await open_at(server.port)
    # connections in plenty, all of which will be dead
    await asyncio.gather(*(subscribe(store, f"topic-{number}", "bob") for number in range(20)))
    server.kill()
    server.start()
    results = await asyncio.gather(*(subscribe(store, f"new-{number}", "alice") for number in range(20)))
    assert all(result.changed for result in results)


async def test_reads_go_on_as_well_after_a_restart(server: StoreServer, open_at: OpenAt) -> None:
    store = await open_at(server.port)
    await asyncio.gather(*(read(store, f"topic-{number}") for number in range(20)))
    server.restart()
    assert await store.read(["unused"]) == [TopicList(0, [])]


async def test_versions_do_not_fall_when_the_server_is_started_again(server: StoreServer, open_at: OpenAt) -> None:
    store = await open_at(server.port)
    before = await subscribe(store, "news", "bob")
    server.restart()
    assert (await subscribe(store, "news", "alice")).version > before.version


async def test_a_server_that_hangs_is_unavailable_and_when_it_goes_on_works(
    server: StoreServer, open_at: OpenAt
) -> None:
    store = await open_at(server.port, timeout_s=1.0)
    await subscribe(store, "news", "bob")
    server.signal(signal.SIGSTOP)
    await assert_unavailable(store)
    server.signal(signal.SIGCONT)

    async def works() -> bool:
        try:
            return await members(store, "news") == ["bob"]
        except StoreUnavailable:  # the last question may have left it busy
            return False

    await wait_until(works)


async def test_many_who_wait_for_a_server_that_hangs_all_hear_of_it(server: StoreServer, open_at: OpenAt) -> None:
    """Also those who wait for one of the connections that the others hold."""
    store = await open_at(server.port, timeout_s=1.0)
    server.signal(signal.SIGSTOP)
    async with asyncio.timeout(POLL_LIMIT_S):
        outcomes = await asyncio.gather(*(read(store, "news") for _ in range(100)), return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {StoreUnavailable}


async def test_a_server_that_is_away_at_the_start_is_unavailable_until_it_is_there(
    server: StoreServer, scheme: str
) -> None:
    server.stop()
    store = open_store(StoreSettings(f"{scheme}://{server.address}"))
    with pytest.raises(StoreUnavailable):
        await store.open()
    server.start()
    await store.open()
    assert (await subscribe(store, "news", "bob")).changed
    await store.close()


async def test_a_store_whose_server_is_away_can_be_closed(server: StoreServer, open_at: OpenAt) -> None:
    store = await open_at(server.port, timeout_s=1.0)
    server.signal(signal.SIGSTOP)
    with pytest.raises(StoreUnavailable):
        await store.read(["news"])
    await store.close()
    with pytest.raises(StoreUnavailable, match="not open"):
        await store.read(["news"])


async def test_a_change_whose_answer_is_lost_is_made_once_and_said_to_be_made(
    server: StoreServer, open_at: OpenAt
) -> None:
    direct = await open_at(server.port)
    with Proxy(server.port) as proxy:
        store = await open_at(proxy.port)
        await subscribe(store, "news", "somebody 1")
        before_count = proxy.bytes_to_server_count
        known = await subscribe(store, "news", "somebody 2")
        proxy.cut_after(proxy.bytes_to_server_count - before_count)
        applied = await subscribe(store, "news", "somebody 3")
        assert applied.changed
        assert (await read(direct, "news")).version == applied.version > known.version
        assert await members(direct, "news") == ["somebody 1", "somebody 2", "somebody 3"]
        assert not (await subscribe(store, "news", "somebody 3")).changed
        await store.close()


async def test_a_connection_that_is_cut_anywhere_in_a_call_does_not_show(server: StoreServer, open_at: OpenAt) -> None:
    direct = await open_at(server.port)
    with Proxy(server.port) as proxy:
        store = await open_at(proxy.port)
        await subscribe(store, "news", "first")
        for byte_count in range(1, 400, 7):
            await unsubscribe(direct, "news", "bob")
            proxy.cut_after(byte_count)
            assert (await subscribe(store, "news", "bob")).changed
            assert await members(direct, "news") == ["bob", "first"]
        await store.close()


async def test_a_network_that_is_cut_off_is_unavailable_and_comes_back(server: StoreServer, open_at: OpenAt) -> None:
    with Proxy(server.port) as proxy:
        store = await open_at(proxy.port, timeout_s=1.0)
        await subscribe(store, "news", "bob")
        proxy.stall()
        await assert_unavailable(store)
        proxy.resume()
        proxy.refuse()
        proxy.cut()
        await assert_unavailable(store)
        proxy.listen()
        assert await members(store, "news") == ["bob"]
        await store.close()
