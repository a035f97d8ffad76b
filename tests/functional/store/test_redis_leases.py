"""Leases in Redis as people see them from outside, when its memory is full, and when an answer is lost."""

import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import redis

from gearhorn.errors import StoreUnavailable
from gearhorn.store.base import UNKNOWN_VERSION, Store, Subscribe
from gearhorn.store.leases import LeaseKey, Renewal, TopicVersion
from gearhorn.store.redis_lease_scripts import TOPICS_PER_RENEWAL
from tests.functional.store.conftest import OpenUrl
from tests.functional.store.questions import (
    INFO,
    LONG_S,
    SHORT_S,
    hold,
    holders,
    let_run_out,
    read,
    renew,
    settle,
    state,
    subscribe,
)
from tests.servers.proxy import Proxy
from tests.servers.stores import Redis

A = LeaseKey("a", "first")


async def test_leases_are_under_the_keys_that_are_documented(tmp_path: Path, open_url: OpenUrl) -> None:
    with Redis(tmp_path) as server, server.client() as client:
        store = await open_url(f"redis://{server.address}")
        await store.take_lease(A, LONG_S, INFO)
        await store.revoke_leases([await hold(store, "b", 2 * LONG_S)])
        await let_run_out(store, await hold(store, "c", SHORT_S, "third"))
        assert (await store.renew_lease(A, LONG_S, INFO)).run_out == [LeaseKey("c", "third")]
        now_s = int(client.time()[0])
        ends_s = client.zrange("gearhorn:leases", 0, -1, withscores=True)
        assert [worker_id for worker_id, _ in ends_s] == ["c", "a", "b"]
        assert ends_s[0][1] <= now_s + 1 < now_s + LONG_S - 100 < ends_s[1][1] <= now_s + 1 + LONG_S
        assert client.hgetall("gearhorn:tokens") == {"a": "first", "b": "1", "c": "third"}
        assert {json.loads(info)["host"] for info in client.hvals("gearhorn:infos")} == {"web-1"}
        assert client.smembers("gearhorn:revoked") == {"b"}
        assert now_s - 100 < (client.zscore("gearhorn:removals", "c") or 0) <= now_s + 1
        found = client.hgetall("gearhorn:server")
        assert f"master_replid:{found['replication_id']}\r\n".encode() in server.ask("INFO replication")
        assert now_s - 100 < float(found["since"]) <= now_s + 1
        assert (float(found["longest_ttl"]), float(found["held_until"])) == (2 * LONG_S, 0)


async def test_nothing_stays_of_leases_that_are_over(tmp_path: Path, open_url: OpenUrl) -> None:
    with Redis(tmp_path) as server, server.client() as client:
        store = await open_url(f"redis://{server.address}")
        released, dead = await hold(store, "released"), await hold(store, "dead", SHORT_S)
        await store.revoke_leases([released, dead])
        await store.release_lease(released)
        await let_run_out(store, dead)
        assert (await store.renew_lease(await hold(store, "a"), LONG_S, INFO)).run_out == [dead]
        await store.forget_lease(dead)
        await store.release_lease(LeaseKey("a", "1"))
        assert client.keys("*") == ["gearhorn:server"]


async def test_a_lease_that_is_taken_over_is_not_the_one_that_was_to_be_removed(
    tmp_path: Path, open_url: OpenUrl
) -> None:
    with Redis(tmp_path) as server, server.client() as client:
        store = await open_url(f"redis://{server.address}")
        dead = await let_run_out(store, await hold(store, "dead", SHORT_S))
        assert (await renew(store, A)).run_out == [dead]
        again = await let_run_out(store, await hold(store, "dead", SHORT_S, "second"))
        assert client.zcard("gearhorn:removals") == 0
        assert (await renew(store, A)).run_out == [again]


async def test_unsettled_topics_are_listed_with_the_time_of_their_claim(tmp_path: Path, open_url: OpenUrl) -> None:
    with Redis(tmp_path) as server, server.client() as client:
        store = await open_url(f"redis://{server.address}")
        for topic in ("changed", "settled", "ended", "read"):
            await subscribe(store, topic, "bob", 1000)
            await settle(store, topic)
        for topic in ("changed", "settled"):
            await subscribe(store, topic, "alice")
        await settle(store, "settled")
        client.zadd("gearhorn:expiries", {"ended_bob": 1})
        await subscribe(store, "changed", "carol")
        client.zadd("gearhorn:expiries", {"read_bob": 1})
        await read(store, "read")
        claims = dict(client.zrange("gearhorn:unsettled", 0, -1, withscores=True))
        assert claims == {"ended": 0, "read": 0, "changed": claims["changed"]}
        assert int(client.time()[0]) - 100 < claims["changed"] <= int(client.time()[0]) + 1


async def test_an_end_takes_back_the_claim_of_the_change_before(tmp_path: Path, open_url: OpenUrl) -> None:
    """Who made that one settles a version that is not there any more."""
    with Redis(tmp_path) as server, server.client() as client:
        store = await open_url(f"redis://{server.address}")
        await subscribe(store, "news", "bob", 1000)
        client.zadd("gearhorn:expiries", {"news_bob": 1})
        version = (await read(store, "news")).version
        assert (await renew(store, A)).unsettled == [TopicVersion("news", version)]


async def test_more_than_one_renewal_can_see_to_goes_to_the_next(tmp_path: Path, open_url: OpenUrl) -> None:
    topics = {f"topic-{number}" for number in range(TOPICS_PER_RENEWAL + 200)}
    with Redis(tmp_path) as server, server.client() as client:
        store = await open_url(f"redis://{server.address}")
        await store.apply([Subscribe(topic, "bob") for topic in topics])
        client.zadd("gearhorn:unsettled", dict.fromkeys(topics, 0))
        handed = [(await renew(store, A)).unsettled for _ in range(3)]
        assert [len(found) for found in handed] == [TOPICS_PER_RENEWAL, 200, 0]
        assert {found.topic for found in (*handed[0], *handed[1])} == topics
        versions = {topic: int(version) for topic, version in client.hgetall("gearhorn:versions").items()}
        assert all(versions[topic] == version for topic, version in (*handed[0], *handed[1]))


async def test_settling_any_number_of_topics_settles_all(tmp_path: Path, open_url: OpenUrl) -> None:
    with Redis(tmp_path) as server, server.client() as client:
        store = await open_url(f"redis://{server.address}")
        outcome = await store.apply([Subscribe(f"topic-{number}", "bob") for number in range(1201)])
        await store.settle([TopicVersion(topic, state.version) for topic, state in outcome.topics.items()])
        assert client.zcard("gearhorn:unsettled") == 0


async def test_a_call_without_changes_tells_who_holds_leases(tmp_path: Path, open_url: OpenUrl) -> None:
    with Redis(tmp_path) as server:
        store = await open_url(f"redis://{server.address}")
        await store.take_lease(A, LONG_S, INFO)
        assert [lease.key for lease in (await store.apply([])).leases] == [A]


async def test_changes_that_take_several_calls_are_told_as_one(tmp_path: Path, open_url: OpenUrl) -> None:
    with Redis(tmp_path) as server:
        store = await open_url(f"redis://{server.address}")
        before = (await subscribe(store, "news", "bob")).version
        outcome = await store.apply([Subscribe("news", f"client-{number}") for number in range(1201)])
        assert outcome.topics["news"].old_version == before
        assert outcome.topics["news"].version == (await read(store, "news")).version == outcome.results[-1].version


async def test_many_leases_are_all_told(tmp_path: Path, open_url: OpenUrl) -> None:
    """More than one command of Lua can take."""
    with Redis(tmp_path) as server, server.client() as client:
        store = await open_url(f"redis://{server.address}")
        await store.take_lease(A, LONG_S, INFO)
        names = [f"worker-{number:05}" for number in range(12_000)]
        client.zadd("gearhorn:leases", dict.fromkeys(names, client.time()[0] + LONG_S))
        client.hset("gearhorn:tokens", mapping={name: f"token of {name}" for name in names})
        expected = [A, *(LeaseKey(name, f"token of {name}") for name in names)]
        assert [lease.key for lease in await store.leases()] == expected
        assert sorted(lease.key for lease in (await store.apply([])).leases) == expected


FULL_CALLS: dict[str, Callable[[Store], Awaitable[object]]] = {
    "take": lambda store: store.take_lease(LeaseKey("b", "1"), LONG_S, INFO),
    "renew": lambda store: store.renew_lease(A, 2 * LONG_S, "{}"),
    "apply": lambda store: store.apply([Subscribe("news", "alice")]),
}


async def test_a_server_without_memory_still_tells_of_leases_and_ends_them(tmp_path: Path, open_url: OpenUrl) -> None:
    with Redis(tmp_path) as server, server.client() as client:
        store = await open_url(f"redis://{server.address}")
        await store.take_lease(A, LONG_S, INFO)
        version = (await subscribe(store, "news", "bob")).version
        client.config_set("maxmemory", "1")
        other = await open_url(f"redis://{server.address}")
        assert [lease.key for lease in await other.leases()] == [A]
        assert list(await holders(other)) == ["a"]
        await other.settle([TopicVersion("news", version)])
        assert (await state(other, Subscribe("news", "bob"))).is_settled
        await other.release_lease(A)
        assert await other.leases() == []


@pytest.mark.parametrize("name", FULL_CALLS)
async def test_a_server_without_memory_is_unavailable_and_nothing_of_leases_is_half_done(
    tmp_path: Path, open_url: OpenUrl, name: str
) -> None:
    with Redis(tmp_path) as server, server.client() as client:
        store = await open_url(f"redis://{server.address}")
        await store.take_lease(A, LONG_S, INFO)
        await subscribe(store, "news", "bob")
        before = dump(server)
        client.config_set("maxmemory", "1")
        with pytest.raises(StoreUnavailable, match="memory"):
            await FULL_CALLS[name](store)
        assert dump(server) == before
        client.config_set("maxmemory", "0")
        await FULL_CALLS[name](store)


def dump(server: Redis) -> dict[bytes, bytes | None]:
    with redis.Redis(unix_socket_path=str(server.socket_path)) as client:
        return {key: client.dump(key) for key in client.keys("*")}


async def lose_answer_after(proxy: Proxy, question: Callable[[], Awaitable[object]]) -> None:
    """To the next question, which is as long as this one: the connection is cut when all of it has passed."""
    before_count = proxy.bytes_to_server_count
    await question()
    proxy.cut_after(proxy.bytes_to_server_count - before_count)


async def test_a_change_whose_answer_is_lost_comes_from_an_unknown_version(tmp_path: Path, open_url: OpenUrl) -> None:
    with Redis(tmp_path) as server, Proxy(server.port) as proxy:
        store = await open_url(f"redis://{proxy.address}")
        await subscribe(store, "news", "somebody 1")
        await lose_answer_after(proxy, lambda: subscribe(store, "news", "somebody 2"))
        found = await state(store, Subscribe("news", "somebody 3"))
        assert found == (UNKNOWN_VERSION, (await read(store, "news")).version, False)
        await store.close()


async def test_a_lease_whose_answer_is_lost_is_taken(tmp_path: Path, open_url: OpenUrl) -> None:
    with Redis(tmp_path) as server, Proxy(server.port) as proxy:
        store = await open_url(f"redis://{proxy.address}")
        await hold(store, "worker-1")
        await lose_answer_after(proxy, lambda: hold(store, "worker-2"))
        key = await hold(store, "worker-3")
        assert (await store.renew_lease(key, LONG_S, INFO)).is_held
        assert len(await store.leases()) == 3
        await store.close()


async def test_a_renewal_whose_answer_is_lost_is_made(tmp_path: Path, open_url: OpenUrl) -> None:
    with Redis(tmp_path) as server, Proxy(server.port) as proxy:
        store = await open_url(f"redis://{proxy.address}")
        await store.take_lease(A, LONG_S, INFO)
        await store.renew_lease(A, LONG_S, INFO)
        await lose_answer_after(proxy, lambda: store.renew_lease(A, LONG_S, INFO))
        assert await store.renew_lease(A, LONG_S, INFO) == Renewal(True, [], [])
        await store.close()
