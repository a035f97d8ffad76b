"""Who is subscribed to what: the one door between the jobs and the store.

Handlers ask here and nowhere else. A list that may be answered from memory is; any other is read from the store, by a
read that began after the question. A change is made in the store and returns when every worker knows of it.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from gearhorn.clock import steady_s
from gearhorn.core.matchmaking import Matchmaking
from gearhorn.core.members import Members
from gearhorn.core.news import UNKNOWN, News
from gearhorn.grouping import Grouper
from gearhorn.matchmaking.lookups import Judge, Lookups
from gearhorn.matchmaking.rounds import Lot, Rounds
from gearhorn.metrics import Counters
from gearhorn.patience import Patience
from gearhorn.store.base import UNKNOWN_VERSION, Applied, Change, ChangeResult, Outcome, Store, Subscribe

# Redis takes 500 changes in one script within half a millisecond; more at once would hold up its other clients.
CHANGES_AT_ONCE = 500


class _Wish(NamedTuple):
    """A change, and whether somebody still waits for it."""

    change: Change
    is_wanted: Callable[[], bool]


class _Made(NamedTuple):
    """What became of a change, and the round that its topic's news go with, if they have to be told."""

    result: ChangeResult
    lot: Lot | None


class Directory:
    """Lookups and changes, each grouped and retried. Both raise StoreUnavailable when the store stays away."""

    def __init__(
        self,
        store: Store,
        patience: Patience,
        matchmaking: Matchmaking,
        rounds: Rounds,
        now_s: Callable[[], float] = steady_s,
        losses: Judge | None = None,
        counters: Counters | None = None,
    ) -> None:
        """`now_s` is the clock that `matchmaking` goes by. Without `losses` no list counts as lost."""
        self._store = store
        self._patience = patience
        self._matchmaking = matchmaking
        self._rounds = rounds
        self._lookups = Lookups(store, patience, matchmaking, now_s, losses, counters)
        self._changes: Grouper[_Wish, _Made | None] = Grouper(self._apply, CHANGES_AT_ONCE)

    def find(self, topic: str) -> Members | None:
        """The subscribers of `topic`, if that can be told from memory. See `members` for the promise."""
        return self._lookups.find(topic)

    async def members(self, topic: str) -> Members:
        """The subscribers of `topic`, with every change that was completed before the question.

        Raises ListLost where the store has lost them.
        """
        return await self._lookups.members(topic)

    async def change(self, change: Change, is_wanted: Callable[[], bool] = lambda: True) -> ChangeResult | None:
        """Makes the change. When this returns, every later `members`, in any worker, knows of it.

        None: it was not wanted any more when the store could be asked, and was not made.
        """
        made = await self._changes.ask(_Wish(change, is_wanted))
        if made is None:
            return None
        if made.lot is not None:
            await made.lot.wait()
        return made.result

    async def change_many(self, changes: Sequence[Change]) -> list[ChangeResult]:
        """As `change` for each, in order, with one round for all. For one who makes no other change meanwhile."""
        made = await self._apply([_Wish(change, lambda: True) for change in changes])
        for lot in {id(one.lot): one.lot for one in made if one is not None and one.lot is not None}.values():
            await lot.wait()
        return [one.result for one in made if one is not None]

    async def close(self) -> None:
        await self._lookups.close()
        await self._changes.close()

    async def _apply(self, wishes: Sequence[_Wish]) -> Sequence[_Made | None]:
        wanted, outcome = await self._patience.ask(lambda: self._apply_wanted(wishes))
        changes = [wish.change for wish in wanted]
        news = list(news_of(changes, outcome))
        self._matchmaking.hear_own(news, [lease.key.token for lease in outcome.leases])
        lot = self._rounds.tell(news, outcome.leases, outcome.held_s) if news else None
        told = {one.topic for one in news}
        made = {
            id(wish): _Made(result, lot if wish.change.topic in told else None)
            for wish, result in zip(wanted, outcome.results, strict=True)
        }
        return [made.get(id(wish)) for wish in wishes]

    async def _apply_wanted(self, wishes: Sequence[_Wish]) -> tuple[Sequence[_Wish], Outcome]:
        """While the store is waited for, a server may give a job to another worker, which makes the change, and a
        later change of the same subscriber may follow. Made once more after it, the first one would undo it.
        """
        wanted = [wish for wish in wishes if wish.is_wanted()]
        return wanted, await self._store.apply([wish.change for wish in wanted])


def news_of(changes: Iterable[Change], outcome: Outcome) -> Iterable[News]:
    """What other workers have to hear: of every topic that was changed, or that nobody has settled."""
    joined: dict[str, dict[bytes, bool]] = {}
    for change, result in zip(changes, outcome.results, strict=True):
        if isinstance(result, Applied) and result.changed:
            joined.setdefault(change.topic, {})[change.client_id.encode()] = isinstance(change, Subscribe)
    for topic, (old_version, version, is_settled) in outcome.topics.items():
        is_known = topic in joined and old_version not in (UNKNOWN_VERSION, version)
        if is_known:
            yield News(topic, version, old_version, joined[topic])
        elif not is_settled or topic in joined:
            yield News(topic, version, UNKNOWN)
