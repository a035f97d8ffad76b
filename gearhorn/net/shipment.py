"""What is being sent for one fanout: its run, its packets, and who wants to hear of it."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from gearhorn.core.fanout import COMPLETE, EXCEPTION, FAILED, NOT_SENT, TIMEOUT, FanoutRun, Portion
from gearhorn.core.gathering import NO_LIMITS, Answer, Gathering
from gearhorn.logs.event import log_for
from gearhorn.logs.events.jobs import FANOUT_BUG
from gearhorn.metrics.meters import Meter
from gearhorn.wire import packets
from gearhorn.wire.copies import CopyEncoder

log = log_for(__name__)

# A receiver's exception becomes part of the publisher's answer; nobody reads more than this of it, nor of all of them
# together: a hundred thousand hosts may fail in the same way.
REASON_LIMIT_CHARACTERS = 1000
REASONS_LIMIT_CHARACTERS = 1_000_000

# Client id, status, and what the receiver answered.
OnAnswer = Callable[[bytes, str, Answer], None]

_NOTHING = CopyEncoder(0, b"", b"", b"")


def _ignore() -> None:
    """The listener of a shipment that is over."""


@dataclass(slots=True, eq=False)
class Shipment:
    """One fanout's run with what it takes to send it.

    `on_settled` is called once, when no copy is open any more; `on_progress`, if wanted, whenever some may have been
    settled before that. `may_go_on`, if wanted, is asked before copies are sent. `on_answer`, if wanted, gets client
    id, status and answer of each receiver that ends, within the limits of `gathering`; without it the receivers' data
    is dropped as it comes. A `meter`, if there is one, counts copies and times answers; by the monotonic clock the
    fanout began at `started_s` (0: when its first copy is sent), and a server last confirmed something at `heard_s`.
    """

    run: FanoutRun
    encoder: CopyEncoder
    queue_prefix: bytes
    on_settled: Callable[[], None]
    on_answer: OnAnswer | None = None
    on_progress: Callable[[], None] | None = None
    may_go_on: Callable[[], bool] | None = None
    gathering: Gathering = NO_LIMITS
    meter: Meter | None = None
    started_s: float = 0.0
    heard_s: float = 0.0
    done_before_count: int = 0  # by who began with a run that goes on here
    _partial_answers: dict[tuple[int, int], Answer] | None = None  # few fanouts want any
    is_broken: bool = False  # by a bug: what became of its copies is not known
    _reasons_characters: int = 0
    _lost_at_s: float | None = None

    def confirm(self, portion: Portion, first: int, count: int) -> None:
        """A server has these copies."""
        self._lost_at_s = None
        self.run.confirm(portion, first, count)

    def lost_for_s(self, now_s: float) -> float:
        """To be called when copies were lost: the seconds since that began, with none confirmed in between."""
        if self._lost_at_s is None:
            self._lost_at_s = now_s
        return now_s - self._lost_at_s

    def check(self) -> None:
        """To be called after anything that may have settled the run."""
        if self.run.is_settled:
            on_settled = self.on_settled
            self._let_go()
            on_settled()
        elif self.on_progress is not None:
            self.on_progress()

    def _let_go(self) -> None:
        """Drops the payload and whoever listens: a receiver that never answers keeps the rest of this in memory."""
        if self._partial_answers is not None:
            self.gathering.drop(self._partial_answers.values())
            self._partial_answers = None
        self.encoder = _NOTHING
        self.on_settled = _ignore
        self.on_answer = self.on_progress = self.may_go_on = None

    def abandon(self) -> None:
        """Sends and waits no more; see FanoutRun.abandon."""
        self.run.abandon()
        self.check()

    def time_out(self) -> None:
        """Ends the waiting; see FanoutRun.time_out."""
        try:
            for client_id in self.run.time_out():
                if self.on_answer:
                    self.on_answer(client_id, TIMEOUT, Answer())
            self.check()
        except Exception as error:  # noqa: BLE001 - nobody else would end it
            self.break_off(error)

    def break_off(self, error: Exception) -> None:
        """Ends the run over a bug. To be called where no error may pass, so that whoever listens hears of the end."""
        log.say(FANOUT_BUG, because=error)
        self.is_broken = True
        self.on_answer = None
        self.abandon()

    def give_up(self, portion: Portion, reason: str) -> None:
        """Fails the copies of a portion that no server could be given."""
        for position in portion.withdraw():
            self.run.fail(portion, position, f"{NOT_SENT}: {reason}")
        self.check()

    def collect(self, portion: Portion, position: int, data: bytes) -> None:
        """A piece of a receiver's answer."""
        if self.on_answer:
            if self._partial_answers is None:
                self._partial_answers = {}
            key = (id(portion), position)
            answer = self._partial_answers.get(key)
            if answer is None:
                answer = self._partial_answers[key] = Answer()
            self.gathering.add(answer, data)

    def end(self, portion: Portion, position: int, kind: int, data: bytes) -> None:
        """A receiver has ended its copy with a packet of type `kind`."""
        if kind == packets.WORK_COMPLETE:
            status, news = COMPLETE, self.run.complete(portion, position)
        elif kind == packets.WORK_FAIL:
            status, news = FAILED, self.run.fail(portion, position, FAILED)
        else:
            status, news = EXCEPTION, self.run.fail(portion, position, f"{EXCEPTION}: {self._reason_of(data)}")
        if news and self.meter is not None:
            self.meter.answered(time.monotonic() - self.started_s)
        if news and self.on_answer:
            partial = self._partial_answers
            answer = (partial.pop((id(portion), position), None) if partial else None) or Answer()
            self.gathering.finish(answer, data)
            self.on_answer(portion.members[position], status, answer)

    def _reason_of(self, data: bytes) -> str:
        # a character has four bytes at the most
        text = data[: 4 * REASON_LIMIT_CHARACTERS].decode("utf-8", "replace")[:REASON_LIMIT_CHARACTERS]
        self._reasons_characters += len(text)
        if self._reasons_characters > REASONS_LIMIT_CHARACTERS:
            return "(no room for the text of yet another exception)"
        return text
