"""What one picture tells to be wrong."""

from dataclasses import replace

import pytest

from gearhorn.overview.verdict import ERROR, WARNING, judge, worst_of
from gearhorn.overview.views import (
    HELD,
    RAN_OUT,
    REVOKED,
    Overview,
    QueueView,
    ServerView,
    StoreView,
    Totals,
    WorkerView,
)

STORE = StoreView("redis", "redis://x", is_reachable=True)
WORKER = WorkerView("one", HELD, 5.0)
SERVER = ServerView("a:4730", is_reachable=True)
QUEUES = (QueueView("fanout", 0, 0, 1), QueueView("subscribe_fanout", 0, 0, 1))
WELL = Overview(0.0, STORE, (WORKER,), (SERVER,), QUEUES)


def test_nothing_is_wrong_with_what_is_well() -> None:
    assert judge(WELL) == []
    assert worst_of([]) == "well"


@pytest.mark.parametrize(
    ("change", "severity", "words"),
    [
        ({"store": replace(STORE, is_reachable=False, trouble="gone")}, ERROR, "store cannot be reached: gone"),
        ({"store": replace(STORE, lost_since="then")}, ERROR, "lost its lists at then"),
        ({"servers": (SERVER, ServerView("b:1", is_reachable=False, trouble="no"))}, ERROR, "b:1 cannot be asked: no"),
        ({"workers": ()}, ERROR, "no worker holds a lease"),
        ({"workers": (WORKER, replace(WORKER, state=RAN_OUT, lease_left_s=-7.0))}, WARNING, "ran out 7 s ago"),
        ({"workers": (WORKER, replace(WORKER, state=REVOKED))}, WARNING, "is revoked"),
        ({"workers": (replace(WORKER, state=REVOKED),)}, WARNING, "or the store was started again"),
        ({"queues": tuple(replace(q, unserved_on=("a:4730",)) for q in QUEUES)}, ERROR, "no worker serves"),
        ({"queues": (replace(QUEUES[0], unserved_on=("a:4730",)), QUEUES[1])}, ERROR, "nobody serves fanout"),
        ({"queues": (replace(QUEUES[0], waiting_count=5000), QUEUES[1])}, WARNING, "5000 jobs wait in fanout"),
        ({"totals": Totals(dead_count=1)}, WARNING, "1 dead subscriber"),
        ({"totals": Totals(suspect_count=2)}, WARNING, "2 suspect subscribers"),
        ({"totals": Totals(paused_count=3)}, WARNING, "3 paused subscribers"),
    ],
    ids=str,
)
def test_each_trouble_is_told(change: dict[str, object], severity: str, words: str) -> None:
    [trouble] = judge(replace(WELL, **change))  # type: ignore[arg-type]
    assert trouble.severity == severity
    assert words in trouble.what


def test_errors_come_before_warnings() -> None:
    troubles = judge(replace(WELL, totals=Totals(dead_count=1), store=replace(STORE, lost_since="then")))
    assert [trouble.severity for trouble in troubles] == [ERROR, WARNING]
    assert worst_of(troubles) == ERROR


def test_without_the_store_nobody_says_that_there_are_no_workers() -> None:
    troubles = judge(replace(WELL, workers=(), store=replace(STORE, is_reachable=False, trouble="gone")))
    assert len(troubles) == 1
