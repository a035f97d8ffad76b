"""A subscription that is to be changed: whether that may be, and what its client is told."""

import contextlib
from collections.abc import Callable, Collection, Coroutine

from gearhorn.clock import steady_s
from gearhorn.core.members import NOBODY, Members
from gearhorn.core.rooms import Rooms
from gearhorn.errors import BadRequest, ListLost, StoreUnavailable
from gearhorn.logs.event import log_for
from gearhorn.logs.events.lists import CHANGE_ABANDONED, SUBSCRIBER_ADDED, SUBSCRIBER_REMOVED
from gearhorn.matchmaking.directory import Directory
from gearhorn.metrics import Counters
from gearhorn.metrics.counters import CHANGED, CHANGES
from gearhorn.names import check_pair, queue_name
from gearhorn.net.job import Job
from gearhorn.store.base import Applied, Change, Collision, Subscribe

log = log_for(__name__)


class Changes:
    """`own_queues` are names that no subscriber's queue may have; `limit_count` subscribers are the most of a topic.
    `start_task` is given what need not be waited for.
    """

    def __init__(
        self,
        directory: Directory,
        own_queues: Collection[str],
        matchmaking_topic: str,
        limit_count: int,
        start_task: Callable[[Coroutine[None, None, object]], None],
        counters: Counters,
    ) -> None:
        self._counters = counters
        self._directory = directory
        self._own_queues = own_queues
        self._matchmaking_topic = matchmaking_topic
        self._limit_count = limit_count
        self._rooms = Rooms(limit_count)
        self._start_task = start_task

    def adjust(self, limit_count: int) -> None:
        if limit_count != self._limit_count:
            self._limit_count = limit_count
            self._rooms = Rooms(limit_count)

    async def make(self, job: Job, change: Change) -> None:
        """Completes the job when every worker knows of the change. Raises BadRequest and StoreUnavailable."""
        outcome = "failed"
        try:
            outcome = await self._make(job, change)
        except BadRequest:
            outcome = "refused"
            raise
        finally:
            kind = "subscribe" if isinstance(change, Subscribe) else "unsubscribe"
            self._counters.count(CHANGES, kind, outcome)

    async def _make(self, job: Job, change: Change) -> str:
        """Returns what became of it, in a word."""
        check_pair(change.topic, change.client_id, self._own_queues, self._matchmaking_topic)
        if isinstance(change, Subscribe) and not self._has_room(change):
            await self._find_room(change)
        result = await self._directory.change(change, lambda: job.is_held)
        if result is None:
            log.say(CHANGE_ABANDONED)
            return "given back"
        if isinstance(result, Collision):
            queue = queue_name(change.topic, change.client_id).decode()
            raise BadRequest("client_id", f"the queue {queue!r} is that of a subscriber of topic {result.topic!r}")
        job.complete()
        self._log_change(change, result)
        return CHANGED if result.changed else "unchanged"

    # Others subscribe at the same moment, here and elsewhere: a limit that many reach at once may be passed by some.

    def _has_room(self, wish: Subscribe) -> bool:
        """Told without waiting, so that what one client asks for in a row is done in that order. Where nothing is known
        of the list it has room, and is counted for the next one.
        """
        members = self._directory.find(wish.topic)
        if members is not None:
            return len(members) < self._limit_count
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
        limit = self._limit_count
        if len(members) >= limit and wish.client_id.encode() not in members:
            raise BadRequest("topic", f"{wish.topic!r} has {len(members)} subscribers, and may have {limit}")

    def _log_change(self, change: Change, result: Applied) -> None:
        if not result.changed:
            return
        if isinstance(change, Subscribe):
            log.say(SUBSCRIBER_ADDED, client_id=change.client_id, topic=change.topic, version=result.version)
        else:
            log.say(SUBSCRIBER_REMOVED, client_id=change.client_id, topic=change.topic, version=result.version)
