"""[metrics]: figures and health over HTTP."""

from oslo_config import cfg

from gearhorn.metrics.counters import TOPICS_SHOWN

OPTIONS: list[cfg.Opt] = [
    cfg.StrOpt(
        "listen",
        default="127.0.0.1:9473",
        help="HOST:PORT where a worker tells how it is: /metrics for Prometheus, /livez and /readyz for whoever "
        "restarts it. Empty: nowhere. Each worker of a host needs a port of its own. Whoever reaches it can read names "
        "of topics, and change nothing. Figures go to statsd, too, when the variable STATSD_HOST names one.",
    ),
    cfg.IntOpt(
        "topics",
        default=TOPICS_SHOWN,
        min=0,
        max=100_000,
        help="Of so many topics the figures are shown one by one, the first that copies are sent to. Those of all "
        "others are added up under the name `other`.",
    ),
]
