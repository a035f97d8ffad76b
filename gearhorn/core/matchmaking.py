"""What a worker may answer from memory, decided from what it is told: the other side of every promise about caches.

The promise: once a change of a topic's list has completed, every fanout submitted afterwards, through any worker, goes
by the list with the change. It holds although a fanout reads no store, because

* a worker answers from memory only while it holds a lease that is valid by its own clock, reckoned from before it
  asked for it (`lease.py`); without one each list is read from the store;
* whoever changes a list waits until every holder of a lease has acknowledged the news, or can hold its lease no longer
  (`round.py`);
* who acknowledges goes by the newest version that it heard of from then on, whatever it was reading (`lists.py`);
* a lease that is lost takes all lists with it, and what was read under one lease is never kept under another.

Nothing here waits, knows a clock or a store. Times are seconds of the worker's own clock, see `lease.py`.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from gearhorn.core.lease import Lease
from gearhorn.core.lists import Lists, Reading
from gearhorn.core.members import Members
from gearhorn.core.news import News


@dataclass(frozen=True, slots=True)
class MatchmakingLimits:
    """How long a lease lasts, and how much is kept in memory."""

    lease_ttl_s: float = 10.0
    cache_topics: int = 10_000
    cache_subscribers: int = 5_000_000


class Matchmaking:
    """One worker's state."""

    def __init__(self, limits: MatchmakingLimits) -> None:
        self.lease = Lease(limits.lease_ttl_s)
        self.lists = Lists(limits.cache_topics, limits.cache_subscribers)
        # Version and length of lists that went with a lost lease. They may differ from what the store has now, if that
        # lost them, too: whoever reads one compares it, and takes it out.
        self.lists_before: dict[str, tuple[int, int]] = {}
        self._topic_limit = limits.cache_topics

    def adjust(self, limits: MatchmakingLimits) -> None:
        """How much is kept in memory. How long a lease lasts is agreed with the others, and stays."""
        self.lists.adjust(limits.cache_topics, limits.cache_subscribers)
        self._topic_limit = limits.cache_topics

    def find(self, topic: str, now_s: float) -> Members | None:
        """The list to answer with; None: it has to be read from the store, by a read that begins after this."""
        return self.lists.find(topic) if self.lease.is_valid(now_s) else None

    def begin_read(self, topics: Iterable[str]) -> Reading:
        return self.lists.begin_read(topics, self.lease.token)

    def end_read(self, reading: Reading, found: Mapping[str, tuple[int, Members]]) -> list[str]:
        """Keeps what may be kept of what was found; nothing, where the read failed. See `Lists.end_read`."""
        return self.lists.end_read(reading, found if self._may_keep(reading) else {})

    def lease_lost(self) -> None:
        self.lease.lost()
        if len(self.lists_before) > self._topic_limit:
            self.lists_before.clear()
        self.lists_before.update(self.lists.sizes())
        self.lists.forget_all()

    def hear(self, news: Iterable[News]) -> None:
        """Of changes that this worker has made itself, or others."""
        for one in news:
            self.lists.hear(one)

    def hear_own(self, news: Iterable[News], tokens: Collection[str]) -> None:
        """News of a change that this worker made, while the leases with these tokens were there."""
        if self.lease.token in tokens:
            self.hear(news)

    def hear_message(self, token: str, news: Iterable[News]) -> bool:
        """News for the holder of the lease `token`. Whether they may be acknowledged: only by that worker.

        Another one may hold the same id, by mistake or because it came after; its word would let the change complete
        while the one that is meant goes on with its old list.

        Lists that are kept under a later lease were read after the changes and need not hear of them. They must not,
        either: a store that lost these changes in between went back to the versions that they start from.
        """
        if token == self.lease.token:
            self.hear(news)
        return self.lease.was_ours(token)

    def _may_keep(self, reading: Reading) -> bool:
        return reading.token is not None and reading.token == self.lease.token
