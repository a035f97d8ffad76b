"""A master that sentinels know by name, and another that takes its place."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis as Client

from gearhorn.errors import Misconfigured, StoreUnavailable
from gearhorn.store.base import Store
from gearhorn.store.leases import LeaseKey
from tests.functional.store.conftest import OpenUrl
from tests.functional.store.questions import INFO, LONG_S, hold, holders, members, subscribe, wait_until
from tests.servers.ports import PortReservation
from tests.servers.stores import Redis, Replica, Sentinel


@pytest.fixture
def master(tmp_path: Path) -> Iterator[Redis]:
    with Redis(tmp_path / "master") as server:
        yield server


@pytest.fixture
def sentinel(tmp_path: Path, master: Redis) -> Iterator[Sentinel]:
    with Sentinel(tmp_path / "sentinel", master) as server:
        yield server


async def test_the_master_is_found_by_its_name(master: Redis, sentinel: Sentinel, open_url: OpenUrl) -> None:
    store = await open_url(f"redis+sentinel://{sentinel.address}/mymaster/3")
    direct = await open_url(f"redis://{master.address}/3")
    await subscribe(store, "news", "bob")
    assert await members(direct, "news") == ["bob"]


async def test_when_the_master_is_lost_the_store_works_on_the_new_one(
    tmp_path: Path, master: Redis, open_url: OpenUrl
) -> None:
    # The sentinel asks for replicas when it starts, and then every ten seconds.
    with Replica(tmp_path / "replica", master) as replica, Sentinel(tmp_path / "sentinel", master) as sentinel:
        sentinel.wait_for_replica(replica)
        store = await open_url(f"redis+sentinel://{sentinel.address}/mymaster", timeout_s=1)
        before = await subscribe(store, "news", "bob")
        with replica.client() as client:
            await wait_until_copied(client, "bob")
        master.kill()
        with pytest.raises(StoreUnavailable):
            await subscribe(store, "news", "too early")
        await wait_until(lambda: can_subscribe(store, "news", "alice"))
        assert {"alice", "bob"} <= set(await members(store, "news"))
        assert (await subscribe(store, "news", "carol")).version > before.version
        assert b"role:master" in replica.ask("INFO replication")


async def test_when_the_master_is_lost_changes_wait_for_leases_that_the_new_one_may_not_know(
    tmp_path: Path, master: Redis, open_url: OpenUrl
) -> None:
    with Replica(tmp_path / "replica", master) as replica, Sentinel(tmp_path / "sentinel", master) as sentinel:
        sentinel.wait_for_replica(replica)
        store = await open_url(f"redis+sentinel://{sentinel.address}/mymaster", timeout_s=1)
        key = await hold(store, "a")
        await subscribe(store, "news", "bob")
        with replica.client() as client:
            await wait_until_copied(client, "bob")
        master.kill()
        await wait_until(lambda: can_subscribe(store, "news", "alice"))
        assert 0 < (await store.apply([])).held_s <= LONG_S
        assert (await holders(store))["a"].is_revoked
        assert not (await store.renew_lease(key, LONG_S, INFO)).is_held
        assert await store.take_lease(LeaseKey("a", "2"), LONG_S, INFO, [key.token]) is None
        assert (await store.renew_lease(LeaseKey("a", "2"), LONG_S, INFO)).is_held


async def wait_until_copied(client: Client, member: str) -> None:
    async def is_copied() -> bool:
        return bool(client.sismember("gearhorn:topic:news", member))

    await wait_until(is_copied)


async def can_subscribe(store: Store, topic: str, client_id: str) -> bool:
    try:
        await subscribe(store, topic, client_id)
    except StoreUnavailable:
        return False
    return True


async def test_one_sentinel_of_several_will_do(sentinel: Sentinel, open_url: OpenUrl) -> None:
    nobody = PortReservation()
    store = await open_url(f"redis+sentinel://127.0.0.1:{nobody.port},{sentinel.address}/mymaster", timeout_s=1)
    assert (await subscribe(store, "news", "bob")).changed
    nobody.release()


async def test_a_sentinel_that_hangs_leaves_time_for_the_next(
    tmp_path: Path, master: Redis, sentinel: Sentinel, open_url: OpenUrl
) -> None:
    with Sentinel(tmp_path / "hanging", master) as hanging:
        hanging.signal(signal.SIGSTOP)
        store = await open_url(f"redis+sentinel://{hanging.address},{sentinel.address}/mymaster", timeout_s=2)
        assert (await subscribe(store, "news", "bob")).changed


async def test_a_master_that_no_sentinel_knows_is_unavailable(sentinel: Sentinel, open_url: OpenUrl) -> None:
    with pytest.raises(StoreUnavailable, match="no sentinel answers that knows it"):
        await open_url(f"redis+sentinel://{sentinel.address}/another")


async def test_sentinels_that_are_away_are_unavailable_and_no_password_is_shown(open_url: OpenUrl) -> None:
    nobody = PortReservation()
    options = "sentinel_username=worker&sentinel_password=s3cret"
    with pytest.raises(StoreUnavailable) as caught:
        await open_url(f"redis+sentinel://:s3cret@127.0.0.1:{nobody.port}/mymaster?{options}")
    assert "s3cret" not in str(caught.value)
    nobody.release()


async def test_passwords_of_the_master_and_of_the_sentinels_are_two_things(tmp_path: Path, open_url: OpenUrl) -> None:
    secrets = ("--requirepass", "masters")
    with (
        Redis(tmp_path / "master", *secrets) as master,
        Sentinel(
            tmp_path / "sentinel", master, "requirepass sentinels", "sentinel auth-pass mymaster masters"
        ) as sentinel,
    ):
        place = f"{sentinel.address}/mymaster"
        store = await open_url(f"redis+sentinel://:masters@{place}?sentinel_password=sentinels")
        assert (await subscribe(store, "news", "bob")).changed
        with pytest.raises(Misconfigured, match="refuses the user or password"):
            await open_url(f"redis+sentinel://:wrong@{place}?sentinel_password=sentinels")
        for options in ("", "?sentinel_password=wrong"):
            with pytest.raises(Misconfigured, match="a sentinel refuses"):
                await open_url(f"redis+sentinel://:masters@{place}{options}")
