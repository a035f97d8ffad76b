"""A directory as the daemon has it, over a store of the test's choice and without any Gearman server."""

from collections.abc import Callable, Collection

from gearhorn.core.matchmaking import Matchmaking, MatchmakingLimits
from gearhorn.core.news import News
from gearhorn.directory import Directory
from gearhorn.patience import Patience, PatienceSettings
from gearhorn.rounds import Rounds
from gearhorn.store.base import Store
from gearhorn.store.leases import Lease


class NoPost:
    """Reaches nobody."""

    def send(self, lease: Lease, news: Collection[News], on_acknowledged: Callable[[], None]) -> Callable[[], None]:
        return lambda: None

    def publish(self, news: Collection[News], holders: Collection[str]) -> None: ...


def directory_of(store: Store, settings: PatienceSettings) -> Directory:
    """Of a worker without a lease, as there is nobody to take one; it reads every list from the store."""
    matchmaking = Matchmaking(MatchmakingLimits())
    patience = Patience(settings)
    return Directory(store, patience, matchmaking, Rounds(store, patience, matchmaking, NoPost(), 1.0))
