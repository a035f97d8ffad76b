"""How many copies wait in the subscribers' queues, topic by topic: added up while the servers tell of all queues."""

import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping

from gearhorn.errors import StoreUnavailable
from gearhorn.metrics.meters import OTHER

# The store is asked for its topics so often at the most: it may have many.
TOPICS_EVERY_S = 300.0
# Those with the largest backlogs are told one by one, the rest together.
TOPICS_TOLD = 200


class Backlogs:
    """`begin` and `finish` stand around a look, `add` is called meanwhile for each queue where jobs wait.

    A queue counts for the longest topic that its name may begin with: whose it is for sure would take all lists.
    """

    def __init__(
        self, find_topics: Callable[[], Awaitable[frozenset[str]]], now_s: Callable[[], float] = time.monotonic
    ) -> None:
        self.by_topic: Mapping[str, int] = {}
        self._find_topics = find_topics
        self._now_s = now_s
        self._topics: dict[bytes, str] = {}
        self._asked_at_s: float | None = None
        self._counts: Counter[str] = Counter()

    async def begin(self) -> None:
        self._counts = Counter()
        if self._asked_at_s is not None and self._now_s() - self._asked_at_s < TOPICS_EVERY_S:
            return
        try:
            topics = await self._find_topics()
        except StoreUnavailable:  # those of the last time will do
            return
        self._asked_at_s = self._now_s()
        self._topics = {topic.encode(): topic for topic in topics}

    def add(self, queue: bytes, waiting_count: int) -> None:
        end = queue.rfind(b"_")
        while end > 0:
            topic = self._topics.get(queue[:end])
            if topic is not None:
                self._counts[topic] += waiting_count
                return
            end = queue.rfind(b"_", 0, end)

    def finish(self) -> None:
        told = dict(self._counts.most_common(TOPICS_TOLD))
        rest_count = self._counts.total() - sum(told.values())
        if rest_count:
            told[OTHER] = told.get(OTHER, 0) + rest_count
        self.by_topic = told

    def forget(self) -> None:
        self.by_topic = {}
