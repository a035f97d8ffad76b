"""The store: whether it can be reached, what it has lost, and how it is set up."""

from gearhorn.logs.event import debug, error, info, warning

STORE_UNREACHED = warning(
    "store.unreached",
    "the store cannot be reached: {error}; waiting for it",
    meaning="At the start: the worker is not ready before the store answers.",
    remedy="See that the store runs, and that `[store] url` is right.",
    ended_by="store.reached",
)
STORE_REACHED = info("store.reached", "the store answers", meaning="The worker has waited for it, and goes on.")
STORE_AWAY = warning(
    "store.away",
    "the store is away: {error}; jobs wait for it",
    meaning="In service: what needs the store waits, for `[store] retry_timeout` at the most. Fanouts whose lists are "
    "in memory go on while the lease lasts.",
    remedy="See that the store runs.",
    ended_by="store.back",
)
STORE_BACK = info("store.back", "the store is back", meaning="What waited goes on.")
STORE_VOLATILE = warning(
    "store.volatile",
    "subscriptions are kept in memcached: they are lost when it restarts or runs out of memory",
    meaning="Said at each start with memcached.",
    remedy="Use Redis, or subscribe with a ttl and again before it is over.",
)
STORE_MEMORY_UNKNOWN = debug(
    "store.memory_unknown",
    "how much memory {store} has left could not be asked: {error}",
    meaning="Redis does not let its user ask INFO, or was away.",
)
STORE_MEMORY = warning(
    "store.memory",
    "{store} {finding}",
    meaning="Redis may throw out lists of subscribers when its memory is full, or is nearly full.",
    remedy="Set `maxmemory-policy noeviction`, and give it more memory.",
)
STORE_INFO_REFUSED = warning(
    "store.info_refused",
    "{store} does not let its user ask INFO: a server that is started again or replaced by its replica may have lost "
    "leases unnoticed, and workers may miss changes (ACL SETUSER … +info)",
    meaning="The worker can tell a Redis that has lost something only by what INFO says.",
    remedy="`ACL SETUSER <user> +info`.",
)
STORE_LEASES_LOST = warning(
    "store.leases_lost",
    "the store may have lost leases: changes wait {left_s:.1f} s for these to run out",
    meaning="It was started again or replaced. Until leases from before are over, nobody can say who still serves old "
    "lists.",
    remedy="Nothing, for the leases; see why the store was started again.",
    ended_by="store.leases_over",
)
STORE_LEASES_OVER = info(
    "store.leases_over",
    "the leases that the store may have lost are over: changes wait no more",
    meaning="Said with the first change after that.",
)
STORE_LISTS_LOST = error(
    "store.lists_lost",
    "the store has lost its lists of subscribers (noticed at {when} by worker {by_worker}; this one had {topics_count} "
    "topics with {subscribers_count} subscribers in memory): a fanout to a topic that nobody has subscribed to since "
    "ends in an exception; when that is over, or all is well: {command}",
    meaning="The store came back empty, or older than it was.",
    remedy="Restore a backup, or let all subscribe again; then the command in the line.",
    ended_by="store.loss_over",
)
STORE_LOSS_OVER = info(
    "store.loss_over",
    "the loss of lists is over: empty lists count as empty again",
    meaning="Somebody said so with the command of that line, or it is a month ago.",
)
STORE_LIST_SHORTER = warning(
    "store.list_shorter",
    "topic {topic!r} had {before_count} subscribers before the store lost lists, and has {now_count} now",
    meaning="Once for each topic, as it is read again.",
    remedy="The subscribers that are missing have to subscribe again.",
)
STORE_LIST_MISSING = warning(
    "store.list_missing",
    "refused fanouts: {reason}",
    meaning="The list of a topic was lost, and nobody has subscribed since: rather than copy to nobody, the fanout "
    "fails. Said once a minute for a topic at the most.",
    remedy="Let its subscribers subscribe again.",
)
STORE_LIST_TORN = warning(
    "store.list_torn",
    "memcached has lost a part of the subscriber list of {topic!r}",
    meaning="memcached throws out what was not used for long when its memory is full.",
    remedy="Give it more memory; the missing subscribers have to subscribe again.",
    ended_by="store.list_whole",
)
STORE_LIST_WHOLE = info(
    "store.list_whole", "the subscriber list of {topic!r} is whole again", meaning="Nothing of it is missing now."
)
STORE_UNSETTLED_UNKNOWN = debug(
    "store.unsettled_unknown",
    "unsettled topics could not be looked for: {error}",
    meaning="memcached was away; the next renewal of the lease looks again.",
)
