"""What only SQLite has: a file, other processes that share it, and disks."""

import asyncio
import multiprocessing
import os
import signal
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from gearhorn.core.members import Members
from gearhorn.errors import Misconfigured, StoreUnavailable
from gearhorn.store import base
from gearhorn.store.base import RecordKey, Subscribe, TopicList
from gearhorn.store.opening import StoreSettings, open_store
from gearhorn.store.sqlite_schema import SCHEMA_VERSION
from tests.functional.store.conftest import OpenUrl
from tests.functional.store.questions import apply, is_settled, members, read, subscribe, unsubscribe, wait_until


async def test_a_long_list_is_packed_where_nobody_waits_for_it(
    open_url: OpenUrl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "LONG_LIST", 2)
    store = await open_url(f"sqlite:///{tmp_path}/lists.db")
    for count, kind in ((2, list), (3, Members)):
        await apply(store, [Subscribe("news", f"client-{number}") for number in range(count)])
        assert isinstance((await read(store, "news")).client_ids, kind)
    assert await members(store, "news") == ["client-0", "client-1", "client-2"]


async def test_lists_and_versions_outlive_the_process(tmp_path: Path, open_url: OpenUrl) -> None:
    url = f"sqlite:///{tmp_path}/lists.db"
    store = await open_url(url)
    await apply(store, [Subscribe("news", "bob"), Subscribe("news", "alice", 1000)])
    gone = await unsubscribe(store, "news", "bob")
    await store.close()
    again = await open_url(url)
    assert await again.read(["news"]) == [TopicList(gone.version, [b"alice"])]
    assert (await subscribe(again, "news", "bob")).version > gone.version


@pytest.mark.parametrize("is_replaced", [False, True], ids=["removed", "replaced"])
async def test_a_file_that_is_gone_while_it_is_in_use_is_refused(
    tmp_path: Path, open_url: OpenUrl, is_replaced: bool
) -> None:
    """SQLite would go on, and what is changed would end with the process."""
    url, file = f"sqlite:///{tmp_path}/lists.db", tmp_path / "lists.db"
    store = await open_url(url)
    await subscribe(store, "news", "bob")
    file.rename(tmp_path / "elsewhere.db")
    if is_replaced:
        await open_url(url)
    for call in (store.read(["news"]), store.apply([Subscribe("news", "eve")])):
        with pytest.raises(Misconfigured, match="was removed or replaced while it was in use"):
            await call
    assert file.exists() == is_replaced


def subscribe_and_die(url: str) -> None:
    async def run() -> None:
        store = open_store(StoreSettings(url))
        await store.open()
        await subscribe(store, "news", "bob")
        os.kill(os.getpid(), signal.SIGKILL)

    asyncio.run(run())


async def test_a_change_is_there_when_its_process_is_killed_right_after(tmp_path: Path, open_url: OpenUrl) -> None:
    url = f"sqlite:///{tmp_path}/lists.db"
    assert run_processes(subscribe_and_die, (url,)) == [-signal.SIGKILL]
    store = await open_url(url)
    assert await members(store, "news") == ["bob"]
    assert not await is_settled(store, "news")


async def test_commits_are_synced_and_the_file_is_shared(tmp_path: Path, open_url: OpenUrl) -> None:
    store = await open_url(f"sqlite:///{tmp_path}/lists.db")
    modes = await store._ask(  # type: ignore[attr-defined]
        lambda file: [file.value(f"PRAGMA {name}") for name in ("journal_mode", "synchronous")]
    )
    assert modes == [b"wal", 2]  # 2: FULL


async def test_changes_are_synced_also_after_records_that_are_not(tmp_path: Path, open_url: OpenUrl) -> None:
    store = await open_url(f"sqlite:///{tmp_path}/lists.db")
    key = RecordKey("test", "first")
    for ask in (lambda: store.keep_record(key, b"", 1000), lambda: store.drop_record(key)):
        await ask()
        modes = await store._ask(lambda file: file.value("PRAGMA synchronous"))  # type: ignore[attr-defined]
        assert modes == 2


def subscribe_many(url: str, name: str) -> None:
    async def run() -> None:
        store = open_store(StoreSettings(url, timeout_s=30))
        await store.open()
        for number in range(25):
            await subscribe(store, "news", f"{name}-{number}")
        await store.close()

    asyncio.run(run())


async def test_processes_that_open_a_new_file_at_once_share_it_and_lose_nothing(
    tmp_path: Path, open_url: OpenUrl
) -> None:
    url = f"sqlite:///{tmp_path}/lists.db"
    assert run_processes(subscribe_many, *((url, name) for name in "abcd")) == [0] * 4
    expected = sorted(f"{name}-{number}" for name in "abcd" for number in range(25))
    assert await members(await open_url(url), "news") == expected


def run_processes(target: Callable[..., None], *calls: tuple[str, ...]) -> list[int | None]:
    """One new process for each call; their exit codes."""
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=target, args=call) for call in calls]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    return [process.exitcode for process in processes]


async def test_stores_that_open_a_new_file_at_once_all_open_it(tmp_path: Path, open_url: OpenUrl) -> None:
    for round_number in range(5):
        stores = await asyncio.gather(*(open_url(f"sqlite:///{tmp_path}/{round_number}.db") for _ in range(12)))
        await asyncio.gather(*(subscribe(store, "news", f"client-{n}") for n, store in enumerate(stores)))
        assert len(await members(stores[0], "news")) == len(stores)


async def test_a_new_file_that_another_is_about_to_write_is_waited_for(tmp_path: Path, open_url: OpenUrl) -> None:
    """SQLite's own waiting does not hold for the change to WAL mode."""
    other = sqlite3.connect(tmp_path / "lists.db", isolation_level=None)
    other.execute("CREATE TABLE something (to_make INTEGER, the_file INTEGER)")
    other.execute("BEGIN IMMEDIATE")
    opening = asyncio.ensure_future(open_url(f"sqlite:///{tmp_path}/lists.db", timeout_s=20))
    done, _ = await asyncio.wait([opening], timeout=0.3)
    assert done == set()
    other.execute("ROLLBACK")
    await subscribe(await opening, "news", "bob")
    other.close()


async def test_the_folder_is_made(tmp_path: Path, open_url: OpenUrl) -> None:
    await open_url(f"sqlite:///{tmp_path}/some/new/folder/lists.db")
    assert (tmp_path / "some/new/folder/lists.db").exists()


async def test_a_relative_path_is_relative_and_percent_signs_are_decoded(
    tmp_path: Path, open_url: OpenUrl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    await open_url("sqlite:///a folder/what%3F%23.db")
    assert (tmp_path / "a folder/what?#.db").exists()


@pytest.mark.parametrize("path", ["file/lists.db", "folder", "/proc/lists.db", "/dev/null/lists.db"])
async def test_a_path_where_no_file_can_be_is_a_misconfiguration(tmp_path: Path, open_url: OpenUrl, path: str) -> None:
    (tmp_path / "file").write_text("not a folder")
    (tmp_path / "folder").mkdir()
    with pytest.raises(Misconfigured, match=f"SQLite store {tmp_path / path}: "):
        await open_url(f"sqlite:///{tmp_path / path}")


async def test_a_file_that_is_no_database_is_a_misconfiguration(tmp_path: Path, open_url: OpenUrl) -> None:
    (tmp_path / "lists.db").write_text("something else " * 100)
    with pytest.raises(Misconfigured, match="not a database"):
        await open_url(f"sqlite:///{tmp_path}/lists.db")
    assert (tmp_path / "lists.db").read_text() == "something else " * 100


async def test_tables_of_another_program_are_a_misconfiguration(tmp_path: Path, open_url: OpenUrl) -> None:
    with sqlite3.connect(tmp_path / "lists.db") as other:
        other.execute("CREATE TABLE topics (title TEXT)")
    other.close()
    store = await open_url(f"sqlite:///{tmp_path}/lists.db")
    for _ in range(2):
        with pytest.raises(Misconfigured, match="no such column"):
            await subscribe(store, "news", "bob")
    with sqlite3.connect(tmp_path / "lists.db") as other:
        other.execute("INSERT INTO topics VALUES ('the other program is not locked out')")
    other.close()


async def test_a_file_of_a_newer_release_is_refused_and_left_alone(tmp_path: Path, open_url: OpenUrl) -> None:
    store = await open_url(f"sqlite:///{tmp_path}/lists.db")
    await subscribe(store, "news", "bob")
    await store.close()
    set_schema(tmp_path / "lists.db", SCHEMA_VERSION + 1)
    with pytest.raises(Misconfigured, match="newer gearhorn"):
        await open_url(f"sqlite:///{tmp_path}/lists.db")
    set_schema(tmp_path / "lists.db", SCHEMA_VERSION)
    assert await members(await open_url(f"sqlite:///{tmp_path}/lists.db"), "news") == ["bob"]


def set_schema(path: Path, version: int) -> None:
    with sqlite3.connect(path) as other:
        other.execute(f"PRAGMA user_version = {version}")
    other.close()


async def test_a_file_that_somebody_locks_is_unavailable_for_changes_and_not_for_reading(
    tmp_path: Path, open_url: OpenUrl
) -> None:
    store = await open_url(f"sqlite:///{tmp_path}/lists.db", timeout_s=2)
    await subscribe(store, "news", "bob")
    other = sqlite3.connect(tmp_path / "lists.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="locked"):
        await subscribe(store, "news", "alice")
    assert await members(store, "news") == ["bob"]
    other.close()
    assert (await subscribe(store, "news", "alice")).changed


async def test_a_lock_that_outlasts_the_limit_is_unavailable_to_each_who_waits(
    tmp_path: Path, open_url: OpenUrl
) -> None:
    store = await open_url(f"sqlite:///{tmp_path}/lists.db", timeout_s=0.2)
    other = sqlite3.connect(tmp_path / "lists.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    calls = (store.apply([Subscribe("news", f"client-{number}")]) for number in range(20))
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {StoreUnavailable}
    other.close()

    async def works() -> bool:  # each of the changes may have been made or not
        try:
            await subscribe(store, "news", "bob")
            return "bob" in await members(store, "news")
        except StoreUnavailable:  # a slow disk needs longer than this store waits
            return False

    await wait_until(works)


async def test_a_full_disk_is_unavailable_and_nothing_is_half_done(tmp_path: Path, open_url: OpenUrl) -> None:
    store = await open_url(f"sqlite:///{tmp_path}/lists.db")
    await subscribe(store, "news", "bob")
    before = await read(store, "news")
    await store._ask(lambda file: file.value("PRAGMA max_page_count = 20"))  # type: ignore[attr-defined]
    with pytest.raises(StoreUnavailable, match="full"):
        await store.apply([Subscribe("news", "x" * 200 + str(number)) for number in range(5000)])
    assert await read(store, "news") == before
    await store._ask(lambda file: file.value("PRAGMA max_page_count = 100000"))  # type: ignore[attr-defined]
    assert (await subscribe(store, "news", "alice")).changed


async def test_an_operator_can_read_the_tables(tmp_path: Path, open_url: OpenUrl) -> None:
    store = await open_url(f"sqlite:///{tmp_path}/lists.db")
    await subscribe(store, "nüws", "bob")
    with sqlite3.connect(tmp_path / "lists.db") as other:
        rows = other.execute("SELECT name, client_id, queue FROM topics JOIN subscriptions ON topic_id = id").fetchall()
    other.close()
    assert rows == [("nüws", "bob", "nüws_bob")]
