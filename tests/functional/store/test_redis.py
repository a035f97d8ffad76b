"""What people see of a Redis store from outside: keys, databases, sockets."""

from pathlib import Path

import pytest

from gearhorn.errors import StoreUnavailable
from gearhorn.store.base import Subscribe
from gearhorn.store.leases import LeaseKey, TopicVersion
from tests.functional.store.conftest import OpenUrl
from tests.functional.store.questions import apply, members, read, settle, subscribe, unsubscribe
from tests.servers.stores import Redis


async def test_lists_are_under_the_keys_that_the_contract_names(tmp_path: Path, open_url: OpenUrl) -> None:
    with Redis(tmp_path) as server, server.client() as client:
        store = await open_url(f"redis://{server.address}")
        news = await subscribe(store, "news", "bob", 1000)
        await apply(store, [Subscribe("news", "alice"), Subscribe("weather", "bob")])
        gone = await unsubscribe(store, "weather", "bob")
        assert sorted(client.keys("*")) == [
            "gearhorn:expiries",
            "gearhorn:queues",
            "gearhorn:server",
            "gearhorn:topic:news",
            "gearhorn:topics",
            "gearhorn:unsettled",
            "gearhorn:versions",
        ]
        assert client.smembers("gearhorn:topics") == {"news"}
        assert client.smembers("gearhorn:topic:news") == {"bob", "alice"}
        assert client.hgetall("gearhorn:queues") == {"news_bob": "news", "news_alice": "news"}
        assert int(client.hget("gearhorn:versions", "news") or 0) > news.version
        assert int(client.hget("gearhorn:versions", "weather") or 0) == gone.version
        assert client.zrange("gearhorn:expiries", 0, -1) == ["news_bob"]


async def test_nothing_stays_of_what_has_ended_but_versions(tmp_path: Path, open_url: OpenUrl) -> None:
    with Redis(tmp_path) as server, server.client() as client:
        store = await open_url(f"redis://{server.address}")
        await subscribe(store, "news", "bob", 1000)
        client.zadd("gearhorn:expiries", {"news_bob": 1, "a queue that nobody has": 2})
        await subscribe(store, "weather", "bob")
        await unsubscribe(store, "weather", "bob")
        for topic in ("news", "weather"):
            await settle(store, topic)
        assert sorted(client.keys("*")) == ["gearhorn:server", "gearhorn:versions"]


async def test_installations_with_other_prefixes_or_databases_do_not_meet(tmp_path: Path, open_url: OpenUrl) -> None:
    with Redis(tmp_path) as server:
        stores = [
            await open_url(f"redis://{server.address}"),
            await open_url(f"redis://{server.address}", prefix="other"),
            await open_url(f"redis://{server.address}/3"),
            await open_url(f"redis://{server.address}?db=4"),
        ]
        for number, store in enumerate(stores):
            await subscribe(store, "news", f"bob{number}")
        assert [await members(store, "news") for store in stores] == [["bob0"], ["bob1"], ["bob2"], ["bob3"]]


async def test_a_server_that_forgot_the_scripts_is_told_them_again(tmp_path: Path, open_url: OpenUrl) -> None:
    key = LeaseKey("a", "1")
    with Redis(tmp_path) as server, server.client() as client:
        store = await open_url(f"redis://{server.address}")
        for call in (
            lambda: store.open(),
            lambda: store.apply([Subscribe("news", "bob")]),
            lambda: store.read(["news"]),
            lambda: store.settle([TopicVersion("news", 1)]),
            lambda: store.take_lease(key, 1000, "{}"),
            lambda: store.renew_lease(key, 1000, "{}"),
            lambda: store.leases(),
            lambda: store.revoke_leases([key]),
            lambda: store.forget_lease(key),
            lambda: store.release_lease(key),
        ):
            client.script_flush()
            await call()
        assert await members(store, "news") == ["bob"]


async def test_a_unix_socket_will_do(tmp_path: Path, open_url: OpenUrl) -> None:
    with Redis(tmp_path, "--requirepass", "s3cret") as server:
        one = await open_url(f"unix://:s3cret@{server.socket_path}?db=2")
        two = await open_url(f"redis://:s3cret@{server.address}/2")
        await subscribe(one, "news", "bob")
        assert await members(two, "news") == ["bob"]


async def test_a_socket_that_is_not_there_is_unavailable(tmp_path: Path, open_url: OpenUrl) -> None:
    with pytest.raises(StoreUnavailable, match="no-socket"):
        await open_url(f"unix://{tmp_path}/no-socket")


async def test_versions_stay_ahead_of_those_that_a_crash_lost(tmp_path: Path, open_url: OpenUrl) -> None:
    """Without persistence a restart loses everything, and workers remember versions from before."""
    with Redis(tmp_path) as server:
        store = await open_url(f"redis://{server.address}")
        lost = await apply(store, [Subscribe("news", f"client-{number}") for number in range(100)])
        server.kill()
        server.start()
        assert (await read(store, "news")).version == 0
        assert (await subscribe(store, "news", "bob")).version > lost[-1].version


async def test_changes_come_after_every_end_however_many_there_are(tmp_path: Path, open_url: OpenUrl) -> None:
    """Redis ends 500 in one step. Nobody has read the list since, which would have ended them all."""
    with Redis(tmp_path) as server, server.client() as client:
        store = await open_url(f"redis://{server.address}")
        wishes = [Subscribe("news", f"client-{number}", 1000) for number in range(1200)]
        begun = await apply(store, wishes)
        client.zadd("gearhorn:expiries", {f"news_{wish.client_id}": 1 for wish in wishes})
        results = await apply(store, wishes)
        assert all(result.changed for result in results)
        assert results[0].version > begun[-1].version


async def test_who_leaves_while_pages_are_read_is_not_taken_for_one_who_stays(
    tmp_path: Path, open_url: OpenUrl
) -> None:
    """Between the read of the ids and that of their ends: without an end they look as if they lasted."""
    with Redis(tmp_path / "redis") as server:
        store = await open_url(f"redis://{server.address}")
        await apply(store, [Subscribe("news", "bob"), Subscribe("news", "gone", 900)])
        look_up = store._look_up  # type: ignore[attr-defined]

        async def look_up_late(*asked: object) -> object:
            await unsubscribe(store, "news", "gone")
            return await look_up(*asked)

        store._look_up = look_up_late  # type: ignore[attr-defined]
        assert [one.client_id async for page in store.subscription_pages("news") for one in page] == ["bob"]
