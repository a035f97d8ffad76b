"""What the log hears of subscribers: a line each, or one for all of them when they are many."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from gearhorn.core.health import DEAD, SUSPECT
from gearhorn.logs.event import log_for
from gearhorn.logs.events.subscribers import (
    SUBSCRIBER_BACK,
    SUBSCRIBER_DROPPED,
    SUBSCRIBER_WORSE,
    SUBSCRIBERS_BACK,
    SUBSCRIBERS_WORSE,
)

log = log_for(__name__)

# More at once are summed up: a thousand lines help nobody.
MOST_LINES = 20
# So many are named then.
NAMED_COUNT = 3

_WORDS = {
    SUSPECT: "suspect: nobody serves the queue",
    DEAD: "dead: nobody has served the queue on any server for long",
}


class Patient(NamedTuple):
    """A subscriber in trouble, or out of it again. `since_s` is the Unix time when that began."""

    topic: str
    client_id: str
    backlog_count: int
    since_s: float
    is_paused: bool = False


def tell_worse(state: str, patients: Sequence[Patient]) -> None:
    """These are now `state`, suspect or dead."""
    if len(patients) > MOST_LINES:
        jobs_count = sum(patient.backlog_count for patient in patients)
        log.say(
            SUBSCRIBERS_WORSE,
            subscribers_count=len(patients),
            state=_WORDS[state],
            copies_count=jobs_count,
            some=_some(patients),
        )
        return
    for one in patients:
        log.say(
            SUBSCRIBER_WORSE,
            client_id=one.client_id,
            topic=one.topic,
            state=_WORDS[state],
            copies_count=one.backlog_count,
            since=time_of(one.since_s),
            note="; no more are sent" if one.is_paused else "",
        )


def tell_back(patients: Sequence[Patient]) -> None:
    """Their queues are served again, or have no such backlog any more."""
    if len(patients) > MOST_LINES:
        log.say(SUBSCRIBERS_BACK, subscribers_count=len(patients), some=_some(patients))
        return
    for one in patients:
        log.say(SUBSCRIBER_BACK, client_id=one.client_id, topic=one.topic, since=time_of(one.since_s))


def tell_dropped(one: Patient, fate: str) -> None:
    """Each in a line of its own, however many: what was deleted has to be found again. `backlog_count` were taken off
    the queue, and `fate` says what became of them.
    """
    log.say(
        SUBSCRIBER_DROPPED,
        client_id=one.client_id,
        topic=one.topic,
        copies_count=one.backlog_count,
        fate=fate,
        since=time_of(one.since_s),
    )


def time_of(unix_s: float) -> str:
    """In the way of ISO 8601."""
    return datetime.fromtimestamp(unix_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _some(patients: Sequence[Patient]) -> str:
    named = ", ".join(f"{one.client_id!r} of {one.topic!r}" for one in patients[:NAMED_COUNT])
    return f"{named} and {len(patients) - NAMED_COUNT} more"
