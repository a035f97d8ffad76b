"""Holds a history against the promise of matchmaking, and knows nothing of how it is kept.

    If a subscribe (or unsubscribe) job has completed, then every fanout of that topic submitted afterwards, through any
    worker on any Gearman server, uses a list with (without) that subscriber.

For each fanout and each client id: an operation decides what the fanout may see of that client id if it was invoked
before the fanout ended, and none that began after its end had completed when the fanout was submitted. What overlaps
the fanout, or each other, may be seen either way. Nobody is on a list before the first operation.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

from tests.functional.matchmaking.history import NEVER_S, History, Loss, Operation, Publication


class Contradiction(NamedTuple):
    """What no order of the operations explains. Without a `client_id` it is about the length of the list."""

    publication: Publication
    client_id: str
    what: str


class Step(NamedTuple):
    """Something that puts a client id on a list or takes it off. From `settled_s` on nothing from before is seen."""

    is_wanted: bool
    invoked_s: float
    completed_s: float
    settled_s: float


_BEGINNING = Step(False, -NEVER_S, -NEVER_S, -NEVER_S)


class Timeline:
    """Whether one client id may be on one list, at any time."""

    def __init__(self, operations: Iterable[Operation], losses: Iterable[Loss]) -> None:
        steps = [_BEGINNING]
        steps += [Step(each.is_wanted, each.invoked_s, each.completed_s, each.completed_s) for each in operations]
        steps += [Step(False, loss.began_s, loss.ended_s, loss.over_s) for loss in losses]
        self._steps = sorted(steps, key=lambda step: step.invoked_s)
        self._invoked_s = [step.invoked_s for step in self._steps]
        self._latest_end_s = list(accumulate((step.completed_s for step in self._steps), max))
        by_settling = sorted(self._steps, key=lambda step: step.settled_s)
        self._settled_s = [step.settled_s for step in by_settling]
        self._latest_settled_s = list(accumulate((step.invoked_s for step in by_settling), max))

    def possible(self, publication: Publication) -> set[bool]:
        """What `publication` may have seen."""
        # what was completed before this began is over: the beginning has settled before any fanout
        over_s = self._latest_settled_s[bisect_left(self._settled_s, publication.submitted_s) - 1]
        position = bisect_left(self._invoked_s, publication.ended_s) - 1
        found: set[bool] = set()
        while position >= 0 and self._latest_end_s[position] >= over_s:
            if self._steps[position].completed_s >= over_s:
                found.add(self._steps[position].is_wanted)
            position -= 1
        return found


def find_contradictions(history: History) -> list[Contradiction]:
    """All of them, in the order of the publications."""
    timelines = _timelines_of(history)
    publications = sorted(history.publications, key=lambda each: each.submitted_s)
    return [wrong for each in publications for wrong in _judge(each, timelines[each.topic])]


def _timelines_of(history: History) -> dict[str, dict[str, Timeline]]:
    operations: dict[str, dict[str, list[Operation]]] = defaultdict(lambda: defaultdict(list))
    for each in history.operations:
        operations[each.topic][each.client_id].append(each)
    found: dict[str, dict[str, Timeline]] = defaultdict(dict)
    for topic, by_client in operations.items():
        found[topic] = {client_id: Timeline(steps, history.losses) for client_id, steps in by_client.items()}
    return found


def _judge(publication: Publication, timelines: dict[str, Timeline]) -> Iterator[Contradiction]:
    must_count = may_count = 0
    for client_id, timeline in timelines.items():
        possible = timeline.possible(publication)
        must_count += possible == {True}
        may_count += True in possible
        if (client_id in publication.seen) not in possible:
            what = "is on the list, and had left" if client_id in publication.seen else "is not on the list"
            yield Contradiction(publication, client_id, what)
    for client_id in publication.seen - timelines.keys():
        yield Contradiction(publication, client_id, "is on the list, and never subscribed")
    if not must_count <= publication.total <= may_count:
        what = f"the list has {publication.total} entries, not {must_count} to {may_count}"
        yield Contradiction(publication, "", what)


def operations_of(history: History, topic: str, client_id: str) -> Sequence[Operation]:
    return sorted(
        (each for each in history.operations if (each.topic, each.client_id) == (topic, client_id)),
        key=lambda each: each.invoked_s,
    )
