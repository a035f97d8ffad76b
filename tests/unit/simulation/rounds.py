"""Tells all other workers of changes, and completes these when none of them can serve an older list.

One round is under way at a time; what is to be told meanwhile goes with the next one.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from gearhorn.core import round as core_round
from gearhorn.core.bulletin import Bulletin
from gearhorn.core.matchmaking import Matchmaking
from gearhorn.core.news import News
from gearhorn.store.leases import Lease, LeaseKey, TopicVersion
from tests.unit.simulation.channel import Channel, Message
from tests.unit.simulation.history import Attempt, History
from tests.unit.simulation.process import Process
from tests.unit.simulation.scheduler import Bell
from tests.unit.simulation.store import NO_ANSWER, StoreLink

ACK_TIMEOUT_S = 1.0
RETRY_S = 0.5
# A timer may end a little early by the clock that set it, because numbers are rounded.
ROUNDING_S = 1e-6


@dataclass
class Lot:
    """What one round has to tell, to whom, and whose jobs wait for it.

    `leases` and `held_s` are those of the store at `told_at_s`, after all of the changes; None: they are not known yet.
    `for_others` are news of changes of which it is not known when they were made.
    """

    leases: Sequence[Lease] | None = ()
    held_s: float = 0.0
    told_at_s: float = 0.0
    attempts: list[Attempt] = field(default_factory=list)
    bulletin: Bulletin[LeaseKey] = field(default_factory=Bulletin)
    for_others: list[News] = field(default_factory=list)

    def learn(self, leases: Sequence[Lease], held_s: float, now_s: float) -> None:
        self.leases, self.held_s, self.told_at_s = leases, held_s, now_s


class Rounds:
    """`patience_s` is how long a store that is away is asked again. `step` is where a fault may strike."""

    def __init__(
        self,
        process: Process,
        link: StoreLink,
        channel: Channel,
        matchmaking: Matchmaking,
        history: History,
        patience_s: float,
        step: Callable[[str], Awaitable[None]],
    ) -> None:
        self.process = process
        self._link = link
        self._channel = channel
        self._matchmaking = matchmaking
        self._history = history
        self._patience_s = patience_s
        self._step = step
        self._next = Lot()
        self._number = 0
        self._round: core_round.Round[LeaseKey] | None = None
        self._work = Bell()
        self._changed = Bell()

    @property
    def is_under_way(self) -> bool:
        return self._round is not None

    def tell(self, news: Iterable[News], attempts: Iterable[Attempt], leases: Sequence[Lease], held_s: float) -> None:
        """News of this worker's own changes, with what the store answered them with, in the order of the answers."""
        self._next.bulletin.add(news, [lease.key for lease in leases])
        self._next.attempts.extend(attempts)
        if self._next.leases is not None:
            self._next.learn(leases, held_s, self.process.now_s())
        self._work.ring()

    def tell_for_others(self, news: Iterable[News]) -> None:
        """News of what somebody else has changed, and told nobody. They came with a renewal of this worker's lease:
        if that is lost since, they may be news of before a loss, and are left to whoever is handed them next.
        """
        self._next.for_others.extend(news)
        self._next.leases = None
        self._work.ring()

    def acknowledged(self, number: int, key: LeaseKey) -> None:
        if self._round is not None and number == self._number:
            self._round.acknowledged(key)
            self._changed.ring()

    async def run(self) -> None:
        while True:
            await self._work.wait()
            lot, self._next = self._next, Lot()
            await self._complete(lot, is_convinced=await self._find_leases(lot) and await self._convince(lot))
            self._round = None

    async def _complete(self, lot: Lot, *, is_convinced: bool) -> None:
        for attempt in lot.attempts:
            await self._step("completing")
            tell = self._history.complete if is_convinced else self._history.fail
            tell(self.process.name, attempt)
        if is_convinced:
            await self._step("settling")
            self.process.run(self._settle(lot))

    async def _settle(self, lot: Lot) -> None:
        await self._link.ask(self.process, "settle", [TopicVersion(*item) for item in lot.bulletin.versions().items()])

    async def _find_leases(self, lot: Lot) -> bool:
        """An empty change tells who holds leases, and whether there may be others. False: the store stays away."""
        if lot.leases is None:
            outcome = await self._ask_patiently("apply", [])
            if outcome is None:
                return False
            lot.learn(outcome.leases, outcome.held_s, self.process.now_s())
            keys = [lease.key for lease in outcome.leases]
            if self._matchmaking.lease.token in [key.token for key in keys]:
                lot.bulletin.add(lot.for_others, keys)
        return True

    async def _convince(self, lot: Lot) -> bool:
        """Returns when nobody can serve a list from before the news. False: that could not be made sure of."""
        round_ = self._round = self._begin(lot)
        self._number += 1
        for key in sorted(round_.open_holders()):
            await self._step("sending")
            self._channel.send(Message(self, self._number, key, tuple(lot.bulletin.news_for(key))))
        while not round_.is_over(self.process.now_s()):
            late = sorted(round_.overdue(self.process.now_s()))
            if late and not await self._revoke(round_, late):
                return False
            if not late:
                await self._wait(round_.next_s())
        return True

    def _begin(self, lot: Lot) -> core_round.Round[LeaseKey]:
        """All times are counted from when the store told them: what has passed since, a fast clock takes for more."""
        age_s = self.process.now_s() - lot.told_at_s
        others = [lease for lease in lot.leases or () if not self._matchmaking.lease.was_ours(lease.key.token)]
        left_s = {lease.key: lease.left_s if lease.is_revoked else None for lease in others}
        return core_round.Round(left_s, lot.held_s, age_s + ACK_TIMEOUT_S, lot.told_at_s)

    async def _revoke(self, round_: core_round.Round[LeaseKey], late: Sequence[LeaseKey]) -> bool:
        await self._step("revoking")
        left_s = await self._ask_patiently("revoke_leases", late)
        if left_s is None:
            return False
        for key, rest_s in zip(late, left_s, strict=True):
            round_.revoked(key, rest_s, self.process.now_s())
        return True

    async def _ask_patiently(self, method: str, *args: Any) -> Any:
        """None: the store stays away."""
        give_up_at_s = self.process.now_s() + self._patience_s
        while self.process.now_s() < give_up_at_s:
            answer = await self._link.ask(self.process, method, *args)
            if answer is not NO_ANSWER:
                return answer.value
            await self.process.sleep(RETRY_S)
        return None

    async def _wait(self, until_s: float | None) -> None:
        """Until something has changed, or for as long as the clock allows."""
        if until_s is not None:
            self.process.after(max(0.0, until_s - self.process.now_s()) + ROUNDING_S, self._changed.ring)
        await self._changed.wait()
