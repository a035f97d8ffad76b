"""[dashboard]: the web page that shows the whole system."""

from oslo_config import cfg

OPTIONS: list[cfg.Opt] = [
    cfg.StrOpt(
        "listen",
        default="",
        sample_default="127.0.0.1:9474",
        help="HOST:PORT where a worker serves the dashboard. Empty: it serves none. Whoever reaches it can read names "
        "of topics and hosts, and change nothing: see doc/dashboard.md before it is more than a loopback address. "
        "`gearhorn dashboard` serves the same page in a process of its own.",
    ),
    cfg.ListOpt(
        "hosts",
        default=[],
        sample_default=["gearhorn.example.net"],
        help="Names by which browsers reach the dashboard, besides localhost and this host's own. Asked for by another "
        "name, it refuses, since any web site could have its name point here. Addresses are always good.",
    ),
]
