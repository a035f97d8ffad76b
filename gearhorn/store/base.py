"""What every store promises. A backend is one module beside this one and one line in `opening.py`.

Duties of a backend:

* A change and its version are one atomic step: after a crash either both are there or neither.
* The version of a topic rises by at least one with every real change (a subscription added, removed or expired) and
  never falls, not even when the last subscriber leaves. A change that finds its wish fulfilled leaves it alone; a
  subscription renewed with another `ttl` is no change of the list. See `versions.py` for what a store does that can
  lose data.
* `read` returns a list and the version that belongs to it. Subscriptions past their `ttl`, by the store's own clock
  where it has one, are not in it, and their end has raised the version.
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

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol


@dataclass(frozen=True, slots=True)
class Subscribe:
    """The wish that `client_id` is on the list of `topic`, for `ttl_s` seconds from now (0: until unsubscribed)."""

    topic: str
    client_id: str
    ttl_s: float = 0.0


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


class TopicList(NamedTuple):
    """A topic's subscribers at `version`: client ids in UTF-8, each once, in any order.

    Version 0: the store knows nothing of the topic, because it was never used, or because the store lost all it had.
    Whoever compares versions takes a 0 as newer than any.
    """

    version: int
    client_ids: Sequence[bytes]


class TopicCount(NamedTuple):
    """A topic that has subscribers, and how many."""

    topic: str
    subscriber_count: int


class Subscription(NamedTuple):
    """One entry of a list as an operator sees it. `expires_in_s` is None for one without `ttl`."""

    client_id: str
    expires_in_s: float | None


class Store(Protocol):
    """Topic → set of client ids, shared by all workers. See the module for what a backend owes."""

    async def open(self) -> None:
        """Connects and makes ready. Raises StoreUnavailable (try again) or Misconfigured (do not)."""

    async def close(self) -> None:
        """Lets go of everything. Never raises; may be called twice, or without `open`."""

    async def apply(self, changes: Sequence[Change]) -> list[ChangeResult]:
        """Makes the changes, in order, in as few round trips as the backend allows. One result per change."""

    async def read(self, topics: Sequence[str]) -> list[TopicList]:
        """The lists of `topics`, in that order, in as few round trips as the backend allows."""

    async def topics(self) -> list[TopicCount]:
        """Every topic with at least one subscriber, sorted by name."""

    async def subscriptions(self, topic: str) -> list[Subscription]:
        """The list of one topic for people, sorted by client id."""
