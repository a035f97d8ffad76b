"""Everything that the service needs to know."""

from dataclasses import dataclass, field

from gearhorn.core.limits import MIB
from gearhorn.handlers import HandlerSettings
from gearhorn.matchmaking.matchmaker import MatchmakingSettings
from gearhorn.monitoring.settings import MonitoringSettings
from gearhorn.net.address import Address
from gearhorn.net.connection import LinkSettings
from gearhorn.net.worker_link import WorkerSettings
from gearhorn.patience import PatienceSettings
from gearhorn.resuming.ledger import ResumingSettings
from gearhorn.signing.guard import SigningSettings
from gearhorn.subscribers.policies import ReaperSettings


@dataclass(frozen=True, slots=True)
class DaemonSettings:
    """By who needs it."""

    servers: tuple[Address, ...] = (Address("localhost", 4730),)
    link: LinkSettings = field(default_factory=LinkSettings)
    worker: WorkerSettings = field(default_factory=WorkerSettings)
    handlers: HandlerSettings = field(default_factory=HandlerSettings)
    resuming: ResumingSettings = field(default_factory=ResumingSettings)
    patience: PatienceSettings = field(default_factory=PatienceSettings)
    matchmaking: MatchmakingSettings = field(default_factory=MatchmakingSettings)
    signing: SigningSettings = field(default_factory=SigningSettings)
    # Of the jobs held on all servers together, which see net/backpressure.py.
    bytes_in_flight: int = 256 * MIB
    reaper: ReaperSettings = field(default_factory=ReaperSettings)
    drain_timeout_s: float = 30.0
    monitoring: MonitoringSettings = field(default_factory=MonitoringSettings)
