"""Finds the subscribers to whom queues belong.

A queue's name alone does not tell topic and client id; the lists do. What is asked grows with the queues and with the
topics, not with both multiplied.
"""

import asyncio
from collections.abc import Collection, Iterable, Mapping
from functools import partial

from gearhorn.core.health import Case
from gearhorn.core.members import NOBODY, Members
from gearhorn.errors import ListLost
from gearhorn.matchmaking.directory import Directory
from gearhorn.names import possible_pairs, queue_prefix
from gearhorn.store.base import Store
from gearhorn.subscribers.aside import reckon

# What was nobody's queue may become a subscriber's; it is looked at again when it has waited so many seconds longer.
STRANGER_AGAIN_S = 600.0

Pair = tuple[str, str]


class Owners:
    """`find` may raise StoreUnavailable."""

    def __init__(self, store: Store, directory: Directory, matchmaking_topic: str) -> None:
        self._store = store
        self._directory = directory
        self._matchmaking_topic = matchmaking_topic
        self._strangers: dict[bytes, float] = {}  # queue -> `over_s` from which on it is asked about again

    async def find(self, cases: Mapping[bytes, Case]) -> None:
        """Notes in each case the subscriber whose queue it is, if it is anybody's now.

        Who has unsubscribed owns nothing any more, but for the one that is being dropped.
        """
        cases = await reckon(len(cases), partial(self._worth_it, cases))
        has_unknown = not all(case.topic_bytes for case in cases.values())
        topics = await self.topics() if has_unknown else frozenset()
        pairs = await reckon(len(cases), lambda: _pairs_of(cases, topics))
        members = await find_members(self._directory, {topic for known in pairs.values() for topic, _ in known})
        await reckon(len(cases), lambda: self._note(cases, pairs, members))

    def _note(
        self, cases: Mapping[bytes, Case], pairs: Mapping[bytes, Iterable[Pair]], members: Mapping[str, Members]
    ) -> None:
        for queue, case in cases.items():
            case.topic_bytes = _topic_bytes(pairs[queue], members)
            if not case.topic_bytes:
                self._strangers[queue] = case.over_s + STRANGER_AGAIN_S

    def _worth_it(self, cases: Mapping[bytes, Case]) -> dict[bytes, Case]:
        self._strangers = {queue: over_s for queue, over_s in self._strangers.items() if queue in cases}
        return {queue: case for queue, case in cases.items() if not case.is_dropped and self._is_worth_it(queue, case)}

    def _is_worth_it(self, queue: bytes, case: Case) -> bool:
        return bool(case.topic_bytes) or case.over_s >= self._strangers.get(queue, 0.0)

    async def topics(self) -> frozenset[str]:
        """Those that have subscribers. Raises StoreUnavailable."""
        return frozenset(count.topic for count in await self._store.topics()) - {self._matchmaking_topic}


async def find_members(directory: Directory, topics: Collection[str]) -> dict[str, Members]:
    """The lists of `topics`. Nobody is known to be on one that the store has lost. Raises StoreUnavailable."""

    async def find(topic: str) -> Members:
        try:
            return await directory.members(topic)
        except ListLost:
            return NOBODY

    found = await asyncio.gather(*map(find, topics))
    return dict(zip(topics, found, strict=True))


def _pairs_of(cases: Mapping[bytes, Case], topics: Collection[str]) -> dict[bytes, list[Pair]]:
    return {queue: _known_pairs(queue, case, topics) for queue, case in cases.items()}


def _known_pairs(queue: bytes, case: Case, topics: Collection[str]) -> list[Pair]:
    if case.topic_bytes:
        return [(queue[: case.topic_bytes].decode(), queue[case.topic_bytes + 1 :].decode())]
    return [(topic, client_id) for topic, client_id in possible_pairs(queue) if topic in topics]


def _topic_bytes(pairs: Iterable[Pair], members: Mapping[str, Members]) -> int:
    for topic, client_id in pairs:
        if client_id.encode() in members[topic]:
            return len(queue_prefix(topic)) - 1
    return 0
