"""A worker among the others: its place on topic `__matchmaking`, its lease, its queue, and what it does for the rest.

The order of things at the start: own queue registered, then the lease taken, so that a holder of a lease can always be
told; then its name put on the list of the topic. At the end the other way round.
"""

import asyncio
import contextlib
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from gearhorn import __version__
from gearhorn.clock import HastyClock
from gearhorn.core.lists import Lists
from gearhorn.core.matchmaking import Matchmaking, MatchmakingLimits
from gearhorn.core.members import Members
from gearhorn.core.news import News
from gearhorn.errors import GearhornError, StoreUnavailable
from gearhorn.logs.event import log_for
from gearhorn.logs.events.lists import CHORE_DONE, CHORE_UNDONE, LISTS_FORGOTTEN
from gearhorn.logs.trouble import Trouble
from gearhorn.matchmaking.directory import Directory
from gearhorn.matchmaking.leasing import Leasing
from gearhorn.matchmaking.losses import Losses
from gearhorn.matchmaking.messages import Told, describe, parse_message
from gearhorn.matchmaking.post import Post
from gearhorn.matchmaking.reaping import Reaper
from gearhorn.matchmaking.rounds import Rounds
from gearhorn.metrics import Counters
from gearhorn.names import MATCHMAKING_TOPIC, queue_name
from gearhorn.net.address import Address
from gearhorn.net.connection import LinkSettings
from gearhorn.net.dispatch import Dispatch
from gearhorn.net.job import Job
from gearhorn.net.worker_link import WorkerLink, WorkerSettings
from gearhorn.patience import Patience
from gearhorn.process_marks import own_mark
from gearhorn.store.base import Store, Subscribe, Unsubscribe
from gearhorn.store.leases import Renewal
from gearhorn.tasks import wait_for_first

log = log_for(__name__)

# Who stops asks the others to take note for so long, beyond what a change takes anyhow.
LEAVING_LIMIT_S = 3.0
# Messages that were sent before the lease was released are still answered.
LINGER_S = 0.1


@dataclass(frozen=True, slots=True)
class MatchmakingSettings:
    """`worker_id` is one among all workers that share a store, and stays the same over restarts.

    Without `enabled` the worker answers nothing from memory and holds no lease; it waits for the others all the same.
    """

    worker_id: str = field(default_factory=socket.gethostname)
    topic: str = MATCHMAKING_TOPIC
    enabled: bool = True
    ack_timeout_s: float = 1.0
    limits: MatchmakingLimits = field(default_factory=MatchmakingLimits)


class Matchmaker:
    """`directory` is for the handlers. `run` keeps everything up; `join` and `leave` are to be called while it runs."""

    def __init__(
        self,
        settings: MatchmakingSettings,
        patience: Patience,
        store: Store,
        dispatch: Dispatch,
        servers: Sequence[Address],
        link: LinkSettings,
        client_id: str,
        counters: Counters,
    ) -> None:
        """`client_id` is what the servers show of the worker, `counters` what it shows of itself beside its lease."""
        self._counters = counters
        self._settings = settings
        self._store = store
        self._started_at_s = time.time()
        self._reading: dict[str, Any] = {}  # the counters as they were last told, and when
        self._renewal_count = 0
        self._message_count = 0
        self._joined = asyncio.Event()
        self._chores: set[asyncio.Task[None]] = set()
        self._chore_trouble = Trouble()
        self._keeping: asyncio.Task[None] | None = None
        self._queue = queue_name(settings.topic, settings.worker_id)
        self._matchmaking = Matchmaking(settings.limits)
        self._post = Post(settings.worker_id, settings.topic, dispatch, settings.ack_timeout_s, self._find_members)
        self._rounds = Rounds(store, patience, self._matchmaking, self._post, settings.ack_timeout_s, counters=counters)
        self._lease_clock = lease_clock = HastyClock()
        self._losses = Losses(store, self._matchmaking, settings.worker_id)
        self.directory = Directory(
            store, patience, self._matchmaking, self._rounds, lease_clock, self._losses, counters
        )
        self._links = [
            # Not the links of the jobs: a worker that holds all the jobs that it may hold still has to hear of changes.
            # They are silent, because those have said already which server is away.
            WorkerLink(address, link, WorkerSettings(client_id), self._take, purpose="")
            for address in servers
        ]
        self._leasing = Leasing(
            store, patience, self._matchmaking, settings.worker_id, self._describe, self._on_renewal, lease_clock
        )
        self._reaper = Reaper(settings.topic, store, self.directory, servers, link, client_id)

    @property
    def links(self) -> Sequence[WorkerLink]:
        """One for each server, in their order."""
        return self._links

    @property
    def lists(self) -> Lists:
        """Those in memory."""
        return self._matchmaking.lists

    @property
    def lists_lost_at(self) -> str:
        """When the store lost its lists, if nobody has said since that all is well; else empty."""
        loss = self._losses.known
        return "" if loss is None else loss.when

    @property
    def lease_left_s(self) -> float | None:
        """Seconds for which this worker may answer from memory yet; None: it is not meant to."""
        return self._matchmaking.lease.left_s(self._lease_clock()) if self._settings.enabled else None

    def adjust(self, settings: MatchmakingSettings, link: LinkSettings) -> None:
        """How much is kept in memory, and how servers are reached. The rest is agreed with other workers, and stays."""
        self._settings = settings
        self._matchmaking.adjust(settings.limits)
        for each in self._links:
            each.adjust(link)
        self._reaper.adjust(link)

    async def join(self) -> None:
        """Returns when this worker holds a lease and its name is on the list. Raises IdTaken (see leasing.py)."""
        if not self._settings.enabled:
            with contextlib.suppress(StoreUnavailable):
                await self._store.apply([])  # as taking a lease does, it makes a new store known again
                await self._losses.look()
            return
        for link in self._links:
            link.serve([self._queue])
            link.start_grabbing()
        await wait_for_first([link.answered.wait() for link in self._links])
        await self._leasing.take()
        self._joined.set()
        with contextlib.suppress(StoreUnavailable):  # the next renewal sees to it
            await self._losses.look()
            await self._enlist()

    async def run(self) -> None:
        """Until cancelled. Raises IdTaken when another worker has come to hold this one's id."""
        if not self._settings.enabled:
            await asyncio.Event().wait()
        async with asyncio.TaskGroup() as group:
            for link in self._links:
                group.create_task(link.run())
            self._keeping = group.create_task(self._keep_lease())

    async def leave(self) -> None:
        """Takes the name off the list, gives the lease back, and answers what others have sent until then."""
        if not self._joined.is_set():
            return
        self._joined.clear()
        await self._end_chores()
        with contextlib.suppress(TimeoutError, GearhornError):
            async with asyncio.timeout(LEAVING_LIMIT_S + self._settings.ack_timeout_s):
                await self.directory.change(Unsubscribe(self._settings.topic, self._settings.worker_id))
        if self._keeping is not None:
            self._keeping.cancel()  # or the next renewal would miss the lease that is given back, and take another one
        await self._leasing.release()
        await asyncio.sleep(LINGER_S)
        for link in self._links:
            link.stop_grabbing()
            link.leave([self._queue])
            await link.close()

    async def close(self) -> None:
        await self._end_chores()
        await self.directory.close()
        await self._rounds.close()
        await self._post.close()

    async def _end_chores(self) -> None:
        for chore in self._chores:
            chore.cancel()
        if self._chores:
            await asyncio.wait(self._chores)

    # What others want of this worker.

    def _take(self, job: Job) -> None:
        """A message. Called inside the read callback: what is acknowledged here has taken effect."""
        self._message_count += 1
        message = parse_message(job.assigned.payload)
        if isinstance(message, Told):
            if self._matchmaking.hear_message(message.token, message.news):
                job.complete()
            else:
                job.fail()  # for a worker of the same name; the sender tries to reach it elsewhere
            return
        self._flush(message.topic)
        job.complete()

    def _flush(self, topic: str | None) -> None:
        if topic is None:
            log.say(LISTS_FORGOTTEN)
            self._matchmaking.lists.forget_all()
        else:
            self._matchmaking.lists.forget(topic)

    # What goes with the lease.

    async def _keep_lease(self) -> None:
        await self._joined.wait()
        await self._leasing.run()

    def _on_renewal(self, renewal: Renewal) -> None:
        """Also of one that tells that the lease is lost, maybe with all that was in the store."""
        self._renewal_count += renewal.is_held
        if not self._joined.is_set():
            return
        chore = asyncio.create_task(self._do_chores(renewal))
        self._chores.add(chore)
        chore.add_done_callback(self._chores.discard)

    async def _do_chores(self, renewal: Renewal) -> None:
        """What would otherwise be nobody's. What fails here is handed out again, to this worker or another."""
        try:
            await self._losses.look()
            if not renewal.is_held:
                return
            news = [News(topic, version) for topic, version in renewal.unsettled]
            if news:
                self._matchmaking.hear(news)
                await self._rounds.tell_for_others(news).wait()
            await self._reaper.remove(renewal.run_out)
            await self._enlist()
        except GearhornError as error:
            if self._chore_trouble.begins():
                log.say(CHORE_UNDONE, error=error)
        else:
            if self._chore_trouble.ends():
                log.say(CHORE_DONE)

    async def _enlist(self) -> None:
        """Puts this worker on the list that it may have been taken off, by a store that lost it or by mistake."""
        topic, worker_id = self._settings.topic, self._settings.worker_id
        if worker_id.encode() not in await self.directory.members(topic):
            await self.directory.change(Subscribe(topic, worker_id))

    def _describe(self) -> str:
        """With two readings of the counters, so that whoever reads it can tell what is done a second."""
        lists = self._matchmaking.lists
        earlier, self._reading = self._reading, {"at": time.time(), "counters": self._counters.told()}
        return describe(
            since=self._started_at_s,
            address=socket.gethostname(),
            servers=[str(link.address) for link in self._links if link.up.is_set()],
            topics=lists.topic_count,
            subscribers=lists.subscriber_count,
            version=__version__,
            renewals=self._renewal_count,
            messages=self._message_count,
            process=own_mark(),
            lease_ttl=self._settings.limits.lease_ttl_s,
            **self._reading,
            earlier=earlier,
        )

    async def _find_members(self) -> Members:
        return await self.directory.members(self._settings.topic)
