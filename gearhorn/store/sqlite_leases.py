"""What a SQLite store does with leases. Each function that takes the file is one transaction.

They go by a clock that all processes of the host share and that nobody sets. It is read inside the transaction, when
the lock for writing is there: so its readings are in the order of the transactions.
"""

import sqlite3
import time
from collections.abc import Sequence

from gearhorn.clock import steady_s
from gearhorn.store.leases import LOST, Lease, LeaseKey, Renewal, TopicVersion
from gearhorn.store.sqlite_changes import end_subscriptions
from gearhorn.store.sqlite_file import SqliteFile

_SELECT = "SELECT worker_id, token, ends_s - ?, is_revoked, info FROM leases"
_IS_UNCLAIMED = "(claimed_s IS NULL OR claimed_s <= ?)"


def lasting_leases(db: sqlite3.Connection, now_s: float) -> list[Lease]:
    return [_lease(row) for row in db.execute(f"{_SELECT} WHERE ends_s > ?", (now_s, now_s))]


def take(file: SqliteFile, key: LeaseKey, ttl_s: float, info: str, instead_of: Sequence[str]) -> Lease | None:
    with file.transaction("IMMEDIATE"):
        now_s = steady_s()
        held = next((lease for lease in lasting_leases(file.db, now_s) if lease.key.worker_id == key.worker_id), None)
        if held and held.key.token not in instead_of:
            return held
        file.db.execute(
            "INSERT OR REPLACE INTO leases (worker_id, token, ends_s, info) VALUES (?, ?, ?, ?)",
            (*key, now_s + ttl_s, info),
        )
    return None


def renew(file: SqliteFile, key: LeaseKey, ttl_s: float, info: str) -> Renewal:
    with file.transaction("IMMEDIATE"):
        now_s = steady_s()
        if not _put_off_end(file.db, key, now_s, ttl_s, info):
            return LOST
        end_subscriptions(file.db, time.time())
        return Renewal(True, _claim_unsettled(file.db, now_s, ttl_s), _claim_run_out(file.db, now_s, ttl_s))


def release(file: SqliteFile, key: LeaseKey) -> None:
    with file.transaction("IMMEDIATE"):
        file.db.execute("DELETE FROM leases WHERE worker_id = ? AND token = ?", key)


def revoke(file: SqliteFile, keys: Sequence[LeaseKey]) -> list[float]:
    with file.transaction("IMMEDIATE"):
        now_s = steady_s()
        left_s = {lease.key: lease.left_s for lease in lasting_leases(file.db, now_s)}
        file.db.executemany(
            "UPDATE leases SET is_revoked = 1 WHERE worker_id = ? AND token = ?", [key for key in keys if key in left_s]
        )
    return [left_s.get(key, 0) for key in keys]


def forget(file: SqliteFile, key: LeaseKey) -> None:
    with file.transaction("IMMEDIATE"):
        file.db.execute("DELETE FROM leases WHERE worker_id = ? AND token = ? AND ends_s <= ?", (*key, steady_s()))


def all_leases(file: SqliteFile) -> list[Lease]:
    with file.transaction("DEFERRED"):
        return sorted(_lease(row) for row in file.db.execute(_SELECT, (steady_s(),)))


def _put_off_end(db: sqlite3.Connection, key: LeaseKey, now_s: float, ttl_s: float, info: str) -> int:
    """Returns the number of leases: 0 for one that is lost."""
    return db.execute(
        "UPDATE leases SET ends_s = ?, info = ? WHERE worker_id = ? AND token = ? AND ends_s > ? AND NOT is_revoked",
        (now_s + ttl_s, info, *key, now_s),
    ).rowcount


def _claim_unsettled(db: sqlite3.Connection, now_s: float, ttl_s: float) -> list[TopicVersion]:
    due = db.execute(
        f"SELECT id, name, version FROM unsettled JOIN topics ON id = topic_id WHERE {_IS_UNCLAIMED}", (now_s - ttl_s,)
    ).fetchall()
    db.executemany("UPDATE unsettled SET claimed_s = ? WHERE topic_id = ?", [(now_s, row[0]) for row in due])
    return [TopicVersion(name.decode(), version) for _, name, version in due]


def _claim_run_out(db: sqlite3.Connection, now_s: float, ttl_s: float) -> list[LeaseKey]:
    due = db.execute(
        f"SELECT worker_id, token FROM leases WHERE ends_s <= ? AND {_IS_UNCLAIMED}", (now_s, now_s - ttl_s)
    ).fetchall()
    db.executemany("UPDATE leases SET claimed_s = ? WHERE worker_id = ?", [(now_s, row[0].decode()) for row in due])
    return [LeaseKey(worker_id.decode(), token.decode()) for worker_id, token in due]


def _lease(row: tuple[bytes, bytes, float, int, bytes]) -> Lease:
    worker_id, token, left_s, is_revoked, info = row
    return Lease(LeaseKey(worker_id.decode(), token.decode()), left_s, bool(is_revoked), info.decode())
