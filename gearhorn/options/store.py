"""[store]: where the lists of subscribers are kept."""

from oslo_config import cfg

from gearhorn.options.bounds import DAY_S, HOUR_S

OPTIONS: list[cfg.Opt] = [
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
        mutable=True,
        default=30.0,
        min=0,
        max=DAY_S,
        help="Seconds for which a job waits for a store, or its copies for a Gearman server, that is away.",
    ),
]
