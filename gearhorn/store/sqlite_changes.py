"""The changes of one write transaction on the tables of a SQLite store. Times of subscriptions are Unix time."""

import sqlite3
from dataclasses import dataclass

from gearhorn.clock import steady_s
from gearhorn.names import queue_name
from gearhorn.store.base import Applied, Change, ChangeResult, Collision, Subscribe, TopicState, Unsubscribe
from gearhorn.store.versions import next_version

_RAISE_VERSION = "UPDATE topics SET version = ? WHERE id = ?"
_UNSETTLE = "INSERT OR REPLACE INTO unsettled (topic_id, claimed_s) VALUES (?, ?)"


def end_subscriptions(db: sqlite3.Connection, now_s: float) -> None:
    """Those past their ttl. Nobody has claimed to tell the workers."""
    due = db.execute(
        "SELECT DISTINCT id, version FROM subscriptions JOIN topics ON id = topic_id WHERE ends_at_s <= ?", (now_s,)
    ).fetchall()
    db.execute("DELETE FROM subscriptions WHERE ends_at_s <= ?", (now_s,))
    db.executemany(_RAISE_VERSION, [(next_version(version, now_s), topic_id) for topic_id, version in due])
    db.executemany(_UNSETTLE, [(topic_id, None) for topic_id, _ in due])


@dataclass
class _Topic:
    id: int
    old_version: int
    version: int
    was_settled: bool

    @property
    def is_changed(self) -> bool:
        return self.version != self.old_version


class SqliteChanges:
    """Changes at one moment. Versions are kept here until `finish`, one write per topic that changed."""

    def __init__(self, db: sqlite3.Connection, now_s: float) -> None:
        self._db = db
        self._now_s = now_s
        self._topics: dict[str, _Topic] = {}

    def apply(self, change: Change) -> ChangeResult:
        topic = self._topics.get(change.topic) or self._find(change.topic)
        return self._subscribe(topic, change) if isinstance(change, Subscribe) else self._unsubscribe(topic, change)

    def finish(self) -> dict[str, TopicState]:
        changed = [topic for topic in self._topics.values() if topic.is_changed]
        self._db.executemany(_RAISE_VERSION, [(topic.version, topic.id) for topic in changed])
        claimed_s = steady_s()
        self._db.executemany(_UNSETTLE, [(topic.id, claimed_s) for topic in changed])
        return {
            name: TopicState(topic.old_version, topic.version, topic.was_settled and not topic.is_changed)
            for name, topic in self._topics.items()
        }

    def _subscribe(self, topic: _Topic, change: Subscribe) -> ChangeResult:
        queue = queue_name(change.topic, change.client_id).decode()
        ends_at_s = self._now_s + change.ttl_s if change.ttl_s > 0 else None
        found = self._db.execute(
            "SELECT name, ends_at_s FROM subscriptions JOIN topics ON id = topic_id WHERE queue = ?", (queue,)
        ).fetchone()
        if found is None:
            return self._insert(topic, change, queue, ends_at_s)
        owner = found[0].decode()
        if owner != change.topic:
            return Collision(owner)
        if found[1] != ends_at_s and not (change.never_shortens and _is_later(found[1], ends_at_s)):
            self._db.execute("UPDATE subscriptions SET ends_at_s = ? WHERE queue = ?", (ends_at_s, queue))
        return Applied(topic.version, False)

    def _insert(self, topic: _Topic, change: Subscribe, queue: str, ends_at_s: float | None) -> Applied:
        if not topic.id:
            made = self._db.execute("INSERT INTO topics (name, version) VALUES (?, 0)", (change.topic,))
            topic.id = made.lastrowid or 0
        self._db.execute(
            "INSERT INTO subscriptions VALUES (?, ?, ?, ?)", (topic.id, change.client_id, queue, ends_at_s)
        )
        return self._raise_version(topic)

    def _unsubscribe(self, topic: _Topic, change: Unsubscribe) -> Applied:
        gone = self._db.execute(
            "DELETE FROM subscriptions WHERE topic_id = ? AND client_id = ?", (topic.id, change.client_id)
        ).rowcount
        return self._raise_version(topic) if gone else Applied(topic.version, False)

    def _raise_version(self, topic: _Topic) -> Applied:
        topic.version = next_version(topic.version, self._now_s)
        return Applied(topic.version, True)

    def _find(self, name: str) -> _Topic:
        row = self._db.execute(
            "SELECT id, version, NOT EXISTS (SELECT 1 FROM unsettled WHERE topic_id = id) FROM topics WHERE name = ?",
            (name,),
        ).fetchone()
        topic_id, version, was_settled = row or (0, 0, True)  # no row has the id 0
        self._topics[name] = topic = _Topic(topic_id, version, version, bool(was_settled))
        return topic


def _is_later(ends_at_s: float | None, other_s: float | None) -> bool:
    """None: it lasts."""
    return ends_at_s is None or (other_s is not None and ends_at_s > other_s)
