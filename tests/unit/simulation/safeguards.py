"""The safeguards of matchmaking, and what takes the place of each where it is switched off.

That a simulation finds nothing wrong proves something only if it finds what is wrong. See test_safeguards.py.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import NamedTuple
from unittest.mock import patch

from gearhorn.core import lease
from gearhorn.core import round as core_round
from gearhorn.core.bulletin import Bulletin
from gearhorn.core.lease import Lease
from gearhorn.core.lists import Reading, _Entry
from gearhorn.core.matchmaking import Matchmaking
from gearhorn.core.members import Members
from gearhorn.core.news import News
from gearhorn.core.round import Round
from gearhorn.matchmaking.directory import news_of
from gearhorn.store.base import Change, Outcome
from gearhorn.store.leases import LeaseKey, TopicVersion
from gearhorn.store.memory import MemoryStore
from tests.unit.simulation import changes
from tests.unit.simulation.store import ANSWER_LIMIT_S, LossyStore

# What is replaced: an attribute of a class or a module.
Replacement = tuple[object, str, object]


class Safeguard(NamedTuple):
    name: str
    replacements: Sequence[Replacement]

    @contextmanager
    def switched_off(self) -> Iterator[None]:
        with ExitStack() as stack:
            for owner, attribute, replacement in self.replacements:
                stack.enter_context(patch.object(owner, attribute, replacement))
            yield


_renewed = Lease.renewed
_begin = Round.__init__
_apply = LossyStore.apply


# What a worker does without that answers from memory.


def is_held(self: Lease, now_s: float) -> bool:
    return self.token is not None


def reckon_from_the_answer(self: Lease, asked_at_s: float) -> None:
    _renewed(self, asked_at_s + ANSWER_LIMIT_S)


def lose_the_lease_alone(self: Matchmaking) -> None:
    self.lease.lost()


def may_always_keep(self: Matchmaking, reading: Reading) -> bool:
    return True


def put_whatever_was_read(self: _Entry, version: int, members: Members) -> None:
    self.members, self.version, self.joined, self.pending, self.heard = members, version, {}, {}, version


def clear(self: _Entry, news: News) -> None:
    self.drop()


def work_in_whatever_is_pending(self: _Entry) -> None:
    while self.members is not None and self.pending:
        news = self.pending.pop(min(self.pending))
        self.joined.update(news.joined or {})
        self.version = max(self.version, news.version)


def acknowledge_for_others(self: Matchmaking, token: str, news: Iterable[News]) -> bool:
    if token == self.lease.token:
        self.hear(news)
    return True


def hear_what_is_for_an_earlier_lease(self: Matchmaking, token: str, news: Iterable[News]) -> bool:
    self.hear(news)
    return self.lease.was_ours(token)


def hear_nothing_of_ones_own(self: Matchmaking, news: Iterable[News], tokens: Collection[str]) -> None:
    pass


def hear_all_of_ones_own(self: Matchmaking, news: Iterable[News], tokens: Collection[str]) -> None:
    self.hear(news)


# What a worker does without that changes a list.


def wait_for_nobody(self: Round[LeaseKey], now_s: float) -> bool:
    return True


def wait_no_longer(self: Round[LeaseKey], holder: LeaseKey, left_s: float, now_s: float) -> None:
    self._revoking.discard(holder)


def begin_without_what_is_lost(
    self: Round[LeaseKey], holders: Mapping[LeaseKey, float | None], held_s: float, ack_timeout_s: float, now_s: float
) -> None:
    _begin(self, holders, 0.0, ack_timeout_s, now_s)


def news_of_what_is_new(made: Sequence[Change], outcome: Outcome) -> Iterable[News]:
    topics = {topic: state._replace(is_settled=True) for topic, state in outcome.topics.items()}
    return news_of(made, outcome._replace(topics=topics))


def tell_everything(self: Bulletin[LeaseKey], holder: LeaseKey) -> list[News]:
    return self.news()


# What a store does without.


async def apply_and_name_no_revoked(self: LossyStore, made: Sequence[Change]) -> Outcome:
    outcome = await _apply(self, made)
    return outcome._replace(leases=[held for held in outcome.leases if not held.is_revoked])


async def apply_and_call_the_lost_settled(self: LossyStore, made: Sequence[Change]) -> Outcome:
    return (await MemoryStore.apply(self, made))._replace(held_s=self.held_s)


async def settle_any_version(self: MemoryStore, topics: Sequence[TopicVersion]) -> None:
    for topic, _ in topics:
        self._lists.unsettled.pop(topic, None)


# The page on matchmaking names these.
SAFEGUARDS = [
    Safeguard("serving only under a valid lease", [(Lease, "is_valid", is_held)]),
    Safeguard("dropping the cache with a lost lease", [(Matchmaking, "lease_lost", lose_the_lease_alone)]),
    Safeguard("waiting for acknowledgements", [(Round, "is_over", wait_for_nobody)]),
    Safeguard("waiting out the lease of one who does not answer", [(Round, "revoked", wait_no_longer)]),
    Safeguard("keeping a revoked lease among the holders", [(LossyStore, "apply", apply_and_name_no_revoked)]),
    Safeguard("refusing an answer older than what was heard of", [(_Entry, "put", put_whatever_was_read)]),
    Safeguard("never caching across epochs", [(Matchmaking, "_may_keep", may_always_keep)]),
    Safeguard("going on with an unsettled change", [(changes, "news_of", news_of_what_is_new)]),
]

# These go with them.
SAFEGUARDS_OF_OUR_OWN = [
    Safeguard("reckoning a lease from before it was asked for", [(Lease, "renewed", reckon_from_the_answer)]),
    Safeguard("allowing for clocks", [(lease, "CLOCK_MARGIN", 0.0), (core_round, "CLOCK_MARGIN", 0.0)]),
    Safeguard("acknowledging only for oneself", [(Matchmaking, "hear_message", acknowledge_for_others)]),
    Safeguard("working in news only where they belong", [(_Entry, "_advance", work_in_whatever_is_pending)]),
    Safeguard("hearing one's own news", [(Matchmaking, "hear_own", hear_nothing_of_ones_own)]),
    Safeguard("settling only the version that is there", [(MemoryStore, "settle", settle_any_version)]),
]

# These are needed where a store loses data.
SAFEGUARDS_AGAINST_LOSS = [
    Safeguard("waiting for leases that are lost", [(Round, "__init__", begin_without_what_is_lost)]),
    Safeguard("telling how long a lost lease may last", [(LossyStore, "revoke_leases", MemoryStore.revoke_leases)]),
    Safeguard("settling nothing while leases are lost", [(LossyStore, "apply", apply_and_call_the_lost_settled)]),
    Safeguard(
        "hearing only what changed under the lease",
        [
            (Matchmaking, "hear_message", hear_what_is_for_an_earlier_lease),
            (Matchmaking, "hear_own", hear_all_of_ones_own),
            (Bulletin, "news_for", tell_everything),
        ],
    ),
]

# A cache as one would build it first: a message clears a list, and nothing else does.
CLEARED_BY_MESSAGES: list[Replacement] = [
    (_Entry, "put", put_whatever_was_read),
    (_Entry, "hear", clear),
    (Lease, "is_valid", is_held),
    (Matchmaking, "lease_lost", lose_the_lease_alone),
]
