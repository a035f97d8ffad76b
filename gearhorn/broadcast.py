"""One fanout job from its list of subscribers to its answer."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Protocol

from gearhorn.bodies import FanoutRequest, render_failures, render_result
from gearhorn.core.fanout import COMPLETE, NOT_SENT, FanoutRun
from gearhorn.core.gathering import NO_LIMITS, Answer, Gathering
from gearhorn.core.members import Members
from gearhorn.logs.event import log_for
from gearhorn.logs.events.jobs import FANOUT_ANSWER_BUG, FANOUT_PROGRESS_BUG
from gearhorn.metrics.meters import Meter
from gearhorn.names import queue_prefix
from gearhorn.net.dispatch import Dispatch
from gearhorn.net.shipment import Shipment
from gearhorn.resuming.hold import Hold
from gearhorn.resuming.journal import Journal
from gearhorn.wire.copies import CopyEncoder, KeyedCopyEncoder
from gearhorn.wire.packets import SUBMIT_KINDS

log = log_for(__name__)

# A publisher's client draws its progress bar from these; more often than people can see is a waste.
STATUS_INTERVAL_S = 0.25

BUG = b"the service has a bug: its log tells more"

# What a copy takes of memory until it is settled, besides the name in the list: a foreground one has its handle.
FOREGROUND_COPY_BYTES = 256
BACKGROUND_COPY_BYTES = 1


class Answerable(Protocol):
    """Whatever wants a fanout's answer: a job, as a rule."""

    @property
    def is_held(self) -> bool: ...

    @property
    def backlog_bytes(self) -> int: ...

    def weigh(self, more_bytes: int) -> None: ...

    def complete(self, data: bytes = b"") -> None: ...

    def refuse(self, text: bytes) -> None: ...

    def send_data(self, data: bytes) -> None: ...

    def send_status(self, done_count: int, total_count: int) -> None: ...


class Broadcast:
    """Ties a job to the shipment of its copies, and answers the job when that is settled."""

    __slots__ = (
        "_gathering",
        "_is_abandoned",
        "_job",
        "_members",
        "_on_over",
        "_results",
        "_shipment",
        "_shown_count",
        "_timer",
    )

    def __init__(
        self,
        job: Answerable,
        request: FanoutRequest,
        members: Members,
        run: FanoutRun | None = None,
        copy_key: bytes = b"",
        gathering: Gathering = NO_LIMITS,
        meter: Meter | None = None,
        started_s: float = 0.0,
    ) -> None:
        """A run that is given has `members` still to be sent to. With `copy_key` each copy has a unique key of its own,
        made of it, where the publisher wishes for none. `gathering` bounds what receivers answer. `meter` is the
        topic's, and `started_s` when the job began to be looked at, by the monotonic clock.
        """
        prefix = queue_prefix(request.topic)
        kind = SUBMIT_KINDS[request.priority, request.background]
        self._job = job
        self._is_abandoned = False
        self._on_over: Callable[[bool], None] | None = None
        self._results = request.results
        self._gathering = gathering
        self._timer: asyncio.TimerHandle | None = None
        self._shown_count = -1
        self._shipment = Shipment(
            run or FanoutRun(len(members), foreground=not request.background),
            KeyedCopyEncoder(kind, prefix, copy_key, request.payload)
            if copy_key and not request.unique
            else CopyEncoder(kind, prefix, request.unique, request.payload),
            prefix,
            self._settled,
            self._answered if request.results else None,
            gathering=gathering,
            meter=meter,
            started_s=started_s,
        )
        self._members = members

    def start(self, dispatch: Dispatch, timeout_s: float) -> None:
        """Sends the copies. A foreground run ends after `timeout_s` seconds at the latest."""
        if self._shipment.run.foreground and self._members:
            self._timer = asyncio.get_running_loop().call_later(timeout_s, self._shipment.time_out)
        dispatch.send(self._shipment, self._members)
        self._shipment.check()

    def weigh(self) -> None:
        """To be called when it waits: says what that takes of memory."""
        each_bytes = FOREGROUND_COPY_BYTES if self._shipment.run.foreground else BACKGROUND_COPY_BYTES
        self._job.weigh(each_bytes * len(self._members))

    def leave_out(self, members: Members, reason: str) -> None:
        """Names these as failed, without a try. To be called before `start`."""
        self._shipment.run.leave_out(members, f"{NOT_SENT}: {reason}")

    def record(self, journal: Journal, on_over: Callable[[bool], None]) -> None:
        """Keeps the journal. To be called before `start`. `on_over` hears at the end whether the job was answered."""
        self._on_over = on_over
        self._shipment.done_before_count = self._shipment.run.done_count
        self._shipment.on_progress = journal.progressed

    def hold(self, hold: Hold) -> None:
        """Sends only while that is free. To be called before `start`."""
        self._shipment.may_go_on = hold.is_free

    def abandon(self) -> None:
        """The job is another worker's: nothing more is sent, waited for or answered."""
        self._is_abandoned = True
        self._shipment.abandon()

    @property
    def copy_count(self) -> int:
        return len(self._members)

    @property
    def is_waiting(self) -> bool:
        return not self._shipment.run.is_settled

    def show_progress(self) -> None:
        """Tells the publisher how many receivers are done, when that has changed."""
        run = self._shipment.run
        ended_count = run.done_count + len(run.failures)
        if ended_count != self._shown_count:
            self._shown_count = ended_count
            self._job.send_status(ended_count, run.total_count)

    def _answered(self, client_id: bytes, status: str, answer: Answer) -> None:
        if self._results == "all" or status != COMPLETE:
            self._gathering.admit(answer, self._job.backlog_bytes)
            self._job.send_data(render_result(client_id, status, answer.join(), is_truncated=answer.is_cut))

    def _settled(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        is_answered = self._job.is_held
        if not self._is_abandoned:
            self._end_job()
        if self._on_over is not None:
            self._on_over(is_answered)
        shipment = self._shipment
        if shipment.meter is not None and not self._is_abandoned:
            shipment.meter.ended(shipment.run, shipment)

    def _end_job(self) -> None:
        try:
            self._answer(self._shipment.run)
        except Exception as error:  # noqa: BLE001 - which the log shows
            log.say(FANOUT_ANSWER_BUG, because=error)
            self._job.refuse(BUG)

    def _answer(self, run: FanoutRun) -> None:
        if self._shipment.is_broken:
            self._job.refuse(BUG)
        elif run.failures:
            self.show_progress()  # the failures alone would not tell how many went well
            self._job.refuse(render_failures(run.failures))
        else:
            self._job.complete(b"%d" % run.done_count)


class Waiting:
    """The broadcasts that wait for receivers. One timer shows the progress of all of them."""

    def __init__(self) -> None:
        self._broadcasts: set[Broadcast] = set()
        self._timer: asyncio.TimerHandle | None = None

    def add(self, broadcast: Broadcast) -> None:
        broadcast.show_progress()
        self._broadcasts.add(broadcast)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(STATUS_INTERVAL_S, self._show)

    def _show(self) -> None:
        self._broadcasts = set(self._still_waiting())
        self._timer = asyncio.get_running_loop().call_later(STATUS_INTERVAL_S, self._show) if self._broadcasts else None
        for broadcast in self._broadcasts:
            try:
                broadcast.show_progress()
            except Exception as error:  # noqa: BLE001 - which the log shows
                log.say(FANOUT_PROGRESS_BUG, because=error)

    def _still_waiting(self) -> Iterable[Broadcast]:
        return (broadcast for broadcast in self._broadcasts if broadcast.is_waiting)
