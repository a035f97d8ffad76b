"""Passwords and rights of a Redis store: what is wrong with them is the operator's to mend."""

from pathlib import Path

import pytest

from gearhorn.errors import Misconfigured
from gearhorn.store.base import RecordKey, Store
from gearhorn.store.opening import StoreSettings, open_store
from tests.functional.store.conftest import OpenUrl
from tests.functional.store.questions import hold, members, read, settle, subscribe, wait_until
from tests.servers.stores import Redis

PASSWORD = "s3cret/?#@:%é"
QUOTED = "s3cret%2F%3F%23%40%3A%25%C3%A9"


async def test_a_password_of_any_characters_opens_the_door(tmp_path: Path, open_url: OpenUrl) -> None:
    with Redis(tmp_path, "--requirepass", PASSWORD) as server:
        store = await open_url(f"redis://:{QUOTED}@{server.address}")
        assert (await subscribe(store, "news", "bob")).changed


@pytest.mark.parametrize("login", ["", ":wrong@", "nobody:wrong@", f"nobody:{QUOTED}@"])
async def test_a_wrong_password_or_none_is_a_misconfiguration_that_shows_no_password(
    tmp_path: Path, open_url: OpenUrl, login: str
) -> None:
    with Redis(tmp_path, "--requirepass", PASSWORD) as server:
        with pytest.raises(Misconfigured, match="refuses the user or password") as caught:
            await open_url(f"redis://{login}{server.address}")
        assert "wrong" not in str(caught.value)
        assert "s3cret" not in str(caught.value)


async def test_a_password_where_none_is_wanted_is_a_misconfiguration(tmp_path: Path, open_url: OpenUrl) -> None:
    with Redis(tmp_path) as server, pytest.raises(Misconfigured, match="refuses the user or password"):
        await open_url(f"redis://:needless@{server.address}")


async def test_a_password_that_is_changed_while_running_is_a_misconfiguration(
    tmp_path: Path, open_url: OpenUrl
) -> None:
    with Redis(tmp_path) as server, server.client() as client:
        store = await open_url(f"redis://{server.address}")
        client.config_set("requirepass", "new")
        client.execute_command("CLIENT KILL TYPE NORMAL SKIPME YES")
        with pytest.raises(Misconfigured, match="refuses the user or password"):
            await store.read(["news"])


RIGHTS = "~gearhorn:* +@read +@write +@connection +evalsha +eval +time +info"


async def test_a_user_with_rights_on_the_prefix_only_can_do_everything(
    tmp_path: Path, open_url: OpenUrl, caplog: pytest.LogCaptureFixture
) -> None:
    with Redis(tmp_path) as server, server.client() as client:
        client.execute_command(f"ACL SETUSER worker on >s3cret {RIGHTS}")
        await do_everything(await open_url(f"redis://worker:s3cret@{server.address}"))
        assert caplog.messages == []


async def do_everything(store: Store) -> None:
    key = await hold(store, "a")
    await subscribe(store, "news", "bob", 1000)
    await settle(store, "news")
    assert await members(store, "news") == ["bob"]
    assert len(await store.topics()) == len(await store.subscriptions("news")) == 1
    assert (await store.renew_lease(key, 1000, "{}")).is_held
    await store.revoke_leases([key])
    await store.forget_lease(key)
    assert len(await store.leases()) == 1
    await store.release_lease(key)
    await do_everything_with_records(store)


async def do_everything_with_records(store: Store) -> None:
    key = RecordKey("test", "first")
    assert await store.claim_record(key, b"1", 1000) is None
    await store.keep_record(key, b"2", 1000, is_listed=True)
    assert (await store.read_record(key), await store.record_names("test")) == (b"2", ["first"])
    await store.keep_record(RecordKey("test", "short"), b"", 0.001, is_listed=True)
    await wait_until(lambda: is_named(store, ["first"]))
    await store.drop_record(key, b"2")
    assert await store.record_names("test") == []


async def is_named(store: Store, names: list[str]) -> bool:
    return await store.record_names("test") == names


async def test_a_user_who_may_not_ask_info_can_do_everything_and_is_told_once_what_that_means(
    tmp_path: Path, open_url: OpenUrl, caplog: pytest.LogCaptureFixture
) -> None:
    with Redis(tmp_path) as server, server.client() as client:
        client.execute_command(f"ACL SETUSER worker on >s3cret {RIGHTS} -info")
        store = await open_url(f"redis://worker:s3cret@{server.address}")
        for _ in range(2):
            await do_everything(store)
        [message] = caplog.messages
        assert "does not let its user ask INFO" in message
        assert server.address in message
        assert (await store.apply([])).held_s == 0


async def test_who_may_ask_info_does_not_trust_what_others_could_not_see(tmp_path: Path, open_url: OpenUrl) -> None:
    with Redis(tmp_path) as server, server.client() as client:
        client.execute_command(f"ACL SETUSER worker on >s3cret {RIGHTS} -info")
        blind = await open_url(f"redis://worker:s3cret@{server.address}")
        key = await hold(blind, "a")
        client.execute_command("ACL SETUSER worker +info")
        assert not (await blind.renew_lease(key, 1000, "{}")).is_held
        assert (await blind.apply([])).held_s > 0


@pytest.mark.parametrize("missing", ["resetkeys ~other:*", "-evalsha", "-@write", "-hget", "-smembers", "nocommands"])
async def test_a_user_without_the_rights_is_a_misconfiguration(tmp_path: Path, open_url: OpenUrl, missing: str) -> None:
    with Redis(tmp_path) as server, server.client() as client:
        client.execute_command(f"ACL SETUSER worker on >s3cret {RIGHTS} {missing}")
        store = open_store(StoreSettings(f"redis://worker:s3cret@{server.address}"))
        with pytest.raises(Misconfigured, match="does not permit"):
            await use(store)
        await store.close()


async def use(store: Store) -> None:
    await store.open()
    await subscribe(store, "news", "bob")
    await read(store, "news")
