"""[metrics] and [dashboard]: where the service tells how it is."""

from gearhorn.config.source import Source
from gearhorn.errors import Misconfigured
from gearhorn.monitoring import settings as monitoring
from gearhorn.monitoring.settings import MonitoringSettings, StatsdSettings
from gearhorn.net.address import Address, parse_listen
from gearhorn.web.dashboard.settings import DEFAULT_PORT, DashboardSettings


def monitoring_settings(source: Source) -> MonitoringSettings:
    options = source.conf.metrics
    try:
        listen = parse_listen(options.listen, monitoring.DEFAULT_PORT) if options.listen else None
    except Misconfigured as error:
        raise Misconfigured(f"[metrics] listen: {error}") from None
    return MonitoringSettings(listen, options.topics, _statsd_settings(source))


def _statsd_settings(source: Source) -> StatsdSettings | None:
    """From the variables that geard reads."""
    host = source.environ.get("STATSD_HOST", "")
    if not host:
        return None
    port = source.environ.get("STATSD_PORT", "") or str(monitoring.STATSD_PORT)
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise Misconfigured(f"the variable STATSD_PORT is {port!r}, and no port")
    return StatsdSettings(Address(host, int(port)), source.environ.get("STATSD_PREFIX", ""))


def dashboard_settings(source: Source) -> DashboardSettings:
    options = source.conf.dashboard
    try:
        listen = parse_listen(options.listen, DEFAULT_PORT) if options.listen else None
    except Misconfigured as error:
        raise Misconfigured(f"[dashboard] listen: {error}") from None
    return DashboardSettings(listen, tuple(options.hosts))
