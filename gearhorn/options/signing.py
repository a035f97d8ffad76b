"""[signing]: who may publish, subscribe and unsubscribe where."""

from oslo_config import cfg

from gearhorn.options.bounds import DAY_S

OPTIONS: list[cfg.Opt] = [
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
        mutable=True,
        default=[],
        sample_default=["alerts", "orders.*"],
        help="Patterns of the topics that take signed jobs only; * is every topic.",
    ),
    cfg.FloatOpt(
        "max_age",
        mutable=True,
        default=300.0,
        min=1.0,
        max=DAY_S,
        help="Seconds for which a signature counts, before and after its time: a job that waits longer than that for "
        "a worker is refused. The same for all workers.",
    ),
]
