"""Pages over HTTP: figures, health, the dashboard."""

from gearhorn.logs.event import error, info, warning

PAGE_BUG = error(
    "page.bug",
    "the page {path} ran into a bug",
    meaning="A bug in gearhorn. Who asked for the page was told so; all else goes on.",
    remedy="Report it, with the traceback.",
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
