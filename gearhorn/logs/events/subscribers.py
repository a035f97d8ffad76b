"""Subscribers that nobody serves: what `[reaper]` finds, and does."""

from gearhorn.logs.event import error, info, warning

_REMEDY = "Start the subscriber's worker again, or unsubscribe it (`gearhorn unsubscribe`)."

SUBSCRIBER_WORSE = warning(
    "subscriber.worse",
    "subscriber client_id={client_id!r} topic={topic!r} is {state}; {copies_count} copies wait, since {since}{note}",
    meaning="Nobody serves its queue: suspect after `[reaper] grace`, dead after `dead_after`.",
    remedy=_REMEDY,
    ended_by="subscriber.back",
)
SUBSCRIBERS_WORSE = warning(
    "subscribers.worse",
    "{subscribers_count} subscribers are {state}; {copies_count} copies wait for them: {some}",
    meaning="The same for many at once.",
    remedy=_REMEDY,
    ended_by="subscribers.back",
)
SUBSCRIBER_BACK = info(
    "subscriber.back",
    "subscriber client_id={client_id!r} topic={topic!r} is back, after trouble since {since}",
    meaning="Its queue is served again, or worked off.",
)
SUBSCRIBERS_BACK = info(
    "subscribers.back", "{subscribers_count} subscribers are back: {some}", meaning="The same for many at once."
)
SUBSCRIBER_DROPPED = warning(
    "subscriber.dropped",
    "dropped subscriber client_id={client_id!r} topic={topic!r}: took {copies_count} copies off its queue ({fate}); "
    "nobody served it since {since}",
    meaning="Policy drop: it was unsubscribed, and its queue emptied.",
    remedy="What was kept is in `[reaper] dead_letter_queue` or `dead_letter_file`.",
)
SUBSCRIBERS_UNDROPPED = warning(
    "subscribers.undropped",
    "dead subscribers were not dropped, the next look tries again: {error}",
    meaning="The store or a Gearman server was away.",
    remedy="See that the store and the servers run.",
    ended_by="subscribers.dropped",
)
SUBSCRIBERS_DROPPED = info(
    "subscribers.dropped", "dead subscribers can be dropped again", meaning="The trouble before is over."
)
LETTERS_STUCK = error(
    "letters.stuck",
    "{copies_count} drained copies cannot be kept, and wait: {error}",
    meaning="`[reaper] dead_letter_file` or `dead_letter_queue` cannot be written to. Nothing is lost.",
    remedy="See to the disk, the file's rights, or the Gearman server.",
    ended_by="letters.kept",
)
LETTERS_KEPT = info("letters.kept", "drained copies are kept again", meaning="The trouble before is over.")
LETTERS_RETURNED = error(
    "letters.returned",
    "{copies_count} drained copies were not kept, and went back to their queues",
    meaning="The worker stopped before they were safe.",
    remedy="Nothing is lost: the next watcher takes them again.",
)
WATCH_BLIND = info(
    "watch.blind",
    "the subscribers cannot be looked after now: {error}",
    meaning="The store is away.",
    ended_by="watch.sees",
)
WATCH_SEES = info("watch.sees", "the subscribers are looked after again", meaning="The trouble before is over.")
WATCH_BEGUN = info(
    "watch.begun",
    "this worker watches the subscribers",
    meaning="One worker of those that share the store does.",
)
WATCH_OFF = info(
    "watch.off",
    "the subscribers are not looked after any more: policy is off",
    meaning="`[reaper] policy` was changed.",
)
WATCH_ENDED = info(
    "watch.ended", "another worker watches the subscribers now", meaning="This one was cut off, or slow."
)
