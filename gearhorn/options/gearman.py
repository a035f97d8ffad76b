"""[gearman]: the servers, and how to reach them."""

from oslo_config import cfg

from gearhorn.options.bounds import HOUR_S

DEFAULT_SERVER = "localhost:4730"

OPTIONS: list[cfg.Opt] = [
    cfg.ListOpt(
        "servers",
        default=[],
        sample_default=[DEFAULT_SERVER],
        help="Gearman servers as HOST:PORT. The service works on all of them. Without any, those of the environment "
        "variable GEARMAN_SERVERS, or else localhost:4730.",
    ),
    cfg.BoolOpt("tls", default=False, help="Speak TLS to the servers."),
    cfg.StrOpt(
        "ca_file", mutable=True, default="", help="PEM file of the authorities trusted; the system's without it."
    ),
    cfg.StrOpt("cert_file", mutable=True, default="", help="PEM file of the certificate shown to the servers."),
    cfg.StrOpt("key_file", mutable=True, default="", help="PEM file of its key, if that is not in cert_file."),
    cfg.StrOpt(
        "key_password_file",
        mutable=True,
        default="",
        help="File with the password of key_file, if that is encrypted: one line. A relative name is one of systemd's "
        "credentials (LoadCredential=).",
    ),
    cfg.BoolOpt(
        "check_hostname", mutable=True, default=True, help="Refuse a server whose certificate is for another host."
    ),
    cfg.FloatOpt(
        "connect_timeout",
        mutable=True,
        default=10.0,
        min=0.1,
        max=HOUR_S,
        help="Seconds within which a server must accept.",
    ),
    cfg.FloatOpt(
        "answer_timeout",
        mutable=True,
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
    cfg.IntOpt(
        "keepalive",
        mutable=True,
        default=15,
        min=1,
        max=HOUR_S,
        help="Seconds of silence after which TCP probes the peer.",
    ),
]
