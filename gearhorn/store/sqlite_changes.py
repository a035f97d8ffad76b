"""The changes of one write transaction on the tables of a SQLite store."""

import sqlite3
import time

from gearhorn.names import queue_name
from gearhorn.store.base import Applied, Change, ChangeResult, Collision, Subscribe, Unsubscribe
from gearhorn.store.versions import next_version


class SqliteChanges:
    """Changes at one moment of the host's clock. Versions are kept here until `finish`, one write per topic."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self.now_s = time.time()
        self._db = db
        self._topics: dict[str, tuple[int, int]] = {}  # name -> row id, version

    def sweep(self) -> None:
        """Ends what is past its ttl."""
        due = self._db.execute(
            "SELECT DISTINCT name FROM subscriptions JOIN topics ON id = topic_id WHERE ends_at_s <= ?", (self.now_s,)
        ).fetchall()
        for (name,) in due:
            self._raise_version(name.decode())
        self._db.execute("DELETE FROM subscriptions WHERE ends_at_s <= ?", (self.now_s,))

    def apply(self, change: Change) -> ChangeResult:
        return self._subscribe(change) if isinstance(change, Subscribe) else self._unsubscribe(change)

    def finish(self) -> None:
        self._db.executemany("UPDATE topics SET version = ?2 WHERE id = ?1", self._topics.values())

    def _subscribe(self, change: Subscribe) -> ChangeResult:
        queue = queue_name(change.topic, change.client_id).decode()
        ends_at_s = self.now_s + change.ttl_s if change.ttl_s > 0 else None
        found = self._db.execute(
            "SELECT name, ends_at_s FROM subscriptions JOIN topics ON id = topic_id WHERE queue = ?", (queue,)
        ).fetchone()
        if found is None:
            return self._insert(change, queue, ends_at_s)
        owner = found[0].decode()
        if owner != change.topic:
            return Collision(owner)
        if found[1] != ends_at_s:
            self._db.execute("UPDATE subscriptions SET ends_at_s = ? WHERE queue = ?", (ends_at_s, queue))
        return Applied(self._topic(change.topic)[1], False)

    def _insert(self, change: Subscribe, queue: str, ends_at_s: float | None) -> Applied:
        if change.topic not in self._topics:
            self._db.execute("INSERT OR IGNORE INTO topics (name, version) VALUES (?, 0)", (change.topic,))
        topic_id, _ = self._topic(change.topic)
        self._db.execute(
            "INSERT INTO subscriptions VALUES (?, ?, ?, ?)", (topic_id, change.client_id, queue, ends_at_s)
        )
        return Applied(self._raise_version(change.topic), True)

    def _unsubscribe(self, change: Unsubscribe) -> Applied:
        topic_id, version = self._topic(change.topic)
        gone = self._db.execute(
            "DELETE FROM subscriptions WHERE topic_id = ? AND client_id = ?", (topic_id, change.client_id)
        ).rowcount
        return Applied(self._raise_version(change.topic), True) if gone else Applied(version, False)

    def _raise_version(self, name: str) -> int:
        topic_id, last = self._topic(name)
        version = next_version(last, self.now_s)
        self._topics[name] = topic_id, version
        return version

    def _topic(self, name: str) -> tuple[int, int]:
        return self._topics.get(name) or find_topic(self._db, name)


def find_topic(db: sqlite3.Connection, name: str) -> tuple[int, int]:
    """Row id and version. (0, 0) for a topic that was never used: no row has the id 0."""
    row: tuple[int, int] | None = db.execute("SELECT id, version FROM topics WHERE name = ?", (name,)).fetchone()
    return row or (0, 0)
