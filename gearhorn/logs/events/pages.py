"""Pages over HTTP: figures, health, the dashboard."""

from gearhorn.logs.event import error

PAGE_BUG = error(
    "page.bug",
    "the page {path} ran into a bug",
    meaning="A bug in gearhorn. Who asked for the page was told so; all else goes on.",
    remedy="Report it, with the traceback.",
)
