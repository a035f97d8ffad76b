"""What has to be as it should a while after all trouble has ended."""

from collections.abc import Iterable, Iterator, Sequence

from tests.unit.simulation.clients import Publisher
from tests.unit.simulation.fleet import Fleet
from tests.unit.simulation.history import Attempt
from tests.unit.simulation.rounds import ACK_TIMEOUT_S
from tests.unit.simulation.scheduler import Scheduler
from tests.unit.simulation.store import ANSWER_LIMIT_S, LossyStore, run_at_once

# A change may have to wait for the end of a lease by slow clocks; before that, for the acknowledgements of two rounds,
# and twice for an answer of the store that was lost just before the trouble ended.
COMPLETED_WITHIN_S = 1.05 * LossyStore.LEASE_TTL_S + 2 * ACK_TIMEOUT_S + 2 * ANSWER_LIMIT_S
# What a worker that died has left unsettled is taken up when it has been so for as long as a lease lasts; and that
# round, too, may have to wait.
SETTLED_WITHIN_S = 1.5 * LossyStore.LEASE_TTL_S + COMPLETED_WITHIN_S
# A fanout that has to read its list is answered within this, in fair weather.
ANSWERED_WITHIN_S = 1.0


def find_unanswered(attempts: Iterable[Attempt]) -> Iterator[str]:
    for attempt in attempts:
        if attempt.over is None:
            yield f"{attempt} is still under way"


def find_unsettled(store: LossyStore) -> Iterator[str]:
    for topic in store.unsettled():
        yield f"{topic} is still unsettled"


def find_strange_leases(store: LossyStore, fleet: Fleet) -> Iterator[str]:
    """Each worker has one, and those of the dead are forgotten."""
    held = sorted(worker.matchmaking.lease.token or "none" for worker in fleet.alive)
    known = sorted(lease.key.token for lease in run_at_once(store, "leases", ()))
    if held != known:
        yield f"the workers hold the leases {held}, and the store knows {known}"


def find_wrong_lists(
    scheduler: Scheduler, store: LossyStore, fleet: Fleet, publisher: Publisher, topics: Sequence[str]
) -> Iterator[str]:
    """Each worker answers from memory what is in the store, once it has been asked."""
    for topic in topics:
        for worker in fleet.alive:
            publisher.publish(worker, topic, 0.0)
        scheduler.run_until(scheduler.now_s + ANSWERED_WITHIN_S)
        there = sorted(store.lists().get(topic, ()))
        for worker in fleet.alive:
            members = worker.lookups.find(topic)
            found = None if members is None else sorted(members)
            if found != there:
                yield f"{worker.process.name} has {found} in memory for {topic}, where the store has {there}"
