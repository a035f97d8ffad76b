"""[reaper]: what is done about subscribers that are gone."""

from oslo_config import cfg

from gearhorn.options.bounds import DAY_S, HOUR_S, MONTH_S

OPTIONS: list[cfg.Opt] = [
    cfg.StrOpt(
        "policy",
        mutable=True,
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
        mutable=True,
        default={},
        sample_default={"logs.*": "drop", "orders": "pause"},
        help="The same for single topics, as PATTERN:POLICY. The patterns are those of a shell for files; the first "
        "that fits counts.",
    ),
    cfg.FloatOpt(
        "interval",
        mutable=True,
        default=30.0,
        min=0.1,
        max=HOUR_S,
        help="Seconds between two looks at the servers' queues. A server that takes long to list them is asked less "
        "often.",
    ),
    cfg.IntOpt(
        "max_backlog",
        mutable=True,
        default=1000,
        min=0,
        max=1_000_000_000,
        help="A queue with more copies than this, and no worker, is in trouble.",
    ),
    cfg.FloatOpt(
        "grace",
        mutable=True,
        default=300.0,
        min=0,
        max=MONTH_S,
        help="Seconds of trouble after which a subscriber is suspect.",
    ),
    cfg.FloatOpt(
        "dead_after",
        mutable=True,
        default=float(DAY_S),
        min=0,
        max=12 * MONTH_S,
        help="Seconds for which a suspect has no worker on any server, beyond grace, until it is dead.",
    ),
    cfg.StrOpt(
        "dead_letter_queue",
        mutable=True,
        default="",
        help="Gearman queue for the payloads that policy drop takes off the queues of the dead. Without it and without "
        "dead_letter_file they are deleted.",
    ),
    cfg.StrOpt(
        "dead_letter_file",
        mutable=True,
        default="",
        help="File for the same, on the host of the worker that watches: JSON lines.",
    ),
]
