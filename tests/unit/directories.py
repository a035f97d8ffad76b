"""A directory as the daemon has it, over a store of the test's choice and without any Gearman server."""

from collections.abc import Callable

from gearhorn.clock import steady_s
from gearhorn.core.matchmaking import Matchmaking, MatchmakingLimits
from gearhorn.matchmaking.directory import Directory
from gearhorn.matchmaking.rounds import Post, Rounds
from gearhorn.patience import Patience, PatienceSettings
from gearhorn.store.base import Store
from gearhorn.store.leases import LeaseKey
from tests.unit.letters import Letters


def directory_of(
    store: Store,
    settings: PatienceSettings,
    matchmaking: Matchmaking | None = None,
    post: Post | None = None,
    now_s: Callable[[], float] = steady_s,
) -> Directory:
    """Of a worker without a lease, unless told otherwise; it reads every list from the store."""
    state = matchmaking or Matchmaking(MatchmakingLimits())
    patience = Patience(settings)
    rounds = Rounds(store, patience, state, post or Letters(), ack_timeout_s=1.0, now_s=now_s)
    return Directory(store, patience, state, rounds, now_s)


async def take_lease(store: Store, matchmaking: Matchmaking, now_s: float, token: str = "held") -> None:
    """For worker `a`. Nobody renews it."""
    await store.take_lease(LeaseKey("a", token), matchmaking.lease.ttl_s, "{}")
    matchmaking.lease.asked(token)
    matchmaking.lease.taken(token, now_s)
