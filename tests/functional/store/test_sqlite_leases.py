"""What only SQLite has of leases: a clock of the whole machine, its restarts, and what is written when."""

import asyncio
import os
import signal
import sqlite3
import time
from pathlib import Path

import pytest

from gearhorn.store import sqlite
from gearhorn.store.base import Applied, Subscribe, TopicState, Unsubscribe
from gearhorn.store.boots import boot_id
from gearhorn.store.leases import LOST, LeaseKey, TopicVersion
from gearhorn.store.opening import StoreSettings, open_store
from gearhorn.store.sqlite_schema import enter_boot
from tests.functional.store.conftest import OpenUrl
from tests.functional.store.questions import (
    INFO,
    LONG_S,
    hold,
    holders,
    is_settled,
    let_end,
    read,
    settle,
    subscribe,
)
from tests.functional.store.test_sqlite import run_processes

A = LeaseKey("a", "1")


def hold_and_die(url: str) -> None:
    async def run() -> None:
        store = open_store(StoreSettings(url))
        await store.open()
        await hold(store, "a")
        os.kill(os.getpid(), signal.SIGKILL)

    asyncio.run(run())


async def test_a_lease_outlives_the_process_that_took_it(tmp_path: Path, open_url: OpenUrl) -> None:
    begun_s = time.monotonic()
    url = f"sqlite:///{tmp_path}/lists.db"
    assert run_processes(hold_and_die, (url,)) == [-signal.SIGKILL]
    store = await open_url(url)
    assert list(await holders(store)) == ["a"]
    [left_s] = await store.revoke_leases([A])
    assert LONG_S - (time.monotonic() - begun_s) <= left_s <= LONG_S


def leave_to_another_boot(path: Path) -> None:
    with sqlite3.connect(path) as other:
        other.execute("UPDATE boot SET id = 'another'")
    other.close()


async def test_a_lease_from_before_a_restart_of_the_machine_has_run_out(tmp_path: Path, open_url: OpenUrl) -> None:
    url = f"sqlite:///{tmp_path}/lists.db"
    store = await open_url(url)
    await store.take_lease(A, 1e9, INFO)
    await store.close()
    leave_to_another_boot(tmp_path / "lists.db")
    again = await open_url(url)
    [lease] = await again.leases()
    assert (lease.key, lease.info) == (A, INFO)
    assert lease.left_s <= 0
    assert await holders(again) == {}
    assert await again.renew_lease(A, LONG_S, INFO) == LOST
    b = await hold(again, "b")
    assert (await again.renew_lease(b, LONG_S, INFO)).run_out == [A]


async def test_claims_from_before_a_restart_of_the_machine_are_void(tmp_path: Path, open_url: OpenUrl) -> None:
    url = f"sqlite:///{tmp_path}/lists.db"
    store = await open_url(url)
    changed = await subscribe(store, "news", "bob")
    dead = await hold(store, "dead", 0.0)
    a = await hold(store, "a")
    assert await store.renew_lease(a, LONG_S, INFO) == (True, [], [dead])
    await store.close()
    leave_to_another_boot(tmp_path / "lists.db")
    again = await open_url(url)
    b = await hold(again, "b")
    renewal = await again.renew_lease(b, LONG_S, INFO)
    assert renewal == (True, [TopicVersion("news", changed.version)], [a, dead])


async def test_who_comes_second_after_a_restart_of_the_machine_ends_nothing(tmp_path: Path, open_url: OpenUrl) -> None:
    """Two that come at the same time both find that the machine was started again."""
    store = await open_url(f"sqlite:///{tmp_path}/lists.db")
    await hold(store, "a")
    await store._ask(lambda file: enter_boot(file.db, boot_id()))  # type: ignore[attr-defined]
    assert list(await holders(store)) == ["a"]


async def test_a_clock_that_somebody_sets_does_not_touch_leases(
    tmp_path: Path, open_url: OpenUrl, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await open_url(f"sqlite:///{tmp_path}/lists.db")
    await hold(store, "a")
    changed = await subscribe(store, "news", "bob")
    real = time.time
    for jump_s in (-2 * LONG_S, 2 * LONG_S):
        monkeypatch.setattr(time, "time", lambda jump_s=jump_s: real() + jump_s)
        assert 0 < (await holders(store))["a"].left_s <= LONG_S
        assert await store.renew_lease(A, LONG_S, INFO) == (True, [], [])
    assert (await read(store, "news")).version == changed.version


async def test_only_what_changes_something_is_written(tmp_path: Path, open_url: OpenUrl) -> None:
    store = await open_url(f"sqlite:///{tmp_path}/lists.db")
    await store.apply([Subscribe("news", "bob"), Subscribe("settled", "bob"), Subscribe("a_b", "c")])
    await settle(store, "settled")
    await hold(store, "a")
    other = sqlite3.connect(tmp_path / "lists.db", isolation_level=None)

    def data_version() -> object:  # https://www.sqlite.org/pragma.html#pragma_data_version
        return other.execute("PRAGMA data_version").fetchone()

    before = data_version()
    for topic in ("news", "settled"):
        await store.apply([Subscribe(topic, "bob"), Unsubscribe(topic, "alice")])
    await store.apply([Subscribe("a", "b_c"), Unsubscribe("unused", "bob")])
    await store.settle([TopicVersion("news", 1), TopicVersion("settled", 1)])
    stranger = LeaseKey("a", "2")
    await store.take_lease(stranger, LONG_S, INFO)
    assert await store.renew_lease(stranger, LONG_S, INFO) == LOST
    await store.release_lease(stranger)
    assert await store.revoke_leases([stranger]) == [0]
    await store.forget_lease(A)
    await store.leases()
    assert data_version() == before
    await store.renew_lease(A, LONG_S, INFO)
    assert data_version() != before
    other.close()


async def test_what_a_lost_renewal_finds_is_left_to_others(tmp_path: Path, open_url: OpenUrl) -> None:
    store = await open_url(f"sqlite:///{tmp_path}/lists.db")
    version = await let_end(store, "news")
    assert await store.renew_lease(A, LONG_S, INFO) == LOST
    await hold(store, "a")
    assert await store.renew_lease(A, LONG_S, INFO) == (True, [TopicVersion("news", version)], [])


async def test_many_changes_are_told_as_one_though_they_are_made_in_several_transactions(
    tmp_path: Path, open_url: OpenUrl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "CHANGES_PER_TRANSACTION", 2)
    store = await open_url(f"sqlite:///{tmp_path}/lists.db")
    await hold(store, "a")
    before = (await subscribe(store, "news", "bob")).version
    await subscribe(store, "kept", "bob")
    kept = await settle(store, "kept")
    wishes = [Subscribe(topic, "bob") for topic in ("kept", "news", "kept", "new")]
    outcome = await store.apply([*wishes, Subscribe("news", "al"), Unsubscribe("news", "bob"), Subscribe("new", "al")])
    news, new = await store.read(["news", "new"])
    changed = [isinstance(result, Applied) and result.changed for result in outcome.results]
    assert changed == [False, False, False, True, True, True, True]
    assert outcome.topics == {
        "kept": TopicState(kept, kept, True),
        "news": TopicState(before, news.version, False),
        "new": TopicState(0, new.version, False),
    }
    assert [lease.key for lease in outcome.leases] == [A]
    assert not await is_settled(store, "news")
