"""Every metric that a worker exports: its name, kind, labels, and what it means.

The exposition, statsd, the page doc/monitoring.md and the tests of contrib/ all go by this table. Names follow
Prometheus's rules: base units, `_total` for what only grows. No label ever holds a client id: there may be a million.
"""

from dataclasses import dataclass
from itertools import product

from gearhorn.metrics.counters import CHANGED, CHANGES, LIST_READS, REFUSED, STORE_ERRORS

COUNTER, GAUGE, HISTOGRAM = "counter", "gauge", "histogram"


@dataclass(frozen=True, slots=True)
class Metric:
    """`known` are values that its labels will have. `only_watcher`: the worker that watches the subscribers for all has
    it, no other.
    """

    name: str
    kind: str
    help: str
    labels: tuple[str, ...] = ()
    known: tuple[tuple[str, ...], ...] = ()
    only_watcher: bool = False


FANOUTS = Metric(
    "gearhorn_fanouts_total",
    COUNTER,
    "Fanout jobs that have ended, by topic, mode (background, foreground) and outcome (complete; failed: copies were "
    "not sent or receivers failed; nobody: no subscribers; expired; bug).",
    ("topic", "mode", "outcome"),
)
COPIES = Metric("gearhorn_copies_total", COUNTER, "Copies that a Gearman server has confirmed, by topic.", ("topic",))
RECEIVERS = Metric(
    "gearhorn_receivers_total",
    COUNTER,
    "Receivers of foreground fanouts, by topic and outcome (complete, failed, exception, timeout, not sent).",
    ("topic", "outcome"),
)
FANOUT_SECONDS = Metric(
    "gearhorn_fanout_duration_seconds",
    HISTOGRAM,
    "From a fanout's first look until its job is answered, by mode.",
    ("mode",),
)
COPY_SECONDS = Metric(
    "gearhorn_copy_confirmation_seconds",
    HISTOGRAM,
    "From a copy's sending until its Gearman server has confirmed it.",
)
ANSWER_SECONDS = Metric(
    "gearhorn_receiver_answer_seconds",
    HISTOGRAM,
    "From the beginning of a foreground fanout until one of its receivers has ended its copy, well or not.",
)
PAUSED_COPIES = Metric(
    "gearhorn_paused_copies_total", COUNTER, "Copies that were not sent because their subscriber is paused."
)
SUBSCRIPTION_CHANGES = Metric(
    CHANGES,
    COUNTER,
    "Wishes to subscribe or unsubscribe, by kind and outcome (changed; unchanged: it was so already; refused; given "
    "back: the job had gone back to its server; failed).",
    ("kind", "outcome"),
    tuple(product(("subscribe", "unsubscribe"), (CHANGED, "unchanged", "refused", "given back", "failed"))),
)
JOBS_REFUSED = Metric(
    REFUSED,
    COUNTER,
    "Jobs that ended in an exception without having been done, by queue (fanout, subscribe, unsubscribe) and reason "
    "(bad request, too large, store unavailable, list lost, misconfigured, bug).",
    ("queue", "reason"),
    tuple(
        product(
            ("fanout", "subscribe", "unsubscribe"),
            ("bad request", "too large", "store unavailable", "list lost", "misconfigured", "bug"),
        )
    ),
)
JOBS_IN_FLIGHT = Metric("gearhorn_jobs_in_flight", GAUGE, "Jobs that this worker holds, by server.", ("server",))
COPIES_IN_FLIGHT = Metric(
    "gearhorn_copies_in_flight", GAUGE, "Copies that were sent and are not confirmed yet, by server.", ("server",)
)
COPIES_UNSENT = Metric(
    "gearhorn_copies_unsent", GAUGE, "Copies of fanouts in flight that wait for their turn, or for a server."
)
RECEIVERS_AWAITED = Metric(
    "gearhorn_receivers_awaited",
    GAUGE,
    "Foreground copies whose receivers have not ended them yet, by server.",
    ("server",),
)
LINK_UP = Metric(
    "gearhorn_link_up",
    GAUGE,
    "Whether a connection to a Gearman server is up, by server and link (fanouts, changes, copies, matchmaking).",
    ("server", "link"),
)
LEASE_LEFT = Metric(
    "gearhorn_lease_left_seconds",
    GAUGE,
    "For how long this worker may answer from memory yet; 0 without a lease. Not there with matchmaking off.",
)
MATCHMAKING_SECONDS = Metric(
    "gearhorn_matchmaking_lag_seconds",
    HISTOGRAM,
    "From a change that this worker has made until every other worker goes by it.",
)
CACHE_HITS = Metric("gearhorn_cache_hits_total", COUNTER, "Fanouts whose list of subscribers was in memory.")
CACHE_MISSES = Metric("gearhorn_cache_misses_total", COUNTER, "Fanouts that had to wait for their list of subscribers.")
CACHE_TOPICS = Metric("gearhorn_cached_topics", GAUGE, "Lists of subscribers in memory.")
CACHE_SUBSCRIBERS = Metric("gearhorn_cached_subscribers", GAUGE, "Entries of the lists in memory.")
STORE_READS = Metric(
    LIST_READS,
    COUNTER,
    "Lists that were read from the store, by reason (not in memory; no lease; long: read by itself, and each time anew "
    "if it is too long for the memory).",
    ("reason",),
    (("not in memory",), ("no lease",), ("long",)),
)
STORE_SECONDS = Metric(
    "gearhorn_store_call_duration_seconds", HISTOGRAM, "How long the store took for calls that it answered.", ("call",)
)
STORE_FAILURES = Metric(
    STORE_ERRORS,
    COUNTER,
    "Calls that the store did not answer, by call and reason (unavailable, misconfigured).",
    ("call", "reason"),
)
SUBSCRIBERS = Metric(
    "gearhorn_subscribers_in_trouble",
    GAUGE,
    "Subscribers whose queues nobody serves, by state (suspect, dead); paused are those of them that get no copies.",
    ("state",),
    only_watcher=True,
)
BACKLOG = Metric(
    "gearhorn_backlog_copies",
    GAUGE,
    "Copies that wait in subscribers' queues on all servers, by topic, at the last look.",
    ("topic",),
    only_watcher=True,
)
WATCHING = Metric("gearhorn_watching", GAUGE, "Whether this worker watches the subscribers for all workers.")
DROPPED = Metric(
    "gearhorn_dropped_subscribers_total", COUNTER, "Dead subscribers that this worker has taken off the lists."
)
DRAINED = Metric("gearhorn_drained_copies_total", COUNTER, "Copies that were taken off the queues of those.")
READY = Metric("gearhorn_ready", GAUGE, "Whether /readyz says so.")
DOWN = Metric("gearhorn_down", GAUGE, "1 for each part that is down, as /readyz lists them.", ("part",))
BUILD_INFO = Metric(
    "gearhorn_build_info", GAUGE, "Always 1; what this worker is made of.", ("version", "python", "loop", "store")
)

CATALOGUE: tuple[Metric, ...] = (
    FANOUTS,
    COPIES,
    RECEIVERS,
    FANOUT_SECONDS,
    COPY_SECONDS,
    ANSWER_SECONDS,
    PAUSED_COPIES,
    SUBSCRIPTION_CHANGES,
    JOBS_REFUSED,
    JOBS_IN_FLIGHT,
    COPIES_IN_FLIGHT,
    COPIES_UNSENT,
    RECEIVERS_AWAITED,
    LINK_UP,
    LEASE_LEFT,
    MATCHMAKING_SECONDS,
    CACHE_HITS,
    CACHE_MISSES,
    CACHE_TOPICS,
    CACHE_SUBSCRIBERS,
    STORE_READS,
    STORE_SECONDS,
    STORE_FAILURES,
    SUBSCRIBERS,
    BACKLOG,
    WATCHING,
    DROPPED,
    DRAINED,
    READY,
    DOWN,
    BUILD_INFO,
)
