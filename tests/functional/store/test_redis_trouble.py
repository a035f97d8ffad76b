"""Answers of Redis other than the one that was asked for."""

from pathlib import Path

import pytest

from gearhorn.errors import Misconfigured, StoreUnavailable
from gearhorn.store.base import Subscribe, Unsubscribe
from gearhorn.store.leases import LeaseKey
from tests.functional.store.conftest import OpenUrl
from tests.functional.store.questions import hold, read, settle, subscribe
from tests.servers.stores import Redis, Replica


async def test_a_database_that_is_not_there_is_a_misconfiguration(tmp_path: Path, open_url: OpenUrl) -> None:
    with Redis(tmp_path) as server, pytest.raises(Misconfigured, match="no database of that number"):
        await open_url(f"redis://{server.address}/99")


async def test_keys_of_somebody_else_are_a_misconfiguration(tmp_path: Path, open_url: OpenUrl) -> None:
    with Redis(tmp_path) as server, server.client() as client:
        client.set("gearhorn:queues", "something else")
        store = await open_url(f"redis://{server.address}")
        with pytest.raises(Misconfigured, match="holds something else"):
            await subscribe(store, "news", "bob")


async def test_a_cluster_is_refused(tmp_path: Path, open_url: OpenUrl) -> None:
    with Redis(tmp_path, "--cluster-enabled", "yes") as server, server.client() as client:
        client.execute_command("CLUSTER ADDSLOTSRANGE 0 16383")
        with pytest.raises(Misconfigured, match="is a Redis Cluster"):
            await open_url(f"redis://{server.address}")


async def test_a_replica_is_unavailable_for_changes_until_it_becomes_master(tmp_path: Path, open_url: OpenUrl) -> None:
    with Redis(tmp_path / "master") as master, Replica(tmp_path / "replica", master) as replica:
        store = await open_url(f"redis://{replica.address}")
        with pytest.raises(StoreUnavailable, match="read only replica"):
            await subscribe(store, "news", "bob")
        with replica.client() as client:
            client.execute_command("REPLICAOF NO ONE")
        assert (await subscribe(store, "news", "bob")).changed


async def test_a_replica_does_not_say_that_there_is_nothing_to_change(tmp_path: Path, open_url: OpenUrl) -> None:
    """What it has may be old."""
    with Redis(tmp_path / "master") as master:
        original = await open_url(f"redis://{master.address}")
        await subscribe(original, "news", "bob")
        await settle(original, "news")
        with Replica(tmp_path / "replica", master) as replica:
            store = await open_url(f"redis://{replica.address}")
            for call in (
                store.apply([Subscribe("news", "bob")]),
                store.apply([Unsubscribe("news", "alice")]),
                store.revoke_leases([LeaseKey("a", "1")]),
            ):
                with pytest.raises(StoreUnavailable, match="read only replica"):
                    await call


async def test_a_master_that_has_lost_its_replicas_refuses_what_changes_nothing_as_well(
    tmp_path: Path, open_url: OpenUrl
) -> None:
    """If it was told to. Another may have taken its place, and know better."""
    with Redis(tmp_path) as server, server.client() as client:
        store = await open_url(f"redis://{server.address}")
        key = await hold(store, "a")
        await subscribe(store, "news", "bob")
        client.config_set("min-replicas-to-write", 1)
        for call in (
            store.apply([Subscribe("news", "bob")]),
            store.apply([Unsubscribe("news", "alice")]),
            store.renew_lease(key, 1000, "{}"),
            store.revoke_leases([LeaseKey("b", "1")]),
        ):
            with pytest.raises(StoreUnavailable, match="NOREPLICAS"):
                await call


async def test_a_replica_that_has_lost_its_master_is_unavailable(tmp_path: Path, open_url: OpenUrl) -> None:
    with Redis(tmp_path / "master") as master, Replica(tmp_path / "replica", master) as replica:
        store = await open_url(f"redis://{replica.address}")
        with replica.client() as client:
            client.config_set("replica-serve-stale-data", "no")
            master.stop()
            client.execute_command("REPLICAOF 127.0.0.1 1")
        with pytest.raises(StoreUnavailable):
            await store.read(["news"])


async def test_a_server_without_memory_is_unavailable_and_nothing_is_half_done(
    tmp_path: Path, open_url: OpenUrl
) -> None:
    with Redis(tmp_path) as server, server.client() as client:
        store = await open_url(f"redis://{server.address}")
        await subscribe(store, "news", "bob")
        before = await read(store, "news")
        client.config_set("maxmemory", "1")
        with pytest.raises(StoreUnavailable, match="memory"):
            await subscribe(store, "news", "alice")
        assert await read(store, "news") == before
        client.config_set("maxmemory", "0")
        assert (await subscribe(store, "news", "alice")).changed


async def test_a_server_that_has_no_connection_left_is_unavailable(tmp_path: Path, open_url: OpenUrl) -> None:
    with Redis(tmp_path) as server, server.client() as client:
        client.config_set("maxclients", "1")
        with pytest.raises(StoreUnavailable):
            await open_url(f"redis://{server.address}")


async def test_a_host_whose_name_is_not_known_is_unavailable(open_url: OpenUrl) -> None:
    """A name that cannot be found may be found later."""
    with pytest.raises(StoreUnavailable):
        await open_url("redis://no-such-host.invalid")
