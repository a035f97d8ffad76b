"""The lists of subscribers: who changes them, and how workers tell each other."""

from gearhorn.logs.event import debug, error, info, warning

SUBSCRIBER_ADDED = info(
    "subscriber.added",
    "subscribed client_id={client_id!r} topic={topic!r} version={version}",
    meaning="The list has one more. Subscribing again is not told.",
)
SUBSCRIBER_REMOVED = info(
    "subscriber.removed",
    "unsubscribed client_id={client_id!r} topic={topic!r} version={version}",
    meaning="The list has one less.",
)
CHANGE_ABANDONED = info(
    "change.abandoned",
    "a change was not made: its job had gone back to the server while the store was away",
    meaning="Another worker gets the job.",
)
LISTS_FORGOTTEN = info(
    "lists.forgotten",
    "all lists are read anew: a message asked for it",
    meaning="Somebody published to the topic of matchmaking what workers do not understand: it empties their memory.",
)
LIST_TOO_LARGE = warning(
    "list.too_large",
    "the list of {topic!r} is too large to be kept in memory: each fanout reads it",
    meaning="It has more entries than `[matchmaking] cache_subscribers`.",
    remedy="Raise that option.",
)
LEASE_AWAITED = info(
    "lease.awaited",
    "waiting up to {left_s:.1f} s for an earlier lease of worker {worker_id}",
    meaning="A worker of this name ended without giving its lease back, or still runs on another host.",
)
LEASE_LOST = warning(
    "lease.lost",
    "this worker's lease was lost; it reads lists from the store until it has another one",
    meaning="The worker was cut off from the store, or did not acknowledge a change in time. Fanouts are right all the "
    "same, and slower.",
    remedy="If it happens often: the host stands still at times, or `[matchmaking] ack_timeout` is too short.",
    ended_by="lease.held_again",
)
LEASE_DENIED = error(
    "lease.denied",
    "no lease can be taken, lists are read from the store: {error}",
    meaning="The store refuses what a lease needs.",
    remedy="Mend what the line names.",
    ended_by="lease.held_again",
)
LEASE_HELD_AGAIN = info(
    "lease.held_again",
    "this worker holds a lease again",
    meaning="Lists are kept in memory again.",
)
LEASE_UNRENEWED = debug(
    "lease.unrenewed",
    "the lease could not be renewed: {error}",
    meaning="The next try comes before it runs out.",
)
WORKER_GONE = warning(
    "worker.gone",
    "worker {worker_id} is gone: its lease ran out; its queue is emptied",
    meaning="It ended without saying so, or is cut off.",
    remedy="See what became of it.",
)
WORKER_QUEUE_EMPTIED = info(
    "worker.queue_emptied",
    "took {messages_count} messages off the queue of worker {worker_id}",
    meaning="Messages of matchmaking that nobody will ask for any more.",
)
WORKER_SILENT = warning(
    "worker.silent",
    "worker {worker_id} does not acknowledge: its lease was revoked, changes wait up to {left_s:.1f} s for its end",
    meaning="It hangs, has died, or has no link to any Gearman server that this worker has a link to.",
    remedy="See how that worker is. All workers need one Gearman server in common.",
)
CHORE_UNDONE = info(
    "chore.undone",
    "a chore was left undone for now: {error}",
    meaning="The store or a server was away. The next renewal of a lease hands it out again.",
    ended_by="chore.done",
)
CHORE_DONE = info("chore.done", "the chores that were left are done", meaning="The trouble before is over.")
WATCHERS_UNTOLD = info(
    "watchers.untold",
    "those who watch were not told of a change: {error}",
    meaning="`gearhorn subscribers --watch` and the like missed changes. Workers did not.",
    ended_by="watchers.told",
)
WATCHERS_TOLD = info(
    "watchers.told", "those who watch are told of changes again", meaning="The trouble before is over."
)
