"""A fanout job from its request to its broadcast: to whom, whether that may be, and on which terms."""

import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field

from gearhorn.bodies import FanoutRequest
from gearhorn.broadcast import Answerable, Broadcast, Waiting
from gearhorn.core.gathering import Gathering
from gearhorn.core.limits import Limits
from gearhorn.core.members import NOBODY, Members
from gearhorn.core.progress import UNRECORDED_LIMIT
from gearhorn.errors import BadRequest
from gearhorn.matchmaking.directory import Directory
from gearhorn.metrics import Counters
from gearhorn.metrics.meters import EXPIRED, Meter
from gearhorn.names import MATCHMAKING_TOPIC, check_topic
from gearhorn.net.dispatch import Dispatch
from gearhorn.net.job import Job
from gearhorn.resuming.journal import Journal
from gearhorn.resuming.ledger import Ledger
from gearhorn.resuming.orphans import Orphan
from gearhorn.subscribers.pauses import PAUSED_REASON, Parted, Pauses

Rest = Coroutine[None, None, None] | None

# Of a background fanout that is no larger it is not worth counting what it takes while its copies go out.
SMALL_BYTES = 4 << 10


@dataclass(frozen=True, slots=True)
class FanoutSettings:
    """How long receivers are waited for, unless told otherwise and at the most; and limits."""

    timeout_s: float = 30.0
    timeout_limit_s: float = 3600.0
    matchmaking_topic: str = MATCHMAKING_TOPIC
    limits: Limits = field(default_factory=Limits)


class Fanouts:
    """`serve` answers a job at once, or returns the rest of the work. `now_s` is the wall clock in Unix seconds."""

    def __init__(
        self,
        settings: FanoutSettings,
        directory: Directory,
        dispatch: Dispatch,
        ledger: Ledger,
        now_s: Callable[[], float],
        pauses: Pauses,
        counters: Counters,
    ) -> None:
        self._settings = settings
        self._directory = directory
        self._dispatch = dispatch
        self._ledger = ledger
        self._now_s = now_s
        self._pauses = pauses
        self._counters = counters
        self._meters = counters.meters.by_topic
        self._copies_limit_bytes = settings.limits.copies_bytes
        self._gathering = Gathering(settings.limits.answer_bytes, settings.limits.answers_bytes)
        self._waiting = Waiting()

    def adjust(self, settings: FanoutSettings) -> None:
        """For the fanouts that come from now on; answers are cut to the new limits at once."""
        self._settings = settings
        self._copies_limit_bytes = settings.limits.copies_bytes
        self._gathering.adjust(settings.limits.answer_bytes, settings.limits.answers_bytes)

    def serve(self, job: Job, request: FanoutRequest) -> Rest:
        """Raises BadRequest."""
        members = self._directory.find(request.topic)
        if members is None:  # no list of a topic that cannot be one is in memory
            check_topic(request.topic, self._settings.matchmaking_topic)
        if request.expires_at is not None and self._now_s() > request.expires_at:
            job.complete(b"0")
            self._meter_of(request, NOBODY).ended_as(EXPIRED, 0.0, is_foreground=not request.background)
            return None
        if members is None:
            self._counters.cache_misses += 1
            return self._look_up_and_send(job, request, time.monotonic())
        self._counters.cache_hits += 1
        return self._send(job, request, members)

    async def finish(self, orphan: Orphan) -> None:
        """Goes on with a fanout that another worker has left. Raises StoreUnavailable."""
        started_s = time.monotonic()
        request = orphan.request
        members = (await self._directory.members(request.topic)).without(request.exclude)
        members, paused = self._part(request.topic, members)
        journal = await self._ledger.adopt(orphan.identity, request, members)
        self._start(self._recorded(orphan, request, journal, started_s), request, paused)

    async def _look_up_and_send(self, job: Job, request: FanoutRequest, started_s: float) -> None:
        members = await self._directory.members(request.topic)
        if await self._ledger.is_given_away(job):
            return
        rest = self._send(job, request, members, started_s)
        if rest is not None:
            await rest

    def _send(self, job: Job, request: FanoutRequest, members: Members, started_s: float = 0.0) -> Rest:
        """What begins with its first copy needs no `started_s`."""
        paused = NOBODY
        if request.exclude:
            members = members.without(request.exclude)
        if request.topic in self._pauses:
            members, paused = self._part(request.topic, members)
        copy_count = len(members)
        if copy_count * len(request.payload) > self._copies_limit_bytes:
            raise self._too_much(request, copy_count)
        if copy_count > UNRECORDED_LIMIT:
            return self._send_recorded(job, request, members, paused, started_s)
        copy_key = self._ledger.new_copy_key()
        meter = self._meters.get(request.topic) or self._meter_of(request, members)
        broadcast = Broadcast(job, request, members, None, copy_key, self._gathering, meter, started_s)
        self._start(broadcast, request, paused)
        return None

    def _meter_of(self, request: FanoutRequest, members: Members) -> Meter:
        return self._counters.meters.of(request.topic, has_subscribers=bool(members))

    def _part(self, topic: str, members: Members) -> Parted:
        parted = self._pauses.part(topic, members)
        self._counters.add("paused_copies", len(parted.paused))
        return parted

    def _too_much(self, request: FanoutRequest, copy_count: int) -> BadRequest:
        payload_bytes = len(request.payload)
        return BadRequest(
            "payload",
            f"{copy_count} copies of {payload_bytes} bytes are {copy_count * payload_bytes} bytes, "
            f"more than {self._copies_limit_bytes}",
        )

    async def _send_recorded(
        self, job: Job, request: FanoutRequest, members: Members, paused: Members, started_s: float
    ) -> None:
        journal = await self._ledger.open(job, request, members)
        if await self._ledger.is_given_away(job):
            return  # none of its copies are out
        broadcast = self._recorded(job, request, journal, started_s)
        if job.requeues:
            broadcast.hold(self._ledger.hold(job, journal, broadcast.abandon))
        self._start(broadcast, request, paused)

    def _recorded(self, job: Answerable, request: FanoutRequest, journal: Journal, started_s: float) -> Broadcast:
        meter = self._meter_of(request, journal.rest)
        broadcast = Broadcast(
            job, request, journal.rest, journal.run, journal.copy_key, self._gathering, meter, started_s
        )
        broadcast.record(journal, lambda is_answered: self._ledger.close_journal(journal, is_answered=is_answered))
        return broadcast

    def _start(self, broadcast: Broadcast, request: FanoutRequest, paused: Members) -> None:
        """Those paused are named to whoever waits for each receiver; a background fanout just does not count them."""
        if request.background:
            broadcast.start(self._dispatch, 0.0)
            if broadcast.is_waiting and broadcast.copy_count + len(request.payload) > SMALL_BYTES:
                broadcast.weigh()
            return
        if paused:
            broadcast.leave_out(paused, PAUSED_REASON)
        timeout_s = request.timeout_s or self._settings.timeout_s
        broadcast.start(self._dispatch, min(timeout_s, self._settings.timeout_limit_s))
        if broadcast.is_waiting:
            self._waiting.add(broadcast)
            broadcast.weigh()
