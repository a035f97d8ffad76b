"""The tables of a SQLite store and every statement on them. Blocking, and for one thread."""

import contextlib
import sqlite3
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from gearhorn.errors import Misconfigured, StoreUnavailable
from gearhorn.store.base import Change, ChangeResult, Subscription, TopicCount, TopicList
from gearhorn.store.sqlite_changes import SqliteChanges, find_topic

SCHEMA_VERSION = 1

# A topic keeps its row, and so its version, when its last subscriber leaves.
_SCHEMA = f"""
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS topics (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, version INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS subscriptions (
    topic_id INTEGER NOT NULL REFERENCES topics (id),
    client_id TEXT NOT NULL,
    queue TEXT NOT NULL UNIQUE,
    ends_at_s REAL,  -- Unix time; NULL: lasts until unsubscribed
    PRIMARY KEY (topic_id, client_id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS subscriptions_ends ON subscriptions (ends_at_s) WHERE ends_at_s IS NOT NULL;
PRAGMA user_version = {SCHEMA_VERSION};
COMMIT;
"""

# Result codes whose cause passes: another process holds the lock, the disk is full or does not answer, memory is short.
# (https://www.sqlite.org/rescode.html) All others are the operator's to mend: no permission, no database, a broken one.
_PASSING = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_INTERRUPT,
    }
)


class SqliteLists:
    """An open database. Every method is one transaction and raises StoreUnavailable or Misconfigured."""

    def __init__(self, path: Path, busy_timeout_s: float) -> None:
        self._path = path
        with self._translated():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, timeout=busy_timeout_s, isolation_level=None)
            try:
                self._prepare(busy_timeout_s)
            except BaseException:
                self._db.close()
                raise

    def close(self) -> None:
        self._db.close()

    def apply(self, changes: Sequence[Change]) -> list[ChangeResult]:
        with self._transaction("IMMEDIATE"):
            batch = SqliteChanges(self._db)
            batch.sweep()
            results = [batch.apply(change) for change in changes]
            batch.finish()
        return results

    def read(self, topics: Sequence[str]) -> list[TopicList]:
        with self._snapshot():
            return [self._read(topic) for topic in topics]

    def topics(self) -> list[TopicCount]:
        with self._snapshot():
            rows = self._db.execute(
                "SELECT name, count(*) FROM topics JOIN subscriptions ON topic_id = id GROUP BY id"
            ).fetchall()
        return sorted(TopicCount(name.decode(), count) for name, count in rows)

    def subscriptions(self, topic: str) -> list[Subscription]:
        with self._snapshot() as now_s:
            rows = self._db.execute(
                "SELECT client_id, ends_at_s FROM topics JOIN subscriptions ON topic_id = id WHERE name = ?", (topic,)
            ).fetchall()
        return sorted(Subscription(name.decode(), None if ends is None else ends - now_s) for name, ends in rows)

    def _prepare(self, busy_timeout_s: float) -> None:
        # Ids come out as the bytes that copies are addressed with.
        self._db.text_factory = bytes
        schema = self._value("PRAGMA user_version")
        if schema > SCHEMA_VERSION:
            raise Misconfigured(f"SQLite store {self._path} has schema {schema}: it was written by a newer gearhorn")
        self._switch_to_wal(busy_timeout_s)
        # A subscribe job that completed must be there after a power cut. In WAL mode NORMAL syncs only at checkpoints,
        # so that the last changes could be lost. (https://www.sqlite.org/pragma.html#pragma_synchronous)
        self._db.execute("PRAGMA synchronous = FULL")
        if schema < SCHEMA_VERSION:
            self._db.executescript(_SCHEMA)

    def _switch_to_wal(self, busy_timeout_s: float) -> None:
        deadline_s = time.monotonic() + busy_timeout_s
        while True:
            try:
                mode = self._value("PRAGMA journal_mode = WAL")
                break
            except sqlite3.OperationalError as error:
                # The busy timeout does not hold for this statement when several processes open a new file at once.
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline_s:
                    raise
                time.sleep(0.01)
        if mode != b"wal":
            raise Misconfigured(
                f"SQLite store {self._path} cannot be kept in WAL mode: is it on a network file system?"
            )

    def _read(self, topic: str) -> TopicList:
        topic_id, version = find_topic(self._db, topic)
        rows = self._db.execute("SELECT client_id FROM subscriptions WHERE topic_id = ?", (topic_id,)).fetchall()
        return TopicList(version, [client_id for (client_id,) in rows])

    @contextlib.contextmanager
    def _snapshot(self) -> Iterator[float]:
        """A transaction for reading in which nothing is past its ttl at the time that it yields.

        Only one that finds something past its ttl takes the lock for writing.
        """
        with self._transaction("DEFERRED"):
            now_s = time.time()
            if not self._value("SELECT EXISTS (SELECT 1 FROM subscriptions WHERE ends_at_s <= ?)", now_s):
                yield now_s
                return
        with self._transaction("IMMEDIATE"):
            batch = SqliteChanges(self._db)
            batch.sweep()
            batch.finish()
            yield batch.now_s

    @contextlib.contextmanager
    def _transaction(self, kind: str) -> Iterator[None]:
        with self._translated():
            self._db.execute(f"BEGIN {kind}")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:  # SQLite itself rolls back after some errors, such as a full disk
                    self._db.execute("ROLLBACK")
                raise

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            code = getattr(error, "sqlite_errorcode", None)
            if code is None:  # not SQLite's but the module's, about the way it is called
                raise
            kind = StoreUnavailable if code & 0xFF in _PASSING else Misconfigured
            raise kind(f"SQLite store {self._path}: {error}") from error
        except OSError as error:
            raise Misconfigured(f"SQLite store {self._path}: {error.strerror}") from error

    def _value(self, statement: str, *parameters: object) -> Any:
        return self._db.execute(statement, parameters).fetchone()[0]
