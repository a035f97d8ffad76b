"""The promise of matchmaking holds in thousands of histories: see world.py for what they are made of.

A history that breaks it is told with the command that replays it. `make simulate SEEDS=100000 FIRST=5000` tries more;
see __main__.py.
"""

from collections import Counter

import pytest

from tests.unit.simulation.world import describe, run

SEED_COUNT = 5000
BLOCK_SEEDS = 250


@pytest.mark.parametrize("first", range(0, SEED_COUNT, BLOCK_SEEDS))
def test_no_fanout_goes_by_a_list_without_a_change_that_had_completed(first: int) -> None:
    """And all comes to rest: every change completes, everything is settled, and all answer from memory again."""
    verdicts = (run(seed) for seed in range(first, first + BLOCK_SEEDS))
    assert [describe(verdict) for verdict in verdicts if verdict.wrongs] == []


# What has to happen, and what the lines of the trace have that tell of it.
TROUBLE = {
    "a lease is lost": ("renew_lease by", "is_held=False"),
    "a lease is revoked": ("revoke_leases by",),
    "a revoked lease is still among the holders": ("apply by", "is_revoked=True"),
    "a change finds its wish fulfilled and unsettled": ("apply by", "changed=False", "is_settled=False"),
    "a change finds its wish fulfilled and settled": ("apply by", "changed=False", "is_settled=True"),
    "changes travel together": ("apply by", "client_id", "client_id"),
    "a renewal is handed what nobody has settled": ("renew_lease by", "unsettled=[TopicVersion"),
    "a renewal is handed the lease of a dead worker": ("renew_lease by", "run_out=[LeaseKey"),
    "a lease is in the way of another": ("take_lease by", "Lease(key="),
    "a message comes to the wrong worker": ("refuses what is meant for",),
    "a message has no difference": ("acknowledges what is meant for", "old_version=-1"),
    "a job fails": ("fails",),
    "a worker crashes": ("crashes",),
    "a worker stops": ("stops",),
    "a worker leaves": ("release_lease by",),
    "a change is struck half-way": ("is struck when it has come to",),
    "the store loses data": ("loses its leases",),
    "a fanout is answered from memory": ("answers a fanout", "from memory"),
    "a fanout is answered from the store": ("answers a fanout", "from the store"),
}


def test_the_histories_are_full_of_trouble() -> None:
    """Else they would prove nothing."""
    seen: Counter[str] = Counter()
    for seed in range(100):
        for line in run(seed).history.trace():
            seen.update(what for what, parts in TROUBLE.items() if all(part in line for part in parts))
    assert {what: seen[what] for what in TROUBLE if seen[what] < 10} == {}
