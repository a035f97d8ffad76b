"""The service's jobs: what is asked, who decides, what is answered. Each job gets exactly one ending."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field

from gearhorn.bodies import FanoutRequest, SubscriptionRequest, parse_fanout, parse_subscription
from gearhorn.broadcast import BUG, Answerable, Broadcast, Waiting
from gearhorn.clock import steady_s
from gearhorn.core.gathering import Gathering
from gearhorn.core.limits import Limits
from gearhorn.core.members import NOBODY, Members
from gearhorn.core.rooms import Rooms
from gearhorn.directory import Directory
from gearhorn.errors import BadRequest, ListLost, Misconfigured, StoreUnavailable
from gearhorn.metrics import Counters
from gearhorn.names import MATCHMAKING_TOPIC, OwnQueues, check_pair, check_topic, queue_name
from gearhorn.net.dispatch import Dispatch
from gearhorn.net.worker_link import Job
from gearhorn.resuming.journal import Journal
from gearhorn.resuming.ledger import Ledger
from gearhorn.resuming.orphans import Orphan
from gearhorn.signing.envelope import FANOUT, SUBSCRIBE, UNSUBSCRIBE
from gearhorn.signing.guard import Guard
from gearhorn.store.base import Applied, Change, Collision, Subscribe, Unsubscribe
from gearhorn.subscribers.pauses import PAUSED_REASON, Parted, Pauses

log = logging.getLogger(__name__)

# Of a background fanout that is no larger it is not worth counting what it takes while its copies go out.
SMALL_BYTES = 4 << 10


@dataclass(frozen=True, slots=True)
class HandlerSettings:
    """The queues served, how long receivers are waited for (unless told otherwise, and at the most), and limits."""

    queues: OwnQueues = field(default_factory=OwnQueues)
    foreground_timeout_s: float = 30.0
    foreground_timeout_limit_s: float = 3600.0
    matchmaking_topic: str = MATCHMAKING_TOPIC
    limits: Limits = field(default_factory=Limits)


class Handlers:
    """`take` is called with each job, inside the read callback of its link. It never raises and never blocks.

    `now_s` is the wall clock in Unix seconds, for `expires`. Without a `guard` nobody signs, and everybody may do all.
    """

    def __init__(
        self,
        settings: HandlerSettings,
        directory: Directory,
        dispatch: Dispatch,
        ledger: Ledger,
        now_s: Callable[[], float],
        pauses: Pauses,
        counters: Counters,
        guard: Guard | None = None,
    ) -> None:
        self._settings = settings
        self._directory = directory
        self._dispatch = dispatch
        self._ledger = ledger
        self._now_s = now_s
        self._guard = guard
        self._limits = settings.limits
        self._gathering = Gathering(self._limits.answer_bytes, self._limits.answers_bytes)
        self._rooms = Rooms(self._limits.subscribers_count)
        self._pauses = pauses
        self._counters = counters
        self._waiting = Waiting()
        self._tasks: set[asyncio.Task[object]] = set()
        self._is_closing = False
        self._by_queue = self._serving(settings.queues)
        self._only_topic: dict[bytes, str] = {}
        for topic in settings.queues.topics:
            of_topic = self._serving(settings.queues.of_topic(topic))
            self._by_queue |= of_topic
            self._only_topic |= dict.fromkeys(of_topic, topic)

    def _serving(self, queues: OwnQueues) -> dict[bytes, Callable[[Job], Coroutine[None, None, None] | None]]:
        return {
            queues.fanout.encode(): self._fanout,
            queues.unsubscribe.encode(): self._unsubscribe,
            **{name.encode(): self._subscribe for name in queues.subscribe},
        }

    @property
    def queues(self) -> list[bytes]:
        """What the worker links have to serve."""
        return list(self._by_queue)

    @property
    def lanes(self) -> list[list[bytes]]:
        """The same, parted by what must not wait for each other. gearmand empties one queue of a connection before it
        looks at the next: thousands of hosts that subscribe at once would hold up every fanout, or the other way round.
        """
        fanouts = [queue for queue, handler in self._by_queue.items() if handler == self._fanout]
        return [fanouts, [queue for queue in self._by_queue if queue not in set(fanouts)]]

    def take(self, job: Job) -> None:
        try:
            rest = self._by_queue[job.assigned.queue](job)
        except Exception as error:  # noqa: BLE001 - no job may end the worker
            self._refuse(job, error)
            return
        if rest is not None:
            self._start_task(self._see_through(job, rest))

    def _start_task(self, work: Coroutine[None, None, object]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Cancels what is still going on. The jobs go back to their servers when the links are closed."""
        self._is_closing = True
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        if self._guard is not None:
            await self._guard.close()

    # Each of these either answers the job at once or returns the rest of the work as a coroutine.

    def _fanout(self, job: Job) -> Coroutine[None, None, None] | None:
        if self._guard is not None:
            return self._guard.judge(job, FANOUT, self._parse_fanout, self._fan_out)
        return self._fan_out(job, parse_fanout(job.assigned.payload, self._limits))

    def _parse_fanout(self, body: bytes) -> FanoutRequest:
        return parse_fanout(body, self._limits)

    def _fan_out(self, job: Job, request: FanoutRequest) -> Coroutine[None, None, None] | None:
        if self._only_topic:
            self._check_queue(job, request.topic)
        members = self._directory.find(request.topic)
        if members is None:  # no list of a topic that cannot be one is in memory
            check_topic(request.topic, self._settings.matchmaking_topic)
        if request.expires_at is not None and self._now_s() > request.expires_at:
            job.complete(b"0")
            return None
        if members is None:
            return self._look_up_and_send(job, request)
        return self._send(job, request, members)

    async def _look_up_and_send(self, job: Job, request: FanoutRequest) -> None:
        rest = self._send(job, request, await self._directory.members(request.topic))
        if rest is not None:
            await rest

    def _send(self, job: Job, request: FanoutRequest, members: Members) -> Coroutine[None, None, None] | None:
        if request.exclude:
            members = members.without(request.exclude)
        paused = NOBODY
        if request.topic in self._pauses:
            members, paused = self._part(request.topic, members)
        self._check_size(request, len(members))
        if self._ledger.is_worth_it(members):
            return self._send_recorded(job, request, members, paused)
        copy_key = self._ledger.new_copy_key()
        self._start(Broadcast(job, request, members, copy_key=copy_key, gathering=self._gathering), request, paused)
        return None

    def _part(self, topic: str, members: Members) -> Parted:
        parted = self._pauses.part(topic, members)
        self._counters.add("paused_copies", len(parted.paused))
        return parted

    def _check_size(self, request: FanoutRequest, copy_count: int) -> None:
        copies_bytes = copy_count * len(request.payload)
        if copies_bytes > self._limits.copies_bytes:
            raise BadRequest(
                "payload",
                f"{copy_count} copies of {len(request.payload)} bytes are {copies_bytes} bytes, "
                f"more than {self._limits.copies_bytes}",
            )

    async def _send_recorded(self, job: Job, request: FanoutRequest, members: Members, paused: Members) -> None:
        journal = await self._ledger.open(job, request, members)
        if job.requeues and not job.is_held:
            return  # it is another worker's, and none of its copies are out
        broadcast = self._recorded(job, request, journal)
        if job.requeues:
            broadcast.hold(self._ledger.hold(job, journal, broadcast.abandon))
        self._start(broadcast, request, paused)

    async def finish(self, orphan: Orphan) -> None:
        """Goes on with a fanout that another worker has left. Raises StoreUnavailable."""
        request = orphan.request
        members = (await self._directory.members(request.topic)).without(request.exclude)
        members, paused = self._part(request.topic, members)
        journal = await self._ledger.adopt(orphan.identity, request, members)
        self._start(self._recorded(orphan, request, journal), request, paused)

    def _recorded(self, job: Answerable, request: FanoutRequest, journal: Journal) -> Broadcast:
        broadcast = Broadcast(job, request, journal.rest, journal.run, journal.copy_key, self._gathering)
        broadcast.record(journal, lambda is_answered: self._ledger.close_journal(journal, is_answered=is_answered))
        return broadcast

    def _start(self, broadcast: Broadcast, request: FanoutRequest, paused: Members) -> None:
        """Those paused are named to whoever waits for each receiver; a background fanout just does not count them."""
        if paused and not request.background:
            broadcast.leave_out(paused, PAUSED_REASON)
        timeout_s = request.timeout_s or self._settings.foreground_timeout_s
        broadcast.start(self._dispatch, min(timeout_s, self._settings.foreground_timeout_limit_s))
        if not broadcast.is_waiting:
            return
        if not request.background:
            self._waiting.add(broadcast)
        if not request.background or broadcast.copy_count + len(request.payload) > SMALL_BYTES:
            broadcast.weigh()

    def _subscribe(self, job: Job) -> Coroutine[None, None, None] | None:
        def subscribe(job: Job, request: SubscriptionRequest) -> Coroutine[None, None, None]:
            self._check_queue(job, request.topic)
            return self._change(job, Subscribe(request.topic, request.client_id, request.ttl_s))

        return self._judge_change(job, SUBSCRIBE, subscribe)

    def _unsubscribe(self, job: Job) -> Coroutine[None, None, None] | None:
        def unsubscribe(job: Job, request: SubscriptionRequest) -> Coroutine[None, None, None]:
            self._check_queue(job, request.topic)
            return self._change(job, Unsubscribe(request.topic, request.client_id))

        return self._judge_change(job, UNSUBSCRIBE, unsubscribe)

    def _judge_change(
        self, job: Job, kind: str, make: Callable[[Job, SubscriptionRequest], Coroutine[None, None, None]]
    ) -> Coroutine[None, None, None] | None:
        if self._guard is not None:
            return self._guard.judge(job, kind, lambda body: parse_subscription(body, self._limits), make)
        return make(job, parse_subscription(job.assigned.payload, self._limits))

    def _check_queue(self, job: Job, topic: str) -> None:
        """Whoever the Gearman server lets into the queue of one topic may be meant to have no say in any other."""
        only = self._only_topic.get(job.assigned.queue, topic)
        if topic != only:
            raise BadRequest("topic", f"the queue {job.assigned.queue.decode()!r} is for the topic {only!r} only")

    async def _change(self, job: Job, change: Change) -> None:
        settings = self._settings
        check_pair(change.topic, change.client_id, settings.queues.all(), settings.matchmaking_topic)
        if isinstance(change, Subscribe) and not self._has_room(change):
            await self._find_room(change)
        result = await self._directory.change(change, lambda: job.is_held)
        if result is None:
            log.info("a change was not made: its job had gone back to the server while the store was away")
            return
        if isinstance(result, Collision):
            queue = queue_name(change.topic, change.client_id).decode()
            raise BadRequest("client_id", f"the queue {queue!r} is that of a subscriber of topic {result.topic!r}")
        job.complete()
        self._log_change(change, result)

    # Others subscribe at the same moment, here and elsewhere: a limit that many reach at once may be passed by some.

    def _has_room(self, wish: Subscribe) -> bool:
        """Told without waiting, so that what one client asks for in a row is done in that order. Where nothing is known
        of the list it has room, and is counted for the next one.
        """
        members = self._directory.find(wish.topic)
        if members is not None:
            return len(members) < self._limits.subscribers_count
        is_free = self._rooms.take(wish.topic, steady_s())
        if is_free is None:
            self._rooms.counted(wish.topic, 0, steady_s())  # until it is: once is enough
            self._start_task(self._count_for_later(wish.topic))
        return is_free is not False

    async def _count_for_later(self, topic: str) -> None:
        with contextlib.suppress(StoreUnavailable):
            await self._count(topic)

    async def _count(self, topic: str) -> Members:
        try:
            members = await self._directory.members(topic)
        except ListLost:  # whoever was on the list is to come back
            members = NOBODY
        self._rooms.counted(topic, len(members), steady_s())
        return members

    async def _find_room(self, wish: Subscribe) -> None:
        """Raises BadRequest when the topic's list is as long as it may be, save for who is on it and renews."""
        members = await self._count(wish.topic)
        limit = self._limits.subscribers_count
        if len(members) >= limit and wish.client_id.encode() not in members:
            raise BadRequest("topic", f"{wish.topic!r} has {len(members)} subscribers, and may have {limit}")

    def _log_change(self, change: Change, result: Applied) -> None:
        if result.changed:
            verb = "subscribed" if isinstance(change, Subscribe) else "unsubscribed"
            log.info("%s client_id=%r topic=%r version=%d", verb, change.client_id, change.topic, result.version)

    # Errors of every kind end here.

    async def _see_through(self, job: Job, work: Coroutine[None, None, None]) -> None:
        try:
            await work
        except Exception as error:  # noqa: BLE001 - see above
            self._refuse(job, error)
        except asyncio.CancelledError:
            if not self._is_closing:  # nobody meant this job: what it waited for was cancelled
                self._refuse(job, RuntimeError("cancelled"))
            raise

    def _refuse(self, job: Job, error: Exception) -> None:
        queue = job.assigned.queue.decode("utf-8", "replace")
        if isinstance(error, BadRequest):
            text = str(error)
            log.info("refused a job of queue %s: %s", queue, text)
        elif isinstance(error, StoreUnavailable):
            text = f"the store cannot be reached: {error}"
            log.warning("gave up a job of queue %s: %s", queue, text)
        elif isinstance(error, ListLost):  # the log has been told
            text = str(error)
        elif isinstance(error, Misconfigured):  # found out in service: a password that was changed, say
            text = f"the service is not set up right: {error}"
            log.error("gave up a job of queue %s: %s", queue, text)
        else:
            text = BUG.decode()
            log.error("a job of queue %s ran into a bug", queue, exc_info=error)
        job.refuse(" ".join(text.splitlines()).encode("utf-8", "replace"))
