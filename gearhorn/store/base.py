"""What every store promises. A backend is one module beside this one and one line in `opening.py`.

Duties of a backend:

* A change and its version are one atomic step: after a crash either both are there or neither.
* The version of a topic rises by at least one with every real change (a subscription added, removed or expired) and
  never falls, not even when the last subscriber leaves. A change that finds its wish fulfilled leaves it alone; a
  subscription renewed with another `ttl` is no change of the list. See `versions.py` for what a store does that can
  lose data.
* `read` returns a list and the version that belongs to it. Subscriptions past their `ttl`, by the store's own clock
  where it has one, are not in it, and their end has raised the version.
* A topic whose version rises is *unsettled* from the same step on, until `settle` names it with the version that it
  still has. A change is claimed by its maker, a subscription that ended by itself by nobody. A renewal is handed what
  nobody has claimed, and what was claimed longer ago than its `ttl_s`, and claims it.
* The leases that `apply` returns are those of the moment of the changes or of a later one, by the store's own clock
  where it has one that several hosts can go by. A renewal of one that ran out or was revoked fails, so that a lease
  not among them can serve no list that was read before the changes.
* A store that may have lost leases (it was started again, fell over to a replica, was emptied) says so: `held_s` is
  then how long a lost lease may last yet, and no lease from before can be renewed. Until that is over nothing counts as
  settled, and `revoke_leases` gives a lease that is not there as much time as a lost one may have. Only what looks as
  if it had never been used, to a handle that has not seen it otherwise, is taken for new.
* A queue name belongs to one pair of topic and client id at a time; who comes second gets a `Collision`. It is freed
  when the subscription ends, however it ends.
* Trouble of a peer is raised as StoreUnavailable within the time limit that the backend was given, and the next call
  works when the peer is back. Trouble that only the operator can mend is raised as Misconfigured. The limit is for one
  round trip: a call of many round trips may take longer as long as each of them is answered.
* Calls may overlap: many tasks share one store object. Cancellation leaves the object usable; whether a change that
  was under way is made is then open. A store that is not open raises StoreUnavailable.

What a backend may rely on: names.py has judged every topic and client id, so that they are not empty, hold no control
characters, and their queue name is not too long.
"""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from gearhorn.core.members import Members
from gearhorn.store.leases import Lease, LeaseKey, Renewal, TopicVersion


@dataclass(frozen=True, slots=True)
class Subscribe:
    """The wish that `client_id` is on the list of `topic`, for `ttl_s` seconds from now (0: until unsubscribed).

    With `never_shortens` a subscription that is there and lasts longer keeps its end.
    """

    topic: str
    client_id: str
    ttl_s: float = 0.0
    never_shortens: bool = False


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    """The wish that `client_id` is not on the list of `topic`."""

    topic: str
    client_id: str


Change = Subscribe | Unsubscribe


class Applied(NamedTuple):
    """The wish holds. `version` is the topic's now; `changed` tells whether it raised it.

    Where an answer was lost on the way and the change was therefore made again, `changed` is True even if the wish was
    fulfilled before: a message too many is better than one too few.
    """

    version: int
    changed: bool


class Collision(NamedTuple):
    """The wish was refused: the queue name is that of another pair, of this topic."""

    topic: str


ChangeResult = Applied | Collision


UNKNOWN_VERSION = -1


class TopicState(NamedTuple):
    """What a call of `apply` found of one topic and left of it.

    The list of `old_version`, with the call's changes made to it in order, is the list of `version`. UNKNOWN_VERSION
    where that cannot be said: because an answer was lost and the call repeated, or because another's change came
    between two steps. `is_settled`: nothing was changed, and all workers are known to have heard of `version`.
    """

    old_version: int
    version: int
    is_settled: bool


class Outcome(NamedTuple):
    """What became of the changes, in their order, and of their topics; and who may still serve the lists from before.

    `topics` has every topic named, also one of which all changes were refused: its list is then as it was.
    `leases` are those that have not run out, revoked ones among them. `held_s`: there may be others, of which the store
    knows nothing any more; none of them lasts longer than so many seconds.
    """

    results: list[ChangeResult]
    topics: dict[str, TopicState]
    leases: list[Lease]
    held_s: float = 0.0


def join_states(first: TopicState | None, then: TopicState) -> TopicState:
    """The state of a topic after two steps of one call."""
    if first is None:
        return then
    is_chain = first.version == then.old_version
    return TopicState(
        first.old_version if is_chain else UNKNOWN_VERSION, then.version, first.is_settled and then.is_settled
    )


class TopicList(NamedTuple):
    """A topic's subscribers at `version`: client ids in UTF-8, each once, in any order. Long ones come as `Members`.

    Version 0: the store knows nothing of the topic, because it was never used, or because the store lost all it had:
    see `find_evidence`. Whoever compares versions takes a 0 as newer than any.
    """

    version: int
    client_ids: Collection[bytes]


class Evidence(NamedTuple):
    """By what a list that was lost is told from one that is empty.

    `marks` are those of the store's data, by the name of the place where they are: each is another one when the data of
    that place begin anew, because a server was started again without them, for example. NO_MARK where there are none.
    A store that cannot lose its data unnoticed has no marks.
    `torn_topics`: those whose lists are missing although other data of the store tell of subscribers.
    """

    marks: Mapping[str, str] = {}
    torn_topics: Collection[str] = ()


NO_MARK = ""


# Packing so many ids takes some milliseconds: nothing for the event loop, in one go.
LONG_LIST = 20_000


def pack_long(client_ids: list[bytes]) -> Collection[bytes]:
    """For stores that have threads of their own, to be called there."""
    return Members.of(client_ids) if len(client_ids) > LONG_LIST else client_ids


class TopicCount(NamedTuple):
    """A topic that has subscribers, and how many."""

    topic: str
    subscriber_count: int


class Subscription(NamedTuple):
    """One entry of a list as an operator sees it. `expires_in_s` is None for one without `ttl`."""

    client_id: str
    expires_in_s: float | None


class RecordKey(NamedTuple):
    """What a record is called. `kind` is a word of this package's code, `name` anything without control characters."""

    kind: str
    name: str


# What a record can hold everywhere: memcached takes no more than a megabyte.
RECORD_LIMIT_BYTES = 1_000_000


def check_record(value: bytes) -> None:
    """Raises ValueError for one that is too large: whoever makes records knows how large they get."""
    if len(value) > RECORD_LIMIT_BYTES:
        raise ValueError(f"a record of {len(value)} bytes: it may have {RECORD_LIMIT_BYTES}")


class Store(Protocol):
    """Topic → set of client ids, shared by all workers. See the module for what a backend owes."""

    async def open(self) -> None:
        """Connects and makes ready. Raises StoreUnavailable (try again) or Misconfigured (do not)."""

    async def close(self) -> None:
        """Lets go of everything. Never raises; may be called twice, or without `open`."""

    async def apply(self, changes: Sequence[Change]) -> Outcome:
        """Makes the changes, in order, in as few round trips as the backend allows. One result per change."""

    async def read(self, topics: Sequence[str]) -> list[TopicList]:
        """The lists of `topics`, in that order, in as few round trips as the backend allows."""

    async def read_short(self, topics: Sequence[str]) -> Sequence[TopicList | None]:
        """As `read`, but None for a list so long that the others should not wait for it: `read` it by itself."""

    async def topics(self) -> list[TopicCount]:
        """Every topic with at least one subscriber, sorted by name."""

    async def subscriptions(self, topic: str) -> list[Subscription]:
        """The list of one topic for people, sorted by client id."""

    def subscription_pages(self, topic: str) -> AsyncIterator[Sequence[Subscription]]:
        """The same list, some thousands at a time and in any order, for whoever cannot hold all of it.

        Those who are on the list all the time are there, now and then one of them twice. Who comes or goes meanwhile is
        there or not.
        """

    async def find_evidence(self, topics: Sequence[str]) -> Evidence:
        """The marks of the data where lists of `topics` would be, or all of them where none is named; and which of
        these topics, that a read found empty, were not.
        """

    async def settle(self, topics: Sequence[TopicVersion]) -> None:
        """All workers know of these versions. A topic that has another one by now stays unsettled."""

    async def take_lease(self, key: LeaseKey, ttl_s: float, info: str, instead_of: Sequence[str] = ()) -> Lease | None:
        """Gives the worker a lease of `ttl_s` seconds, and returns None; unless there is one under its id already,
        which has not run out, and whose token is not among `instead_of`: then it returns that one.
        """

    async def renew_lease(self, key: LeaseKey, ttl_s: float, info: str) -> Renewal:
        """Lets the lease last for `ttl_s` seconds from now."""

    async def release_lease(self, key: LeaseKey) -> None:
        """Ends the lease, if it is still there: its worker serves from memory no more."""

    async def revoke_leases(self, keys: Sequence[LeaseKey]) -> list[float]:
        """Keeps these leases from being renewed. Returns the seconds that each lasts yet, as `Lease.left_s` tells
        them; 0 for one that has run out, or is not there and cannot have been lost.
        """

    async def forget_lease(self, key: LeaseKey) -> None:
        """Removes a lease that has run out; any other stays."""

    async def leases(self) -> list[Lease]:
        """Every lease, also those that ran out and are not forgotten yet, sorted by worker id."""

    # Records: what workers leave for each other that is no subscription, and what ends by itself. A record is there for
    # `ttl_s` seconds, by the store's own clock where it has one, or up to two longer where that knows only whole
    # seconds. A store that loses data may lose them.

    async def claim_record(self, key: RecordKey, value: bytes, ttl_s: float) -> bytes | None:
        """Makes the record, and returns None; unless there is one: then that stays, and its value is returned.

        Of several that claim at the same time one makes it. Where an answer was lost and the call therefore made again,
        the value returned may be one's own.
        """

    async def keep_record(self, key: RecordKey, value: bytes, ttl_s: float, *, is_listed: bool = False) -> None:
        """Makes the record or writes over it. Raises ValueError, as `claim_record` does, for more than
        RECORD_LIMIT_BYTES.
        """

    async def read_record(self, key: RecordKey) -> bytes | None:
        """Its value, while it is there."""

    async def drop_record(self, key: RecordKey, value: bytes | None = None) -> None:
        """Removes the record, if it is there and, where `value` is given, if it has that value."""

    async def record_names(self, kind: str) -> list[str]:
        """The names of the records of a kind that were kept as `is_listed` and are still there, sorted.

        One that was kept, has ended and was then only claimed may be among them.
        """
