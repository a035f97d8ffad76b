"""[matchmaking]: what workers keep in memory, and what they need to tell each other of changes."""

from oslo_config import cfg

from gearhorn.names import MATCHMAKING_TOPIC
from gearhorn.options.bounds import HOUR_S

OPTIONS: list[cfg.Opt] = [
    cfg.BoolOpt(
        "enabled",
        default=True,
        help="Keep the lists of subscribers in memory. Without it each fanout reads its list from the store.",
    ),
    cfg.StrOpt(
        "worker_id",
        default="",
        help="What this worker is called among those that share the store: the same after a restart, and no other's. "
        "Without it the host's name, and the instance of the systemd unit if it has one.",
    ),
    cfg.StrOpt(
        "topic",
        default=MATCHMAKING_TOPIC,
        help="Where workers tell each other of changes. The same for all of them; it begins with two underscores.",
    ),
    cfg.FloatOpt(
        "lease_ttl",
        default=10.0,
        min=1.0,
        max=HOUR_S,
        help="Seconds for which a worker that has been cut off may go on serving the lists that it has. For so long a "
        "change waits for a worker that died. The same for all workers.",
    ),
    cfg.FloatOpt(
        "ack_timeout",
        default=1.0,
        min=0.05,
        max=HOUR_S,
        help="Seconds within which a worker must acknowledge a change before it is taken for dead. At most lease_ttl.",
    ),
    cfg.IntOpt(
        "cache_topics",
        mutable=True,
        default=10_000,
        min=1,
        max=10_000_000,
        help="The most lists in memory. Those used least recently go first.",
    ),
    cfg.IntOpt(
        "cache_subscribers",
        mutable=True,
        default=5_000_000,
        min=1,
        max=1_000_000_000,
        help="The most entries of all lists in memory together. In a long list an entry takes little more than its "
        "client id: 30 bytes for an id of 20. A longer list is read from the store each time.",
    ),
]
