"""What happened in a run, as its clients saw it: the only thing that the oracle judges by.

Times are seconds of this process's monotonic clock. Nothing here comes from a worker or a store.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

NEVER_S = float("inf")


class Operation(NamedTuple):
    """One wish of one client id, which has no second one under way meanwhile.

    `completed_s` is NEVER_S where nobody knows what became of it (the job was refused, or lost with its server): it may
    take effect at any time after `invoked_s`, also after later ones. So its client id had better not be used again.
    """

    topic: str
    client_id: str
    is_wanted: bool
    invoked_s: float
    completed_s: float


class Loss(NamedTuple):
    """The store forgot all subscriptions at some moment between the two.

    Workers may go on serving what they have in memory until `over_s`, when every lease from before has run out; a
    change that completes earlier ends that earlier.
    """

    began_s: float
    ended_s: float
    over_s: float


class Publication(NamedTuple):
    """One fanout, by whose list `seen` are the client ids that got a copy or failed to.

    A worker that dies hands its jobs to another one, which sends all copies again: then `seen` is what all of them
    sent. `total` is the length of the list of the last one.
    """

    name: str
    topic: str
    submitted_s: float
    ended_s: float
    seen: frozenset[str]
    total: int


class Trouble(NamedTuple):
    """Something that was done to a server or a worker on purpose, for the reader of a report."""

    at_s: float
    what: str


@dataclass
class History:
    """Filled by many threads: nothing but `append` is done to the lists while the run goes on."""

    operations: list[Operation] = field(default_factory=list)
    losses: list[Loss] = field(default_factory=list)
    publications: list[Publication] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)
    surprises: list[str] = field(default_factory=list)  # what no trouble accounts for: a worker that ended by itself
