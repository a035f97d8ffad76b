"""Who is to be told. Without the libraries that it takes, so that settings can be judged without them."""

from dataclasses import dataclass

from gearhorn.metrics.counters import TOPICS_SHOWN
from gearhorn.net.address import Address

DEFAULT_PORT = 9473
STATSD_PORT = 8125


@dataclass(frozen=True, slots=True)
class StatsdSettings:
    """Where statsd listens, and what comes before the names of ours."""

    address: Address
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class MonitoringSettings:
    """`listen` is None where there are to be no pages; of so many topics the figures are shown one by one."""

    listen: Address | None = None
    topics_count: int = TOPICS_SHOWN
    statsd: StatsdSettings | None = None
