"""Makes settings of the configuration: small frozen dataclasses, each beside the code that reads it.

The options themselves, and how they are read, are in options/. Here a module goes with a section.
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from gearhorn.config.gearman import link_settings, servers, tls_settings
from gearhorn.config.matchmaking import matchmaking_settings, signing_settings
from gearhorn.config.pages import dashboard_settings, monitoring_settings
from gearhorn.config.reaper import reaper_settings
from gearhorn.config.source import Source
from gearhorn.config.store import store_settings
from gearhorn.config.worker import handler_settings, own_queues, worker_id, worker_settings
from gearhorn.daemon.settings import DaemonSettings
from gearhorn.logs.setting_up import LogSettings
from gearhorn.matchmaking.matchmaker import MatchmakingSettings
from gearhorn.monitoring.settings import MonitoringSettings
from gearhorn.names import OwnQueues
from gearhorn.net.address import Address
from gearhorn.net.connection import LinkSettings
from gearhorn.net.tls import TlsSettings
from gearhorn.options.changes import Change, find_changes
from gearhorn.options.reading import read_options
from gearhorn.overview.observer import TOPICS_LIMIT, ObserverSettings
from gearhorn.patience import PatienceSettings
from gearhorn.resuming.ledger import ResumingSettings
from gearhorn.signing.guard import SigningSettings
from gearhorn.store.opening import StoreSettings
from gearhorn.store.urls import without_secrets
from gearhorn.subscribers.policies import ReaperSettings
from gearhorn.web.dashboard.settings import DashboardSettings


class Config:
    """The options as read from files, with what the command line says on top. What makes settings raises
    Misconfigured.
    """

    def __init__(
        self,
        file_arguments: Sequence[str] = (),
        overrides: Mapping[tuple[str | None, str], object] | None = None,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        """`file_arguments` are --config-file and --config-dir with their values; without any, oslo.config's usual
        places are read. `overrides` maps (group, option) to a value, None being [DEFAULT]. Raises Misconfigured.
        """
        self._file_arguments = file_arguments
        self._overrides = overrides or {}
        self._source = Source(read_options(file_arguments, self._overrides), environ)

    def read_again(self) -> "Config":
        """As the files are now. The same overrides beat them. Raises Misconfigured."""
        return Config(self._file_arguments, self._overrides, self._source.environ)

    def changes_from(self, earlier: "Config") -> list[Change]:
        return find_changes(earlier._source.conf, self._source.conf)

    def take_back(self, changes: Iterable[Change]) -> None:
        """These options are again as they were."""
        for change in changes:
            self._source.conf.set_override(change.option, change.old, group=change.group)

    def secret_files(self) -> Iterator[tuple[str, Path]]:
        """Every file with a secret in it, and the option that names it."""
        return self._source.secret_files()

    def log_settings(self) -> LogSettings:
        conf = self._source.conf
        return LogSettings(conf.log_level, conf.log_format, self.worker_id())

    def servers(self) -> tuple[Address, ...]:
        return servers(self._source)

    def link_settings(self) -> LinkSettings:
        return link_settings(self._source)

    def tls_settings(self) -> TlsSettings:
        return tls_settings(self._source)

    def own_queues(self) -> OwnQueues:
        return own_queues(self._source)

    def worker_id(self) -> str:
        return worker_id(self._source)

    def store_settings(self) -> StoreSettings:
        return store_settings(self._source)

    def matchmaking_settings(self) -> MatchmakingSettings:
        return matchmaking_settings(self._source)

    def signing_settings(self) -> SigningSettings:
        return signing_settings(self._source)

    def reaper_settings(self) -> ReaperSettings:
        return reaper_settings(self._source)

    def monitoring_settings(self) -> MonitoringSettings:
        return monitoring_settings(self._source)

    def dashboard_settings(self) -> DashboardSettings:
        return dashboard_settings(self._source)

    def daemon_settings(self) -> DaemonSettings:
        conf = self._source.conf
        return DaemonSettings(
            servers=self.servers(),
            link=self.link_settings(),
            worker=worker_settings(self._source),
            handlers=handler_settings(self._source),
            resuming=ResumingSettings(self.worker_id(), conf.gearman.persistent_queue),
            patience=PatienceSettings(retry_timeout_s=conf.store.retry_timeout),
            matchmaking=self.matchmaking_settings(),
            signing=self.signing_settings(),
            reaper=self.reaper_settings(),
            bytes_in_flight=conf.worker.bytes_in_flight,
            drain_timeout_s=conf.worker.drain_timeout,
            monitoring=self.monitoring_settings(),
        )

    def observer_settings(self, topics_limit: int = TOPICS_LIMIT) -> ObserverSettings:
        url = self.store_settings().url
        return ObserverSettings(
            servers=self.servers(),
            link=self.link_settings(),
            queues=self.own_queues(),
            matchmaking_topic=self.matchmaking_settings().topic,
            store_kind=url.partition("://")[0],
            store_url=without_secrets(url),
            topics_limit=topics_limit,
        )
