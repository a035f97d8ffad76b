"""What an overview consists of. None is what could not be told."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

# States of a worker.
HELD = "held"
REVOKED = "revoked"
RAN_OUT = "ran out"

# States of a subscriber, beside those of core/health.py.
PAUSED = "paused"
UNSUBSCRIBED = "unsubscribed"


class Reading(NamedTuple):
    """What a worker had counted since its start, at a moment of its own clock in Unix time."""

    at_s: float
    counters: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class StoreView:
    """`url` has no secret in it. `trouble` says in one line why it is not reachable; `lost_since` tells, in the way of
    ISO 8601, when it was noticed to have lost its lists, while that is not forgotten.
    """

    kind: str
    url: str
    is_reachable: bool
    trouble: str = ""
    took_s: float | None = None
    lost_since: str | None = None


@dataclass(frozen=True, slots=True)
class WorkerView:
    """A worker that holds a lease. What it does not tell is None: one of another version may not know of it.

    `lease_left_s` is below 0 for one that ran out so long ago. `servers` are those that it is connected to. `reading`
    are its counters as of its last renewal, `earlier` those of the renewal before. `local_pid` is its process, where
    that lives on this host.
    """

    worker_id: str
    state: str
    lease_left_s: float
    since_s: float | None = None
    version: str | None = None
    address: str | None = None
    servers: tuple[str, ...] = ()
    topics_count: int | None = None
    subscribers_count: int | None = None
    lease_ttl_s: float | None = None
    reading: Reading | None = None
    earlier: Reading | None = None
    local_pid: int | None = None

    @property
    def counters(self) -> Mapping[str, int]:
        return self.reading.counters if self.reading else {}


@dataclass(frozen=True, slots=True)
class ServerView:
    """`age_s`: how long ago it was asked; a server that stands still while it answers is asked seldom.

    `version` is None where it does not tell one (geard). `fanout_workers_count` are those registered for the queue
    `fanout`, whoever they are.
    """

    address: str
    is_reachable: bool
    trouble: str = ""
    version: str | None = None
    took_s: float | None = None
    age_s: float = 0.0
    queues_count: int | None = None
    waiting_count: int | None = None
    running_count: int | None = None
    fanout_workers_count: int | None = None


@dataclass(frozen=True, slots=True)
class QueueView:
    """One of the service's own queues, over all servers that could be asked. `unserved_on`: servers where nobody does
    the jobs that come to it.
    """

    name: str
    waiting_count: int
    running_count: int
    workers_count: int
    unserved_on: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TopicView:
    """`backlog_count` are copies that wait, `running_count` those that receivers have taken, on the servers that could
    be asked. Suspects, dead and paused subscribers are as the watching worker found them.
    """

    topic: str
    subscribers_count: int
    backlog_count: int | None = None
    running_count: int | None = None
    suspect_count: int = 0
    dead_count: int = 0
    paused_count: int = 0


@dataclass(frozen=True, slots=True)
class SubscriberView:
    """`state` is "live", "idle", "suspect", "dead" or "paused" (see `gearhorn subscribers --help`), or "unsubscribed"
    where copies wait for somebody who is on the topic's list no more; None where it cannot be told. `since_s` is when
    trouble was first seen, in Unix time.
    """

    topic: str
    client_id: str
    state: str | None
    backlog_count: int | None = None
    running_count: int | None = None
    workers_count: int | None = None
    since_s: float | None = None


@dataclass(frozen=True, slots=True)
class Totals:
    """Over all topics, shown or not. `other_backlog_count` are jobs that wait in queues of nobody who is subscribed."""

    topics_count: int | None = None
    subscribers_count: int | None = None
    backlog_count: int | None = None
    running_count: int | None = None
    other_backlog_count: int | None = None
    suspect_count: int = 0
    dead_count: int = 0
    paused_count: int = 0


@dataclass(frozen=True, slots=True)
class Overview:
    """The system at one moment, in Unix time.

    `topics` are those with the largest backlog and then the most subscribers, `totals.topics_count` how many there are
    in all. `troubled` are suspect, dead and paused subscribers, the worst first, of which there may be more.
    `is_watched` is False where no worker's word on them could be read.
    """

    taken_at_s: float
    store: StoreView
    workers: tuple[WorkerView, ...] = ()
    servers: tuple[ServerView, ...] = ()
    queues: tuple[QueueView, ...] = ()
    topics: tuple[TopicView, ...] = ()
    troubled: tuple[SubscriberView, ...] = ()
    totals: Totals = field(default_factory=Totals)
    is_watched: bool = False

    @property
    def is_anything_reachable(self) -> bool:
        return self.store.is_reachable or any(server.is_reachable for server in self.servers)


@dataclass(frozen=True, slots=True)
class Lookup:
    """Subscribers that were asked for. Not `is_complete`: of so many there was no time to look at all, or a peer is
    away; `trouble` then says what. Without the store's answer nothing is known.
    """

    subscribers: tuple[SubscriberView, ...]
    is_complete: bool = True
    trouble: str = ""
    store_answered: bool = True
