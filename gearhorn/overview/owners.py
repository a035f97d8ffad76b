"""Whose the queues are on which jobs wait.

A name alone does not tell: `a_b_c` may be of the topic `a`, of `a_b`, or of somebody else's program. The lists decide.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from gearhorn.core.members import Members
from gearhorn.names import possible_pairs
from gearhorn.overview.roster import Roster
from gearhorn.store.base import Store
from gearhorn.subscribers.aside import reckon
from gearhorn.wire.loads import IDLE_LOAD, Load, add_loads

Pair = tuple[str, str]


class Shares(NamedTuple):
    """`by_topic`: what is on the queues of a topic's subscribers. `strangers`: queues of nobody who is subscribed."""

    by_topic: dict[str, Load]
    strangers: dict[bytes, Load]


async def share_out(
    loads: Mapping[bytes, Load], topics: Collection[str], store: Store, roster: Roster, until_s: float
) -> Shares:
    """What is asked grows with the queues and with the topics, not with both multiplied."""
    pairs = await reckon(len(loads), lambda: {queue: known_pairs(queue, topics) for queue in loads})
    needed = {topic for known in pairs.values() for topic, _ in known}
    members = await roster.find(store, needed, until_s)
    return await reckon(len(loads), lambda: _share(loads, pairs, members))


def known_pairs(queue: bytes, topics: Collection[str]) -> list[Pair]:
    return [(topic, client_id) for topic, client_id in possible_pairs(queue) if topic in topics]


def _share(
    loads: Mapping[bytes, Load], pairs: Mapping[bytes, Iterable[Pair]], members: Mapping[str, Members]
) -> Shares:
    shares = Shares({}, {})
    for queue, load in loads.items():
        topic = _owner(pairs[queue], members)
        if topic is None:
            shares.strangers[queue] = load
        else:
            shares.by_topic[topic] = add_loads(shares.by_topic.get(topic, IDLE_LOAD), load)
    return shares


def _owner(pairs: Iterable[Pair], members: Mapping[str, Members]) -> str | None:
    """The topic whose list has the client. A list that could not be read in time is taken to have it."""
    unread = None
    for topic, client_id in pairs:
        if topic not in members:
            unread = unread or topic
        elif client_id.encode() in members[topic]:
            return topic
    return unread
