"""Records in a SQLite file. Each function that takes the file is one transaction.

They end by Unix time, as subscriptions do, so that those which are to outlast a boot can.
"""

import sqlite3
import time

from gearhorn.store.base import RecordKey, check_record
from gearhorn.store.sqlite_file import SqliteFile


def claim(file: SqliteFile, key: RecordKey, value: bytes, ttl_s: float) -> bytes | None:
    check_record(value)
    with file.transaction("IMMEDIATE"):
        now_s = time.time()
        found = _find(file.db, key, now_s)
        if found is None:
            _write(file.db, key, value, now_s, ttl_s, is_listed=False)
    return found


def keep(file: SqliteFile, key: RecordKey, value: bytes, ttl_s: float, is_listed: bool) -> None:
    """Does not wait until it is on the disk: what a crash of the machine takes is what was kept in its last moments."""
    check_record(value)
    with file.unsynced(), file.transaction("IMMEDIATE"):
        _write(file.db, key, value, time.time(), ttl_s, is_listed=is_listed)


def read(file: SqliteFile, key: RecordKey) -> bytes | None:
    with file.transaction("DEFERRED"):
        return _find(file.db, key, time.time())


def drop(file: SqliteFile, key: RecordKey, value: bytes | None) -> None:
    with file.unsynced(), file.transaction("IMMEDIATE"):
        file.db.execute(
            "DELETE FROM records WHERE kind = ? AND name = ? AND (? IS NULL OR value = ?)", (*key, value, value)
        )


def names(file: SqliteFile, kind: str) -> list[str]:
    with file.transaction("DEFERRED"):
        found = file.db.execute(
            "SELECT name FROM records WHERE kind = ? AND is_listed AND ends_at_s > ?", (kind, time.time())
        )
        return sorted(name.decode() for (name,) in found)


def _find(db: sqlite3.Connection, key: RecordKey, now_s: float) -> bytes | None:
    row = db.execute(
        "SELECT value FROM records WHERE kind = ? AND name = ? AND ends_at_s > ?", (*key, now_s)
    ).fetchone()
    return row[0] if row else None


def _write(
    db: sqlite3.Connection, key: RecordKey, value: bytes, now_s: float, ttl_s: float, *, is_listed: bool
) -> None:
    db.execute("DELETE FROM records WHERE ends_at_s <= ?", (now_s,))
    db.execute(
        "INSERT OR REPLACE INTO records (kind, name, value, ends_at_s, is_listed) VALUES (?, ?, ?, ?, ?)",
        (*key, value, now_s + ttl_s, is_listed),
    )
