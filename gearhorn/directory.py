"""Who is subscribed to what: the one door between the jobs and the store.

Handlers ask here and nowhere else. A list that may be answered from memory is; any other is read from the store, by a
read that began after the question. A change is made in the store and returns when every worker knows of it.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from gearhorn.clock import steady_s
from gearhorn.core.matchmaking import Matchmaking
from gearhorn.core.members import NOBODY, Members
from gearhorn.core.news import UNKNOWN, News
from gearhorn.grouping import Grouper
from gearhorn.patience import Patience
from gearhorn.rounds import Lot, Rounds
from gearhorn.store.base import UNKNOWN_VERSION, Applied, Change, ChangeResult, Outcome, Store, Subscribe

log = logging.getLogger(__name__)

# Redis takes 500 changes in one script within half a millisecond; more at once would hold up its other clients.
CHANGES_AT_ONCE = 500
LOOKUPS_AT_ONCE = 1000


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
    ) -> None:
        """`now_s` is the clock that `matchmaking` goes by."""
        self._store = store
        self._patience = patience
        self._matchmaking = matchmaking
        self._rounds = rounds
        self._now_s = now_s
        self._asked: Counter[str] = Counter()  # topics whose lists are waited for
        self._unanswered: Counter[str] = Counter()  # those of them of which the answers are not there yet
        self._lookups: Grouper[str, Members] = Grouper(self._read, LOOKUPS_AT_ONCE)
        self._changes: Grouper[_Wish, _Made | None] = Grouper(self._apply, CHANGES_AT_ONCE)

    def find(self, topic: str) -> Members | None:
        """The subscribers of `topic`, if that can be told from memory. See `members` for the promise.

        While others wait for the same list it cannot: fanouts that came in a row go out in that order.
        """
        return None if topic in self._asked else self._matchmaking.find(topic, self._now_s())

    async def members(self, topic: str) -> Members:
        """The subscribers of `topic`, with every change that was completed before the question."""
        found = self.find(topic)
        if found is not None:
            return found
        self._asked[topic] += 1
        try:
            return await self._find_in_turn(topic)
        finally:
            self._asked[topic] -= 1
            if not self._asked[topic]:
                del self._asked[topic]

    async def _find_in_turn(self, topic: str) -> Members:
        """Those who asked before come first, but who comes after need not stand in line for longer than they."""
        found = None if self._unanswered[topic] else self._matchmaking.find(topic, self._now_s())
        if found is None:
            self._unanswered[topic] += 1
            return await self._lookups.ask(topic)
        await asyncio.sleep(0)  # they have their answers, and have not gone on yet
        return found

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

    async def close(self) -> None:
        await self._lookups.close()
        await self._changes.close()

    async def _read(self, topics: Sequence[str]) -> Sequence[Members]:
        """What has come to be in memory since it was asked for is not read again."""
        now_s = self._now_s()
        members = {topic: self._matchmaking.find(topic, now_s) for topic in topics}
        unknown = [topic for topic, found in members.items() if found is None]
        try:
            if unknown:
                members |= await self._patience.ask(lambda: self._read_once(unknown))
        finally:
            self._unanswered -= Counter(topics)
        return [members[topic] or NOBODY for topic in topics]

    async def _read_once(self, topics: Sequence[str]) -> dict[str, Members]:
        found: dict[str, tuple[int, Members]] = {}
        reading = self._matchmaking.begin_read(topics)
        try:
            for topic, (version, client_ids) in zip(topics, await self._store.read(topics), strict=True):
                found[topic] = version, Members.of(client_ids)
        finally:
            for topic in self._matchmaking.end_read(reading, found):
                log.warning("the list of %r is too large to be kept in memory: each fanout reads it", topic)
        return {topic: members for topic, (_, members) in found.items()}

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
