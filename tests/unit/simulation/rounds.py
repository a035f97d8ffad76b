"""Tells all other workers of changes, and completes these when none of them can serve an older list.

One round is under way at a time; what is to be told meanwhile goes with the next one.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

from gearhorn.core import round as core_round
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


class Lot:
    """What one round has to tell, to whom, and whose jobs wait for it.

    `leases` and `held_s` are those of the store after all of the changes, as it told them at `told_at_s`; None: they
    are not known yet. Each holder of a lease is told of the changes that were made while it held that lease. What it
    has in memory was read after all others; and a store that lost these may be back at versions that they start from.
    """

    def __init__(self) -> None:
        self.leases: Sequence[Lease] | None = ()
        self.held_s = 0.0
        self.told_at_s = 0.0
        self.attempts: list[Attempt] = []
        self.for_others: list[News] = []
        self._parts: list[tuple[set[LeaseKey], list[News]]] = []

    def add(self, news: Iterable[News], leases: Iterable[Lease]) -> None:
        """`leases` are those that were there when the changes were made."""
        keys = {lease.key for lease in leases}
        if not self._parts or self._parts[-1][0] != keys:
            self._parts.append((keys, []))
        for one in news:
            join(self._parts[-1][1], one)

    def news_for(self, key: LeaseKey) -> tuple[News, ...]:
        return tuple(one for keys, news in self._parts if key in keys for one in news)

    @property
    def versions(self) -> list[TopicVersion]:
        versions: dict[str, int] = {}
        for _, news in self._parts:
            for one in news:
                versions[one.topic] = max(one.version, versions.get(one.topic, 0))
        return [TopicVersion(topic, version) for topic, version in versions.items()]


def join(news: list[News], later: News) -> None:
    """Steps of one list that follow on each other become one; others' may have come in between."""
    for index, one in enumerate(news):
        if one.topic == later.topic and one.version == later.old_version:
            news[index] = one.then(later)
            return
    news.append(later)


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
        self._next.add(news, leases)
        self._next.attempts.extend(attempts)
        if self._next.leases is not None:
            self._next.leases, self._next.held_s, self._next.told_at_s = leases, held_s, self.process.now_s()
        self._work.ring()

    def tell_for_others(self, news: Iterable[News]) -> None:
        """News of what somebody else has changed, and told nobody."""
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
        await self._link.ask(self.process, "settle", lot.versions)

    async def _find_leases(self, lot: Lot) -> bool:
        """An empty change tells who holds leases, and whether there may be others. False: the store stays away."""
        if lot.leases is None:
            outcome = await self._ask_patiently("apply", [])
            if outcome is None:
                return False
            lot.leases, lot.held_s, lot.told_at_s = outcome.leases, outcome.held_s, self.process.now_s()
            if self._matchmaking.lease.token in [lease.key.token for lease in lot.leases]:
                lot.add(lot.for_others, lot.leases)
        return True

    async def _convince(self, lot: Lot) -> bool:
        """Returns when nobody can serve a list from before the news. False: that could not be made sure of."""
        round_ = self._round = self._begin(lot)
        self._number += 1
        for key in sorted(round_.open_holders()):
            await self._step("sending")
            self._channel.send(Message(self, self._number, key, lot.news_for(key)))
        while not round_.is_over(self.process.now_s()):
            late = sorted(round_.overdue(self.process.now_s()))
            if late and not await self._revoke(round_, late):
                return False
            if not late:
                await self._wait(round_.next_s())
        return True

    def _begin(self, lot: Lot) -> core_round.Round[LeaseKey]:
        now_s = self.process.now_s()
        age_s = now_s - lot.told_at_s
        others = [lease for lease in lot.leases or () if not self._matchmaking.lease.was_ours(lease.key.token)]
        left_s = {lease.key: max(0.0, lease.left_s - age_s) if lease.is_revoked else None for lease in others}
        return core_round.Round(left_s, max(0.0, lot.held_s - age_s), ACK_TIMEOUT_S, now_s)

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
