"""The dashboard beside a worker, in its loop: [dashboard] listen."""

from gearhorn.errors import Misconfigured
from gearhorn.logs.event import log_for
from gearhorn.logs.events.pages import DASHBOARD_NOT_OPEN, DASHBOARD_OPEN
from gearhorn.overview.observer import Observer, ObserverSettings
from gearhorn.overview.source import already_open
from gearhorn.store.base import Store
from gearhorn.web.dashboard.settings import DashboardSettings

log = log_for(__name__)


async def serve_dashboard_beside(settings: DashboardSettings, observer: ObserverSettings, store: Store) -> None:
    """Until cancelled; without an address it returns at once. One that cannot be used is no reason for the service to
    end. `store` is the service's own, which opens and closes it.
    """
    if settings.listen is None:
        return
    # Not before it is wanted: the libraries take 0.3 s to import.
    from gearhorn.web.dashboard.serving import serve_dashboard

    try:
        await serve_dashboard(
            settings, Observer(observer, already_open(store)), lambda url: log.say(DASHBOARD_OPEN, url=url)
        )
    except Misconfigured as error:
        log.say(DASHBOARD_NOT_OPEN, error=error)
