"""Files that an older gearhorn wrote."""

import sqlite3
import time
from pathlib import Path

from gearhorn.store.base import Collision, RecordKey, Subscribe, TopicCount, TopicList, TopicState
from tests.functional.store.conftest import OpenUrl
from tests.functional.store.questions import (
    INFO,
    LONG_S,
    hold,
    holders,
    is_settled,
    members,
    read,
    state,
    subscribe,
)
from tests.functional.store.test_sqlite import run_processes, subscribe_many

SCHEMA_1 = """
PRAGMA journal_mode = WAL;
CREATE TABLE topics (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, version INTEGER NOT NULL);
CREATE TABLE subscriptions (
    topic_id INTEGER NOT NULL REFERENCES topics (id),
    client_id TEXT NOT NULL,
    queue TEXT NOT NULL UNIQUE,
    ends_at_s REAL,
    PRIMARY KEY (topic_id, client_id)
) WITHOUT ROWID;
CREATE INDEX subscriptions_ends ON subscriptions (ends_at_s) WHERE ends_at_s IS NOT NULL;
INSERT INTO topics VALUES (1, 'news', 1111), (2, 'left', 2222), (3, 'a_b', 3333);
INSERT INTO subscriptions VALUES (1, 'bob', 'news_bob', NULL), (3, 'c', 'a_b_c', NULL);
PRAGMA user_version = 1;
"""


def write_schema_1(folder: Path) -> str:
    db = sqlite3.connect(folder / "lists.db")
    db.executescript(SCHEMA_1)
    db.execute("INSERT INTO subscriptions VALUES (1, 'short', 'news_short', ?)", (time.time() + LONG_S,))
    db.commit()
    db.close()
    return f"sqlite:///{folder}/lists.db"


async def test_lists_and_versions_of_schema_1_are_kept(tmp_path: Path, open_url: OpenUrl) -> None:
    store = await open_url(write_schema_1(tmp_path))
    assert await store.read(["news", "left", "unused"]) == [
        TopicList(1111, [b"bob", b"short"]),
        TopicList(2222, []),
        TopicList(0, []),
    ]
    assert await store.topics() == [TopicCount("a_b", 1), TopicCount("news", 2)]
    forever, short = await store.subscriptions("news")
    assert forever.expires_in_s is None
    assert short.expires_in_s is not None
    assert 0 < short.expires_in_s <= LONG_S
    assert (await store.apply([Subscribe("a", "b_c")])).results == [Collision("a_b")]


async def test_topics_of_schema_1_are_settled_until_they_change(tmp_path: Path, open_url: OpenUrl) -> None:
    """Nobody had a lease then, so nobody has an older list."""
    store = await open_url(write_schema_1(tmp_path))
    assert await state(store, Subscribe("news", "bob")) == TopicState(1111, 1111, True)
    changed = await state(store, Subscribe("left", "bob"))
    assert changed == TopicState(2222, (await read(store, "left")).version, False)
    assert [await is_settled(store, topic) for topic in ("news", "left")] == [True, False]


async def test_leases_are_there_in_a_file_of_schema_1(tmp_path: Path, open_url: OpenUrl) -> None:
    url = write_schema_1(tmp_path)
    store = await open_url(url)
    key = await hold(store, "a")
    assert list(await holders(await open_url(url))) == ["a"]
    assert await store.renew_lease(key, LONG_S, INFO) == (True, [], [])
    await store.close()
    assert list(await holders(await open_url(url))) == ["a"]


async def test_records_are_there_in_a_file_of_schema_1(tmp_path: Path, open_url: OpenUrl) -> None:
    url = write_schema_1(tmp_path)
    store = await open_url(url)
    await store.keep_record(RecordKey("test", "first"), b"kept", LONG_S, is_listed=True)
    await store.close()
    assert await (await open_url(url)).read_record(RecordKey("test", "first")) == b"kept"


async def test_processes_that_find_a_file_of_schema_1_at_once_lose_nothing(tmp_path: Path, open_url: OpenUrl) -> None:
    url = write_schema_1(tmp_path)
    assert run_processes(subscribe_many, *((url, name) for name in "ab")) == [0] * 2
    store = await open_url(url)
    assert len(await members(store, "news")) == 52
    assert (await subscribe(store, "news", "bob")).changed is False
