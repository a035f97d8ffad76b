"""What only memcached has: it forgets, it knows no long values, and a change of two values is two changes."""

import logging
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pymemcache import Client

from gearhorn.errors import Misconfigured, StoreUnavailable
from gearhorn.store.base import Collision, Store, Subscribe, TopicCount, TopicList, TopicState, Unsubscribe
from gearhorn.store.leases import LeaseKey, TopicVersion
from gearhorn.store.memcached_leases import MemcachedLeases
from tests.functional.store.conftest import OpenUrl
from tests.functional.store.questions import INFO, LONG_S, apply, hold, members, read, subscribe, unsubscribe
from tests.servers.stores import Memcached, Redis

HOSTS = [f"host-{number:05}.example.org" for number in range(10_000)]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Memcached]:
    with Memcached(tmp_path) as running:
        yield running


@pytest.fixture
def client(server: Memcached) -> Iterator[Any]:
    client = Client(("127.0.0.1", server.port), default_noreply=False, timeout=5)
    yield client
    client.close()


@pytest.fixture
async def store(server: Memcached, open_url: OpenUrl) -> Store:
    return await open_url(f"memcached://localhost:{server.port}")


def key_names(server: Memcached, kind: str) -> list[str]:
    """The keys of a kind that are in memcached."""
    return [key for key in server.list_keys() if key.startswith(f"gearhorn:{kind}:")]


async def test_a_warning_at_the_start_says_that_it_is_volatile(
    server: Memcached, open_url: OpenUrl, caplog: pytest.LogCaptureFixture
) -> None:
    await open_url(f"memcached://{server.address}")
    assert [record.levelno for record in caplog.records if "lost when it restarts" in record.message] == [
        logging.WARNING
    ]


async def test_versions_stay_ahead_of_those_from_before_memcached_was_emptied(store: Store, client: Any) -> None:
    before = await apply(store, [Subscribe("news", f"client-{number}") for number in range(100)])
    client.flush_all()
    assert await store.read(["news"]) == [TopicList(0, [])]
    assert (await subscribe(store, "news", "bob")).version > before[-1].version
    assert await members(store, "news") == ["bob"]


async def test_the_chunks_of_a_long_list_are_replaced_and_leave_no_rubbish(store: Store, server: Memcached) -> None:
    await apply(store, [Subscribe("news", host) for host in HOSTS])
    many = len(key_names(server, "chunk"))
    assert many > 2
    for host in HOSTS[::500]:
        await unsubscribe(store, "news", host)
    assert len(key_names(server, "chunk")) == many
    await apply(store, [Subscribe("other", "bob")])
    await store.apply([*(Subscribe("news", f"x-{number}") for number in range(10))])
    assert len(key_names(server, "chunk")) <= many + 1


async def test_a_list_that_has_become_short_is_in_its_root_again(store: Store, server: Memcached) -> None:
    await apply(store, [Subscribe("news", host) for host in HOSTS])
    await apply(store, [Unsubscribe("news", host) for host in HOSTS[10:]])
    assert await members(store, "news") == HOSTS[:10]
    await unsubscribe(store, "news", HOSTS[0])  # what is left is read in order to be changed
    assert await members(store, "news") == HOSTS[1:10]
    assert key_names(server, "chunk") == []


async def test_changes_of_a_topic_that_are_made_in_several_steps_are_told_as_one(store: Store) -> None:
    before = await subscribe(store, "news", "bob")
    outcome = await store.apply([Subscribe("news", host) for host in HOSTS])
    assert outcome.topics == {"news": TopicState(before.version, (await read(store, "news")).version, False)}


async def test_the_leases_that_a_change_is_told_of_are_looked_at_when_it_is_made(store: Any, open_url: OpenUrl) -> None:
    """One that was taken before may have read the list from before."""
    make = store._lists.apply
    other = MemcachedLeases(store._peers, "gearhorn", 5)

    def make_and_take(*arguments: Any) -> Any:
        made = make(*arguments)
        other.take(LeaseKey("a", "1"), LONG_S, INFO, [])
        return made

    store._lists.apply = make_and_take
    assert [lease.key for lease in (await store.apply([Subscribe("news", "bob")])).leases] == [LeaseKey("a", "1")]


async def test_a_chunk_that_memcached_has_thrown_out_is_a_change_and_not_the_end(
    store: Store, server: Memcached, client: Any, caplog: pytest.LogCaptureFixture
) -> None:
    await apply(store, [Subscribe("news", host) for host in HOSTS])
    before = await read(store, "news")
    chunks = key_names(server, "chunk")
    client.delete(chunks[0])
    after = await read(store, "news")
    assert 0 < len(after.client_ids) < len(before.client_ids)
    assert after.version > before.version
    assert "lost a part" in caplog.text
    assert [item.subscriber_count for item in await store.topics()] == [len(after.client_ids)]
    results = await apply(store, [Subscribe("news", host) for host in HOSTS])
    assert sum(result.changed for result in results) == len(before.client_ids) - len(after.client_ids)
    assert await members(store, "news") == HOSTS


async def test_a_topic_whose_name_is_forgotten_is_listed_again_after_a_change(store: Store, client: Any) -> None:
    await subscribe(store, "news", "bob")
    for number in range(64):
        client.delete(f"gearhorn:topics:{number}")
    assert await store.topics() == []
    await subscribe(store, "news", "alice")
    assert await store.topics() == [TopicCount("news", 2)]


async def test_a_claim_that_is_forgotten_is_made_again_by_a_renewal(store: Store, client: Any) -> None:
    await subscribe(store, "a_b", "c")
    client.delete("gearhorn:queue:a_b_c")
    await subscribe(store, "a_b", "c")
    assert (await store.apply([Subscribe("a", "b_c")])).results == [Collision("a_b")]


async def test_what_leaves_the_list_leaves_no_claim(store: Store, server: Memcached) -> None:
    await subscribe(store, "a_b", "c")
    assert len(key_names(server, "queue")) == 1
    await unsubscribe(store, "a_b", "c")
    assert key_names(server, "queue") == []


async def test_no_claim_is_made_for_a_queue_that_no_other_pair_can_have(store: Store, server: Memcached) -> None:
    await subscribe(store, "news", "bob")
    assert key_names(server, "queue") == []


async def test_a_claim_left_by_a_crash_does_not_hold_up_its_own_pair(store: Store, client: Any) -> None:
    client.set("gearhorn:queue:a_b_c", b"%d\ta_b" % 10**18)
    assert (await subscribe(store, "a_b", "c")).changed
    assert (await store.apply([Subscribe("a", "b_c")])).results == [Collision("a_b")]


async def test_a_claim_left_by_a_crash_holds_up_another_pair_for_a_while_only(store: Store, client: Any) -> None:
    now_us = (await subscribe(store, "clock", "bob")).version
    client.set("gearhorn:queue:a_b_c", b"%d\ta_b" % now_us)
    assert (await store.apply([Subscribe("a", "b_c")])).results == [Collision("a_b")]
    client.set("gearhorn:queue:a_b_c", b"%d\ta_b" % (now_us - 61_000_000))
    assert (await subscribe(store, "a", "b_c")).changed
    assert (await store.apply([Subscribe("a_b", "c")])).results == [Collision("a")]


@pytest.mark.parametrize("key", ["topic:news", "topic:a_b", "queue:a_b_c", "topics:16", "topics:42"])
async def test_keys_of_somebody_else_are_a_misconfiguration(store: Store, client: Any, key: str) -> None:
    client.set(f"gearhorn:{key}", b"\xff\xfe")
    with pytest.raises(Misconfigured, match=f"something else under the key gearhorn:{key}"):
        await store.apply([Subscribe("news", "bob"), Subscribe("a_b", "c")])


@pytest.mark.parametrize("key", ["leases", "agenda:42"])
async def test_keys_of_somebody_else_are_a_misconfiguration_for_leases_too(store: Store, client: Any, key: str) -> None:
    client.set(f"gearhorn:{key}", b"\xff\xfe")
    with pytest.raises(Misconfigured, match=f"something else under the key gearhorn:{key}"):
        await store.renew_lease(await hold(store, "a"), LONG_S, INFO)


async def test_a_chunk_that_somebody_else_has_written_is_a_misconfiguration(
    store: Store, server: Memcached, client: Any
) -> None:
    await apply(store, [Subscribe("news", host) for host in HOSTS])
    client.set(key_names(server, "chunk")[0], b"bob\tnever")
    with pytest.raises(Misconfigured, match="something else under the key gearhorn:chunk:"):
        await store.read(["news"])


async def test_something_that_is_no_memcached_is_a_misconfiguration(tmp_path: Path, open_url: OpenUrl) -> None:
    with Redis(tmp_path / "redis") as redis, pytest.raises(Misconfigured, match="no memcached"):
        await open_url(f"memcached://{redis.address}")


async def test_a_memcached_that_wants_a_password_is_a_misconfiguration(tmp_path: Path, open_url: OpenUrl) -> None:
    (tmp_path / "users").write_text("worker:s3cret\n")
    with (
        Memcached(tmp_path / "locked", "-Y", str(tmp_path / "users")) as server,
        pytest.raises(Misconfigured, match="refuses"),
    ):
        await open_url(f"memcached://{server.address}")


async def test_a_memcached_that_is_full_and_throws_nothing_out_is_unavailable(
    tmp_path: Path, open_url: OpenUrl
) -> None:
    with Memcached(tmp_path / "small", "-M", "-m", "2", "-I", "512k") as server:
        store = await open_url(f"memcached://{server.address}")
        fill = [Subscribe(f"topic-{number}", host) for number in range(100) for host in HOSTS[:2000]]
        with pytest.raises(StoreUnavailable, match="out of memory"):
            await store.apply(fill)


async def test_several_servers_share_the_keys_in_whatever_order_they_are_named(
    tmp_path: Path, open_url: OpenUrl
) -> None:
    with Memcached(tmp_path / "1") as one, Memcached(tmp_path / "2") as two, Memcached(tmp_path / "3") as three:
        store = await open_url(f"memcached://{one.address},{two.address},{three.address}")
        same = await open_url(f"memcached://{three.address},{one.address},{two.address}")
        topics = [f"topic_{number}" for number in range(30)]
        await apply(store, [Subscribe(topic, "bob") for topic in topics])
        assert [found.client_ids for found in await same.read(topics)] == [[b"bob"]] * len(topics)
        assert len(await same.topics()) == len(topics)
        assert all(key_names(server, "topic") for server in (one, two, three))


async def test_a_server_that_is_away_is_not_stood_in_for_by_another(tmp_path: Path, open_url: OpenUrl) -> None:
    with Memcached(tmp_path / "1") as one, Memcached(tmp_path / "2") as two:
        store = await open_url(f"memcached://{one.address},{two.address}")
        topics = [f"topic-{number}" for number in range(30)]
        await apply(store, [Subscribe(topic, "bob") for topic in topics])
        here = {name.rpartition(":")[2] for name in key_names(one, "topic")}
        two.stop()
        for topic in topics:
            if topic in here:
                assert await members(store, topic) == ["bob"]
            else:
                with pytest.raises(StoreUnavailable):
                    await store.read([topic])
        assert 0 < len(here) < len(topics)
        two.start()
        assert (await read(store, next(topic for topic in topics if topic not in here))).version == 0


async def test_a_lease_is_renewed_although_a_server_is_away_that_has_a_part_of_the_lists(
    tmp_path: Path, open_url: OpenUrl
) -> None:
    with Memcached(tmp_path / "1") as one, Memcached(tmp_path / "2") as two:
        store = await open_url(f"memcached://{one.address},{two.address}")
        key = await hold(store, "a")
        [other] = [server for server in (one, two) if "gearhorn:leases" not in server.list_keys()]
        other.stop()
        assert (await store.renew_lease(key, LONG_S, INFO)).is_held
        other.start()
        [changed] = (await store.apply([Subscribe("news", "bob")])).topics.values()
        assert list((await store.renew_lease(key, 0, INFO)).unsettled) == [TopicVersion("news", changed.version)]


async def test_all_addresses_of_a_name_are_tried(
    server: Memcached, open_url: OpenUrl, monkeypatch: pytest.MonkeyPatch
) -> None:
    """localhost is ::1 first in many places, where memcached does not listen unless told to."""
    look_up = socket.getaddrinfo

    def look_up_both(host: str, *arguments: Any, **named: Any) -> list[Any]:
        names = ["::1", "127.0.0.1"] if host == "both.test" else [host]
        return [found for name in names for found in look_up(name, *arguments, **named)]

    monkeypatch.setattr(socket, "getaddrinfo", look_up_both)
    store = await open_url(f"memcached://both.test:{server.port}")
    assert (await subscribe(store, "news", "bob")).changed
