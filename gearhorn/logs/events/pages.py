"""Pages over HTTP: figures, health, the dashboard."""

from gearhorn.logs.event import error, info, warning

PAGE_BUG = error(
    "page.bug",
    "the page {path} ran into a bug",
    meaning="A bug in gearhorn. Who asked for the page was told so; all else goes on.",
    remedy="Report it, with the traceback.",
    comes_often=True,
)

DASHBOARD_OPEN = info(
    "dashboard.open",
    "the dashboard is at {url}",
    meaning="The worker serves the page of `[dashboard] listen`.",
)
DASHBOARD_NOT_OPEN = warning(
    "dashboard.not_open",
    "there is no dashboard: {error}",
    meaning="The address of `[dashboard] listen` cannot be used. The service itself does without.",
    remedy="Give each worker of a host a port of its own, or run one `gearhorn dashboard` for all of them.",
)
METRIC_BUG = error(
    "metric.bug",
    "the metric {metric} cannot be read",
    meaning="A bug in gearhorn. The page has all other metrics; of this one the log hears once.",
    remedy="Report it, with the traceback.",
)
PAGES_CLOSED = warning(
    "pages.closed",
    "no metrics and no health over HTTP: {error}",
    meaning="Something else has the port of `[metrics] listen`, or the address is none of this machine's. Jobs are "
    "served all the same, and the address is tried again every few seconds.",
    remedy="Give each worker of a machine a port of its own, or none: `[metrics] listen`.",
    ended_by="pages.open",
)
PAGES_OPEN = info(
    "pages.open",
    "metrics and health are at {url}/metrics, {url}/livez and {url}/readyz",
    meaning="From now on the worker can be asked over HTTP.",
)
MONITOR_BUG = error(
    "monitor.bug",
    "metrics and health ran into a bug, and are not told any more",
    meaning="A bug in gearhorn. Jobs are served all the same.",
    remedy="Report it, with the traceback, and restart the worker when that suits.",
)
STATSD_AWAY = warning(
    "statsd.away",
    "no figures go to statsd at {address}: {error}",
    meaning="The host of STATSD_HOST has no address now. It is looked up again every ten seconds.",
    remedy="See that the name is right, and that the name server answers.",
    ended_by="statsd.back",
)
STATSD_BACK = info("statsd.back", "figures go to statsd at {address} again", meaning="The trouble before is over.")
