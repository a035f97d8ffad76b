"""Calls that reach Redis after their sender gave them up: nobody knows any more whether they are wanted."""

from pathlib import Path

import pytest

from gearhorn.errors import StoreUnavailable
from gearhorn.store.base import Store, Subscribe, Unsubscribe
from tests.functional.store.conftest import OpenUrl
from tests.servers.process import wait_until
from tests.servers.proxy import Proxy
from tests.servers.stores import Redis

BOB = Subscribe("news", "bob")


def call_count(server: Redis) -> int:
    with server.client() as client:
        return int(client.info("commandstats")["cmdstat_evalsha"]["calls"])


async def client_ids(store: Store) -> list[bytes]:
    return list((await store.read(["news"]))[0].client_ids)


async def test_a_change_that_the_network_held_back_does_not_undo_a_later_one(tmp_path: Path, open_url: OpenUrl) -> None:
    with Redis(tmp_path) as server, Proxy(server.port) as network:
        cut_off = await open_url(f"redis://{network.address}", timeout_s=0.3)
        store = await open_url(f"redis://{server.address}")
        await cut_off.apply([Unsubscribe("news", "bob")])  # makes the script known
        network.stall()
        with pytest.raises(StoreUnavailable):
            await cut_off.apply([BOB])
        await store.apply([BOB])
        await store.apply([Unsubscribe("news", "bob")])
        before_count = call_count(server)
        network.resume()
        wait_until(lambda: call_count(server) > before_count, "the call to arrive")
        assert await client_ids(store) == []
        await cut_off.apply([BOB])
        assert await client_ids(store) == [b"bob"]


async def test_a_server_whose_clock_was_put_forward_is_asked_twice(tmp_path: Path, open_url: OpenUrl) -> None:
    with Redis(tmp_path) as server:
        store = await open_url(f"redis://{server.address}")
        store._calls._server_ahead_s -= 3600  # type: ignore[attr-defined]
        await store.apply([BOB])
        assert await client_ids(store) == [b"bob"]
