"""Every option of the configuration: name, default, bounds, and the line of the sample. With config.py and cmd/ the
only place that knows oslo.config.

An upper bound is where a slip (milliseconds, a digit too many) is more likely than a wish.
"""

from oslo_config import cfg

from gearhorn.core.limits import Limits
from gearhorn.names import MATCHMAKING_TOPIC, OwnQueues

DEFAULT_SERVER = "localhost:4730"

HOUR_S = 3600
DAY_S = 24 * HOUR_S
MONTH_S = 31 * DAY_S

KIB = 1 << 10
MIB = 1 << 20
GIB = 1 << 30
TIB = 1 << 40

_LOG_OPTIONS: list[cfg.Opt] = [
    cfg.StrOpt(
        "log_level",
        default="info",
        choices=[
            ("debug", "everything that is said"),
            ("info", "starts and stops, changes of the lists, refused jobs"),
            ("warning", "trouble that may pass by itself"),
            ("error", "what somebody should look at"),
        ],
        ignore_case=True,
        help="The least weighty lines that are logged.",
    ),
]

_GEARMAN_OPTIONS: list[cfg.Opt] = [
    cfg.ListOpt(
        "servers",
        default=[],
        sample_default=[DEFAULT_SERVER],
        help="Gearman servers as HOST:PORT. The service works on all of them. Without any, those of the environment "
        "variable GEARMAN_SERVERS, or else localhost:4730.",
    ),
    cfg.BoolOpt("tls", default=False, help="Speak TLS to the servers."),
    cfg.StrOpt("ca_file", default="", help="PEM file of the authorities trusted; the system's without it."),
    cfg.StrOpt("cert_file", default="", help="PEM file of the certificate shown to the servers."),
    cfg.StrOpt("key_file", default="", help="PEM file of its key, if that is not in cert_file."),
    cfg.StrOpt(
        "key_password_file",
        default="",
        help="File with the password of key_file, if that is encrypted: one line. A relative name is one of systemd's "
        "credentials (LoadCredential=).",
    ),
    cfg.BoolOpt("check_hostname", default=True, help="Refuse a server whose certificate is for another host."),
    cfg.FloatOpt(
        "connect_timeout", default=10.0, min=0.1, max=HOUR_S, help="Seconds within which a server must accept."
    ),
    cfg.FloatOpt(
        "answer_timeout",
        default=30.0,
        min=1.0,
        max=HOUR_S,
        help="A server that owes an answer and is silent for so many seconds is given up and connected to anew.",
    ),
    cfg.BoolOpt(
        "persistent_queue",
        default=False,
        help="The servers keep their jobs when they are started again (gearmand --queue-type=libsqlite3, say). Each "
        "copy then has a unique key of its own, without which such a server loses all but the last in a queue. "
        "Publishers should give their fanout jobs unique keys too: one that is cut short by a restart goes on where "
        "it stopped only if it has one.",
    ),
    cfg.IntOpt("keepalive", default=15, min=1, max=HOUR_S, help="Seconds of silence after which TCP probes the peer."),
]

_WORKER_OPTIONS: list[cfg.Opt] = [
    cfg.ListOpt(
        "subscribe_queues",
        default=list(OwnQueues().subscribe),
        help="The queues whose jobs subscribe; the names mean the same.",
    ),
    cfg.StrOpt("unsubscribe_queue", default=OwnQueues().unsubscribe, help="The queue whose jobs unsubscribe."),
    cfg.StrOpt("fanout_queue", default=OwnQueues().fanout, help="The queue whose jobs are broadcast."),
    cfg.ListOpt(
        "topic_queues",
        default=[],
        sample_default=["news", "memos"],
        help="Topics with queues of their own besides, such as fanout.news, subscribe_fanout.news and "
        "unsubscribe_fanout.news, which take jobs of this topic only: so that a Gearman server that limits the names "
        "of queues by certificate can decide who may do what.",
    ),
    cfg.FloatOpt(
        "foreground_timeout",
        default=30.0,
        min=0.001,
        max=MONTH_S,
        help="Seconds for which receivers are waited for when a fanout names no timeout.",
    ),
    cfg.FloatOpt(
        "foreground_timeout_limit",
        default=3600.0,
        min=0.001,
        max=MONTH_S,
        help="The most that a fanout's timeout can ask for.",
    ),
    cfg.IntOpt(
        "jobs_in_flight",
        default=4096,
        min=1,
        max=1_000_000,
        help="The most jobs held at a time, for each server, of fanouts and of changes each. A foreground fanout is "
        "held while it waits.",
    ),
    cfg.IntOpt(
        "grabs_in_flight",
        default=64,
        min=1,
        max=4096,
        help="The most requests for a job that are under way at a time, for each server.",
    ),
    cfg.IntOpt(
        "bytes_in_flight",
        default=256 * MIB,
        min=1,
        max=TIB,
        help="The most bytes of jobs held at a time, on all servers together: what their bodies take, and 256 bytes "
        "for each receiver that a fanout waits for. Above it no more are taken until it falls, but one at the least.",
    ),
    cfg.IntOpt(
        "body_limit",
        default=128 * MIB,
        min=KIB,
        max=GIB,
        help="Bytes of a job. A larger one is refused without having been in memory.",
    ),
    cfg.IntOpt("payload_limit", default=Limits().payload_bytes, min=0, max=GIB, help="Bytes of a payload."),
    cfg.IntOpt(
        "json_depth_limit",
        default=Limits().json_depth_count,
        min=2,
        max=900,
        help="Objects and lists in each other in a job, which is the first one itself.",
    ),
    cfg.IntOpt(
        "subscribers_limit",
        default=Limits().subscribers_count,
        min=1,
        max=1_000_000_000,
        help="Subscribers of a topic. No more may subscribe then; a list that is longer is served all the same.",
    ),
    cfg.IntOpt(
        "copies_bytes_limit",
        default=Limits().copies_bytes,
        min=1,
        max=1024 * TIB,
        help="Bytes of all copies of one fanout together: of its payload, as often as there are receivers.",
    ),
    cfg.IntOpt(
        "answer_limit",
        default=Limits().answer_bytes,
        min=KIB,
        max=GIB,
        help="Bytes of what one receiver answers to a fanout with results. The rest is left out, and said to be.",
    ),
    cfg.IntOpt(
        "answers_limit",
        default=Limits().answers_bytes,
        min=KIB,
        max=TIB,
        help="Bytes of what receivers have answered and no Gearman server has taken yet, in this worker. What comes "
        "while there are more is left out in the same way.",
    ),
    cfg.StrOpt(
        "refuse_with",
        default="exception",
        choices=[("exception", "with the reason"), ("failure", "without it, and heard by everybody")],
        help="How a job ends that is refused or whose receivers failed. An exception carries the reason; but on "
        "gearmand, clients of libgearman and Perl that did not ask for exceptions wait for ever after one. A "
        "failure ends the job for everybody, and the reason is only in the WORK_WARNING before it.",
    ),
    cfg.FloatOpt(
        "drain_timeout",
        default=30.0,
        min=0,
        max=DAY_S,
        help="Seconds within which the jobs held are finished when the service stops; what is left then goes back to "
        "the Gearman server.",
    ),
]

_STORE_OPTIONS: list[cfg.Opt] = [
    cfg.StrOpt(
        "url",
        default="",
        secret=True,
        sample_default="sqlite:////var/lib/gearhorn/gearhorn.db",
        help="Where the lists of subscribers are kept: redis://, rediss://, unix://, redis+sentinel:// or "
        "rediss+sentinel:// for many hosts, memcached://HOST:PORT[,HOST:PORT...] where memcached is all there is, "
        "sqlite:///PATH for one host, "
        "memory:// for a try. Without it, a file gearhorn.db in systemd's StateDirectory or the user's state folder.",
    ),
    cfg.StrOpt("username", default="", help="Who to be for Redis, if the URL does not say it."),
    cfg.StrOpt(
        "password_file",
        default="",
        help="File with the password for Redis, one line, instead of a password in the URL. A relative name is one of "
        "systemd's credentials (LoadCredential=).",
    ),
    cfg.StrOpt(
        "sentinel_password_file",
        default="",
        help="The same for the sentinels, instead of sentinel_password in the URL.",
    ),
    cfg.StrOpt("prefix", default="gearhorn", help="What all keys in Redis and memcached begin with."),
    cfg.FloatOpt(
        "timeout", default=5.0, min=0.01, max=HOUR_S, help="Seconds within which the store must answer a call."
    ),
    cfg.FloatOpt(
        "retry_timeout",
        default=30.0,
        min=0,
        max=DAY_S,
        help="Seconds for which a job waits for a store, or its copies for a Gearman server, that is away.",
    ),
]

_MATCHMAKING_OPTIONS: list[cfg.Opt] = [
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
        default=10_000,
        min=1,
        max=10_000_000,
        help="The most lists in memory. Those used least recently go first.",
    ),
    cfg.IntOpt(
        "cache_subscribers",
        default=5_000_000,
        min=1,
        max=1_000_000_000,
        help="The most entries of all lists in memory together. In a long list an entry takes little more than its "
        "client id: 30 bytes for an id of 20. A longer list is read from the store each time.",
    ),
]

_SIGNING_OPTIONS: list[cfg.Opt] = [
    cfg.StrOpt(
        "keys_file",
        default="",
        sample_default="/etc/gearhorn/keys.toml",
        help="TOML file with the keys that jobs may be signed with, and what each may do; see doc/signing.md. A name "
        "without a slash is looked for among systemd's credentials first. Only the owner and group may be able to "
        "read it. What is changed in it counts a second later, at the next signed job.",
    ),
    cfg.ListOpt(
        "required_topics",
        default=[],
        sample_default=["alerts", "orders.*"],
        help="Patterns of the topics that take signed jobs only; * is every topic.",
    ),
    cfg.FloatOpt(
        "max_age",
        default=300.0,
        min=1.0,
        max=DAY_S,
        help="Seconds for which a signature counts, before and after its time: a job that waits longer than that for "
        "a worker is refused. The same for all workers.",
    ),
]

_REAPER_OPTIONS: list[cfg.Opt] = [
    cfg.StrOpt(
        "policy",
        default="report",
        choices=[
            ("report", "say so, in the log and in `gearhorn subscribers`"),
            ("pause", "send a suspect no more copies until its queue is served again or worked off"),
            ("drop", "unsubscribe the dead and empty their queues"),
            ("off", "nothing"),
        ],
        help="What is done about subscribers whose queues nobody serves while they grow. The options of this section "
        "are to be the same for all workers: one of them watches for all.",
    ),
    cfg.DictOpt(
        "policies",
        default={},
        sample_default={"logs.*": "drop", "orders": "pause"},
        help="The same for single topics, as PATTERN:POLICY. The patterns are those of a shell for files; the first "
        "that fits counts.",
    ),
    cfg.FloatOpt(
        "interval",
        default=30.0,
        min=0.1,
        max=HOUR_S,
        help="Seconds between two looks at the servers' queues. A server that takes long to list them is asked less "
        "often.",
    ),
    cfg.IntOpt(
        "max_backlog",
        default=1000,
        min=0,
        max=1_000_000_000,
        help="A queue with more copies than this, and no worker, is in trouble.",
    ),
    cfg.FloatOpt(
        "grace", default=300.0, min=0, max=MONTH_S, help="Seconds of trouble after which a subscriber is suspect."
    ),
    cfg.FloatOpt(
        "dead_after",
        default=float(DAY_S),
        min=0,
        max=12 * MONTH_S,
        help="Seconds for which a suspect has no worker on any server, beyond grace, until it is dead.",
    ),
    cfg.StrOpt(
        "dead_letter_queue",
        default="",
        help="Gearman queue for the payloads that policy drop takes off the queues of the dead. Without it and without "
        "dead_letter_file they are deleted.",
    ),
    cfg.StrOpt(
        "dead_letter_file", default="", help="File for the same, on the host of the worker that watches: JSON lines."
    ),
]

# oslo.config's name for the group [DEFAULT] is None.
GROUPS: dict[str | None, list[cfg.Opt]] = {
    None: _LOG_OPTIONS,
    "gearman": _GEARMAN_OPTIONS,
    "worker": _WORKER_OPTIONS,
    "store": _STORE_OPTIONS,
    "matchmaking": _MATCHMAKING_OPTIONS,
    "signing": _SIGNING_OPTIONS,
    "reaper": _REAPER_OPTIONS,
}


def list_opts() -> list[tuple[str | None, list[cfg.Opt]]]:
    """Every option by group, for oslo-config-generator."""
    return list(GROUPS.items())
