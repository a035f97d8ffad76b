"""Who gets no copies for now, as every worker knows it. Fanouts ask here, once each."""

from collections.abc import Iterable
from typing import NamedTuple

from gearhorn.core.members import NOBODY, Members

PAUSED_REASON = "paused: nobody serves its queue"


class Parted(NamedTuple):
    """A list in two: who gets a copy, and who is paused."""

    members: Members
    paused: Members


class Pauses:
    """`is_paused(topic)` is one look into a dictionary; only topics with paused subscribers cost more."""

    def __init__(self) -> None:
        self._by_topic: dict[str, frozenset[bytes]] = {}

    def __contains__(self, topic: str) -> bool:
        return topic in self._by_topic

    @property
    def subscriber_count(self) -> int:
        return sum(map(len, self._by_topic.values()))

    def set(self, pairs: Iterable[tuple[str, str]]) -> None:
        """These are paused, and nobody else."""
        by_topic: dict[str, set[bytes]] = {}
        for topic, client_id in pairs:
            by_topic.setdefault(topic, set()).add(client_id.encode())
        self._by_topic = {topic: frozenset(client_ids) for topic, client_ids in by_topic.items()}

    def part(self, topic: str, members: Members) -> Parted:
        paused = [client_id for client_id in self._by_topic.get(topic, ()) if client_id in members]
        return Parted(members.without(paused), Members.of(paused)) if paused else Parted(members, NOBODY)
