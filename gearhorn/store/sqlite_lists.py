"""What a SQLite store does with its lists. Each function is one transaction; the errors are those of SqliteFile."""

import contextlib
import time
from collections.abc import Iterator, Sequence

from gearhorn.clock import steady_s
from gearhorn.store.base import Change, Outcome, Subscription, TopicCount, TopicList, pack_long
from gearhorn.store.leases import TopicVersion
from gearhorn.store.sqlite_changes import SqliteChanges, end_subscriptions
from gearhorn.store.sqlite_file import SqliteFile
from gearhorn.store.sqlite_leases import lasting_leases

IDS_PER_PAGE = 5000


def apply(file: SqliteFile, changes: Sequence[Change]) -> Outcome:
    with file.transaction("IMMEDIATE"):
        now_s = time.time()
        end_subscriptions(file.db, now_s)
        batch = SqliteChanges(file.db, now_s)
        results = [batch.apply(change) for change in changes]
        return Outcome(results, batch.finish(), lasting_leases(file.db, steady_s()))


def read(file: SqliteFile, topics: Sequence[str]) -> list[TopicList]:
    with _snapshot(file):
        return [_read(file, topic) for topic in topics]


def topics(file: SqliteFile) -> list[TopicCount]:
    with _snapshot(file):
        rows = file.db.execute(
            "SELECT name, count(*) FROM topics JOIN subscriptions ON topic_id = id GROUP BY id"
        ).fetchall()
    return sorted(TopicCount(name.decode(), count) for name, count in rows)


def subscriptions(file: SqliteFile, topic: str) -> list[Subscription]:
    with _snapshot(file) as now_s:
        rows = file.db.execute(
            "SELECT client_id, ends_at_s FROM topics JOIN subscriptions ON topic_id = id WHERE name = ?", (topic,)
        ).fetchall()
    return sorted(Subscription(name.decode(), None if ends is None else ends - now_s) for name, ends in rows)


def page(file: SqliteFile, topic: str, after: str) -> list[Subscription]:
    """Some of those who come behind `after`, in order; none at the end."""
    with _snapshot(file) as now_s:
        rows = file.db.execute(
            "SELECT client_id, ends_at_s FROM topics JOIN subscriptions ON topic_id = id "
            "WHERE name = ? AND client_id > ? ORDER BY client_id LIMIT ?",
            (topic, after, IDS_PER_PAGE),
        ).fetchall()
    return [Subscription(name.decode(), None if ends is None else ends - now_s) for name, ends in rows]


def settle(file: SqliteFile, topics: Sequence[TopicVersion]) -> None:
    with file.transaction("IMMEDIATE"):
        file.db.executemany(
            "DELETE FROM unsettled WHERE topic_id = (SELECT id FROM topics WHERE name = ? AND version = ?)", topics
        )


def _read(file: SqliteFile, topic: str) -> TopicList:
    row: tuple[int, int] | None = file.db.execute("SELECT id, version FROM topics WHERE name = ?", (topic,)).fetchone()
    topic_id, version = row or (0, 0)  # no row has the id 0
    rows = file.db.execute("SELECT client_id FROM subscriptions WHERE topic_id = ?", (topic_id,)).fetchall()
    return TopicList(version, pack_long([client_id for (client_id,) in rows]))


@contextlib.contextmanager
def _snapshot(file: SqliteFile) -> Iterator[float]:
    """A transaction for reading in which nothing is past its ttl at the time that it yields.

    Only one that finds something past its ttl takes the lock for writing.
    """
    with file.transaction("DEFERRED"):
        now_s = time.time()
        if not file.value("SELECT EXISTS (SELECT 1 FROM subscriptions WHERE ends_at_s <= ?)", now_s):
            yield now_s
            return
    with file.transaction("IMMEDIATE"):
        now_s = time.time()
        end_subscriptions(file.db, now_s)
        yield now_s
