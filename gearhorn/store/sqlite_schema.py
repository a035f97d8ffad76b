"""The tables of a SQLite store."""

import sqlite3

SCHEMA_VERSION = 3

# From any older schema, or none, to this one; or nothing, for a process that comes second.
# 1: topics and subscriptions. 2: what matchmaking needs. Nobody held a lease before, so there all topics are settled.
# 3: records.
# A topic keeps its row, and so its version, when its last subscriber leaves.
TO_THIS_SCHEMA = f"""
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
CREATE TABLE IF NOT EXISTS unsettled (
    topic_id INTEGER PRIMARY KEY REFERENCES topics (id),
    claimed_s REAL  -- seconds since the boot; NULL: by nobody
);
CREATE TABLE IF NOT EXISTS leases (
    worker_id TEXT PRIMARY KEY,
    token TEXT NOT NULL,
    ends_s REAL NOT NULL,  -- seconds since the boot
    is_revoked INTEGER NOT NULL DEFAULT 0,
    info TEXT NOT NULL,
    claimed_s REAL  -- since it ran out, in seconds since the boot; NULL: by nobody
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS records (
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    value BLOB NOT NULL,
    ends_at_s REAL NOT NULL,  -- Unix time
    is_listed INTEGER NOT NULL,
    PRIMARY KEY (kind, name)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS records_ends ON records (ends_at_s);
CREATE TABLE IF NOT EXISTS boot (id TEXT NOT NULL);
INSERT INTO boot SELECT '' WHERE NOT EXISTS (SELECT 1 FROM boot);
PRAGMA user_version = {SCHEMA_VERSION};
COMMIT;
"""


def enter_boot(db: sqlite3.Connection, boot_id: str) -> None:
    """What was counted from the boot before means nothing any more: no process from then is left."""
    if db.execute("UPDATE boot SET id = ? WHERE id != ?", (boot_id, boot_id)).rowcount:
        db.execute("UPDATE leases SET ends_s = 0, claimed_s = NULL")
        db.execute("UPDATE unsettled SET claimed_s = NULL")
