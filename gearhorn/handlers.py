"""The service's jobs: what is asked, who decides, what is answered. Each job gets exactly one ending."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field

from gearhorn.bodies import FanoutRequest, SubscriptionRequest, parse_fanout, parse_subscription
from gearhorn.broadcast import BUG
from gearhorn.changes import Changes
from gearhorn.core.limits import Limits
from gearhorn.errors import BadRequest, ListLost, Misconfigured, StoreUnavailable
from gearhorn.fanouts import Fanouts, FanoutSettings
from gearhorn.logs.event import log_for
from gearhorn.logs.events.jobs import JOB_BUG, JOB_GIVEN_UP, JOB_MISCONFIGURED, JOB_REFUSED
from gearhorn.matchmaking.directory import Directory
from gearhorn.metrics import Counters
from gearhorn.metrics.counters import REFUSED
from gearhorn.names import MATCHMAKING_TOPIC, OwnQueues
from gearhorn.net.dispatch import Dispatch
from gearhorn.net.job import Job
from gearhorn.resuming.ledger import Ledger
from gearhorn.signing.envelope import FANOUT, SUBSCRIBE, UNSUBSCRIBE
from gearhorn.signing.guard import Guard
from gearhorn.store.base import Subscribe, Unsubscribe
from gearhorn.subscribers.pauses import Pauses

log = log_for(__name__)

Rest = Coroutine[None, None, None] | None

# Why a job is refused, for the counters. Any other error is a bug of ours.
_REASONS: tuple[tuple[type[Exception], str], ...] = (
    (BadRequest, "bad request"),
    (StoreUnavailable, "store unavailable"),
    (ListLost, "list lost"),
    (Misconfigured, "misconfigured"),
)


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
        self._fanouts = Fanouts(_of_fanouts(settings), directory, dispatch, ledger, now_s, pauses, counters)
        self._changes = Changes(
            directory,
            settings.queues.all(),
            settings.matchmaking_topic,
            settings.limits.subscribers_count,
            self._start_task,
            counters,
        )
        self._counters = counters
        self.finish = self._fanouts.finish  # of a fanout that another worker has left
        self._guard = guard
        self._limits = settings.limits
        self._tasks: set[asyncio.Task[object]] = set()
        self._is_closing = False
        self._by_queue = self._serving(settings.queues)
        self._only_topic: dict[bytes, str] = {}
        for topic in settings.queues.topics:
            of_topic = self._serving(settings.queues.of_topic(topic))
            self._by_queue |= of_topic
            self._only_topic |= dict.fromkeys(of_topic, topic)

    def adjust(self, settings: HandlerSettings) -> None:
        """Other limits, for the jobs that come from now on. The queues stay."""
        self._limits = settings.limits
        self._fanouts.adjust(_of_fanouts(settings))
        self._changes.adjust(settings.limits.subscribers_count)

    def _serving(self, queues: OwnQueues) -> dict[bytes, Callable[[Job], Rest]]:
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

    def _fanout(self, job: Job) -> Rest:
        if self._guard is not None:
            return self._guard.judge(job, FANOUT, self._parse_fanout, self._fan_out)
        return self._fan_out(job, parse_fanout(job.assigned.payload, self._limits))

    def _parse_fanout(self, body: bytes) -> FanoutRequest:
        return parse_fanout(body, self._limits)

    def _fan_out(self, job: Job, request: FanoutRequest) -> Rest:
        if self._only_topic:
            self._check_queue(job, request.topic)
        return self._fanouts.serve(job, request)

    def _subscribe(self, job: Job) -> Rest:
        def subscribe(job: Job, request: SubscriptionRequest) -> Coroutine[None, None, None]:
            self._check_queue(job, request.topic)
            return self._changes.make(job, Subscribe(request.topic, request.client_id, request.ttl_s))

        return self._judge_change(job, SUBSCRIBE, subscribe)

    def _unsubscribe(self, job: Job) -> Rest:
        def unsubscribe(job: Job, request: SubscriptionRequest) -> Coroutine[None, None, None]:
            self._check_queue(job, request.topic)
            return self._changes.make(job, Unsubscribe(request.topic, request.client_id))

        return self._judge_change(job, UNSUBSCRIBE, unsubscribe)

    def _judge_change(
        self, job: Job, kind: str, make: Callable[[Job, SubscriptionRequest], Coroutine[None, None, None]]
    ) -> Rest:
        if self._guard is not None:
            return self._guard.judge(job, kind, lambda body: parse_subscription(body, self._limits), make)
        return make(job, parse_subscription(job.assigned.payload, self._limits))

    def _check_queue(self, job: Job, topic: str) -> None:
        """Whoever the Gearman server lets into the queue of one topic may be meant to have no say in any other."""
        only = self._only_topic.get(job.assigned.queue, topic)
        if topic != only:
            raise BadRequest("topic", f"the queue {job.assigned.queue.decode()!r} is for the topic {only!r} only")

    # Errors of every kind end here.

    def count_oversized(self, queue: bytes) -> None:
        """A job that its link has refused already."""
        self._count_refused(queue, "too large")

    def _count_refused(self, queue: bytes, reason: str) -> None:
        handler = self._by_queue.get(queue)
        words = ((self._fanout, "fanout"), (self._subscribe, "subscribe"), (self._unsubscribe, "unsubscribe"))
        word = next((word for known, word in words if known == handler), "other")
        self._counters.count(REFUSED, word, reason)

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
        reason = next((word for kind, word in _REASONS if isinstance(error, kind)), "bug")
        self._count_refused(job.assigned.queue, reason)
        if isinstance(error, BadRequest):
            text = str(error)
            log.say(JOB_REFUSED, queue=queue, reason=text)
        elif isinstance(error, StoreUnavailable):
            text = f"the store cannot be reached: {error}"
            log.say(JOB_GIVEN_UP, queue=queue, reason=text)
        elif isinstance(error, ListLost):  # the log has been told
            text = str(error)
        elif isinstance(error, Misconfigured):  # found out in service: a password that was changed, say
            text = f"the service is not set up right: {error}"
            log.say(JOB_MISCONFIGURED, queue=queue, reason=text)
        else:
            text = BUG.decode()
            log.say(JOB_BUG, queue=queue, because=error)
        job.refuse(" ".join(text.splitlines()).encode("utf-8", "replace"))


def _of_fanouts(settings: HandlerSettings) -> FanoutSettings:
    return FanoutSettings(
        settings.foreground_timeout_s,
        settings.foreground_timeout_limit_s,
        settings.matchmaking_topic,
        settings.limits,
    )
