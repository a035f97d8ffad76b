"""A run that failed, for whoever has to find out why."""

import time
from collections.abc import Iterator, Sequence

from tests.functional.matchmaking.history import History, Operation, Publication
from tests.functional.matchmaking.oracle import Contradiction, operations_of
from tests.servers.gearhorn_worker import GearhornWorker

SHOWN_COUNT = 8
# Around a contradiction.
BEFORE_S = 12.0
AFTER_S = 3.0
NEAR_S = 0.3  # for other fanouts, of which there are many
LOG_CHARACTERS = 8000


def describe_run(
    seed: int,
    started_s: float,
    history: History,
    contradictions: Sequence[Contradiction],
    workers: Sequence[GearhornWorker],
) -> str:
    """Times are seconds since the start; with each contradiction stands the time of day, which the logs show."""
    lines = [f"seed {seed}: {len(contradictions)} contradictions, {len(history.surprises)} surprises"]
    lines += history.surprises
    for wrong in contradictions[:SHOWN_COUNT]:
        lines += _describe(wrong, history, started_s)
    for worker in workers:
        lines += [f"--- {worker.worker_id}, the whole log in {worker.folder}", worker.log[-LOG_CHARACTERS:]]
    return "\n".join(lines)


def _describe(wrong: Contradiction, history: History, started_s: float) -> Iterator[str]:
    publication = wrong.publication
    clock = time.strftime("%H:%M:%S", time.localtime(time.time() - time.monotonic() + publication.submitted_s))
    yield f"\n=== {publication.topic} {wrong.client_id}: {wrong.what}; at {clock}"
    yield from sorted(_around(wrong, history, started_s))


def _around(wrong: Contradiction, history: History, zero_s: float) -> Iterator[str]:
    publication = wrong.publication
    first_s, last_s = publication.submitted_s - BEFORE_S, publication.ended_s + AFTER_S
    yield f"{_span(publication, zero_s)} >> this fanout, {publication.name}: {sorted(publication.seen)}"
    for each in operations_of(history, publication.topic, wrong.client_id):
        if each.completed_s > first_s and each.invoked_s < last_s:
            yield _operation(each, zero_s)
    for trouble in history.troubles:
        if first_s < trouble.at_s < last_s:
            yield f"{trouble.at_s - zero_s:9.3f}          {trouble.what}"
    for loss in history.losses:
        yield f"{loss.began_s - zero_s:9.3f} - {loss.ended_s - zero_s:.3f} all subscriptions were lost"
    for other in history.publications:
        if other.topic == publication.topic and _is_near(other, publication):
            seen = "with" if wrong.client_id in other.seen else "without"
            yield f"{_span(other, zero_s)} {other.name} {seen}"


def _operation(each: Operation, zero_s: float) -> str:
    what = "subscribe" if each.is_wanted else "unsubscribe"
    return f"{each.invoked_s - zero_s:9.3f} - {each.completed_s - zero_s:.3f} {what} {each.client_id}"


def _span(each: Publication, zero_s: float) -> str:
    return f"{each.submitted_s - zero_s:9.3f} - {each.ended_s - zero_s:.3f}"


def _is_near(one: Publication, other: Publication) -> bool:
    return one is not other and abs(one.submitted_s - other.submitted_s) < NEAR_S
