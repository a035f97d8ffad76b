"""SUBSCRIBER_COUNT CHANGE_COUNT: what a change of a list in memory costs, until a fanout can go by the new list.

Every second change adds an id, every other one takes one away; all ids have 20 bytes. In the end the list must be the
right one.
"""

import json
import statistics
import sys
import time

from gearhorn.core.lists import Lists
from gearhorn.core.members import Members
from gearhorn.core.news import News

TOPIC = "giant"
LIST_LIMIT = 5_000_000


def build(client_ids: list[bytes]) -> Lists:
    """A list at version 0."""
    lists = Lists(1, LIST_LIMIT)
    reading = lists.begin_read([TOPIC], "a lease")
    lists.end_read(reading, {TOPIC: (0, Members.of(client_ids))})
    return lists


def changes(client_ids: list[bytes], count: int) -> list[dict[bytes, bool]]:
    step = max(1, len(client_ids) // count)
    return [{client_ids[n * step]: False} if n % 2 else {b"host-new%012d" % n: True} for n in range(count)]


def measure(subscriber_count: int, change_count: int) -> dict[str, float]:
    client_ids = [b"host%016d" % number for number in range(subscriber_count)]
    lists = build(client_ids)
    right = set(client_ids)
    took_s = []
    for version, joined in enumerate(changes(client_ids, change_count)):
        took_s.append(_apply(lists, News(TOPIC, version + 1, version, joined)))
        for client_id, is_there in joined.items():
            (right.add if is_there else right.discard)(client_id)
    check(lists, right)
    return {"median_s": statistics.median(took_s), "longest_s": max(took_s)}


def _apply(lists: Lists, news: News) -> float:
    started_s = time.perf_counter()
    lists.hear(news)
    found = lists.find(TOPIC)
    took_s = time.perf_counter() - started_s
    if found is None:
        raise RuntimeError("the list got lost with a change")
    return took_s


def check(lists: Lists, right: set[bytes]) -> None:
    found = lists.find(TOPIC) or ()
    if len(found) != len(right) or set(found) != right:
        raise RuntimeError("the list is not what the changes make of it")


if __name__ == "__main__":
    print(json.dumps(measure(*map(int, sys.argv[1:]))))
