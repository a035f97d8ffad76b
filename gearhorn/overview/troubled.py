"""Subscribers in trouble, by the word of the worker that watches them."""

import heapq
from collections.abc import Iterator, Mapping

from gearhorn.core.health import DEAD, IDLE, SUSPECT, Case
from gearhorn.overview.views import PAUSED, SubscriberView
from gearhorn.subscribers.report import Report, owner_of
from gearhorn.wire.loads import Load

# So many are shown by name; the totals count all.
TROUBLED_LIMIT = 100

_ORDER = {DEAD: 0, PAUSED: 1, SUSPECT: 2}


def count_troubled(report: Report | None) -> dict[str, tuple[int, int, int]]:
    """How many are suspect, dead and paused, by topic: each subscriber once, by the state that lists show."""
    counts: dict[str, tuple[int, int, int]] = {}
    for queue, case in _known_cases(report):
        topic = owner_of(queue, case)[0]
        suspect_count, dead_count, paused_count = counts.get(topic, (0, 0, 0))
        state = state_of(case)
        counts[topic] = (
            suspect_count + (state == SUSPECT),
            dead_count + (state == DEAD),
            paused_count + (state == PAUSED),
        )
    return counts


def pick_troubled(report: Report | None, loads: Mapping[bytes, Load], limit: int) -> tuple[SubscriberView, ...]:
    """The worst `limit`: dead ones before suspect ones, and then those with the largest backlog."""
    picked = heapq.nsmallest(limit, _known_cases(report), key=lambda one: _badness(*one))
    return tuple(view_case(queue, case, loads) for queue, case in picked)


def view_case(queue: bytes, case: Case, loads: Mapping[bytes, Load]) -> SubscriberView:
    """As the watching worker found it, and as it is now where that can be seen."""
    load = loads.get(queue)
    return SubscriberView(
        *owner_of(queue, case),
        state_of(case),
        load.waiting_count if load else case.backlog_count,
        load.running_count if load else None,
        load.worker_count if load else None,
        case.since_s,
    )


def state_of(case: Case) -> str:
    return PAUSED if case.is_paused else case.told


def _known_cases(report: Report | None) -> Iterator[tuple[bytes, Case]]:
    if report is not None:
        yield from ((q, case) for q, case in report.cases.items() if case.topic_bytes and case.told != IDLE)


def _badness(queue: bytes, case: Case) -> tuple[int, int, bytes]:
    return (_ORDER.get(state_of(case), 3), -case.backlog_count, queue)
