"""Makes settings of the configuration: small frozen dataclasses, each beside the code that reads it.

The options themselves, and how they are read, are in options/.
"""

import os
import re
import socket
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

from oslo_config import cfg

from gearhorn.core.health import HealthLimits
from gearhorn.core.limits import Limits
from gearhorn.core.matchmaking import MatchmakingLimits
from gearhorn.credentials import CREDENTIALS_VARIABLE, find_file, read_secret, warn_of_readers
from gearhorn.daemon import DaemonSettings
from gearhorn.errors import BadRequest, Misconfigured
from gearhorn.handlers import HandlerSettings
from gearhorn.logs.setting_up import LogSettings
from gearhorn.matchmaker import MatchmakingSettings
from gearhorn.monitoring import settings as monitoring
from gearhorn.monitoring.settings import MonitoringSettings, StatsdSettings
from gearhorn.names import QUEUE_NAME_LIMIT_BYTES, RESERVED_PREFIX, OwnQueues, check_pair, check_topic
from gearhorn.net.address import Address, parse_addresses, parse_listen
from gearhorn.net.connection import LinkSettings
from gearhorn.net.tls import TlsSettings, client_context, mark_of
from gearhorn.net.worker_link import WorkerSettings
from gearhorn.options.changes import Change, find_changes
from gearhorn.options.gearman import DEFAULT_SERVER
from gearhorn.options.reading import read_options, written
from gearhorn.overview.observer import TOPICS_LIMIT, ObserverSettings
from gearhorn.patience import PatienceSettings
from gearhorn.resuming.ledger import ResumingSettings
from gearhorn.signing.guard import SigningSettings
from gearhorn.store.opening import StoreSettings
from gearhorn.store.urls import add_login, holds_secret, without_secrets
from gearhorn.subscribers.policies import POLICIES, ReaperSettings
from gearhorn.web.dashboard.settings import DEFAULT_PORT, DashboardSettings

TLS_FILES = ("ca_file", "cert_file", "key_file", "key_password_file")

PASSWORD_FILES = ("password_file", "sentinel_password_file")
LOGIN_OPTIONS = ("username", *PASSWORD_FILES)

# gearmand closes the connection of a client with a longer one.
CLIENT_ID_LIMIT_BYTES = 127


class Config:
    """The options as read from files, with what the command line says on top."""

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
        self._environ = environ
        self._conf = read_options(file_arguments, self._overrides)

    def read_again(self) -> "Config":
        """As the files are now. The same overrides beat them. Raises Misconfigured."""
        return Config(self._file_arguments, self._overrides, self._environ)

    def changes_from(self, earlier: "Config") -> list[Change]:
        return find_changes(earlier._conf, self._conf)

    def take_back(self, changes: Iterable[Change]) -> None:
        """These options are again as they were."""
        for change in changes:
            self._conf.set_override(change.option, change.old, group=change.group)

    def log_settings(self) -> LogSettings:
        return LogSettings(self._conf.log_level, self._conf.log_format, self.worker_id())

    def servers(self) -> tuple[Address, ...]:
        """The configuration's servers, else those of GEARMAN_SERVERS, which libgearman reads too."""
        texts = self._conf.gearman.servers or [self._environ.get("GEARMAN_SERVERS", "")]
        return tuple(parse_addresses(texts) or parse_addresses([DEFAULT_SERVER]))

    def link_settings(self) -> LinkSettings:
        gearman = self._conf.gearman
        if not gearman.tls and any(gearman[name] for name in TLS_FILES):
            raise Misconfigured("[gearman] names TLS files but tls is not on")
        tls = self.tls_settings() if gearman.tls else None
        return LinkSettings(
            connect_timeout_s=gearman.connect_timeout,
            answer_timeout_s=gearman.answer_timeout,
            keepalive_s=gearman.keepalive,
            tls=client_context(tls) if tls else None,
            tls_mark=mark_of(tls) if tls else "",
        )

    def tls_settings(self) -> TlsSettings:
        """What is to be used if TLS is on."""
        gearman = self._conf.gearman
        ca_file, cert_file, key_file = (self._find_tls_file(gearman[name]) for name in TLS_FILES[:3])
        password = self._read_secret("gearman", "key_password_file")
        if key := key_file or cert_file:
            warn_of_readers("[gearman] key_file", Path(key))
        return TlsSettings(ca_file, cert_file, key_file, gearman.check_hostname, password)

    def _find_tls_file(self, name: str) -> str:
        """A relative name may be that of one of systemd's credentials."""
        folder = self._environ.get(CREDENTIALS_VARIABLE, "")
        credential = Path(folder, name)
        return str(credential) if folder and name and credential.exists() else name

    def _read_secret(self, group: str, option: str) -> str:
        """Empty if the option is."""
        name = self._conf[group][option]
        return read_secret(f"[{group}] {option}", name, self._environ) if name else ""

    def own_queues(self) -> OwnQueues:
        worker = self._conf.worker
        topics = tuple(dict.fromkeys(worker.topic_queues))
        queues = OwnQueues(tuple(worker.subscribe_queues), worker.unsubscribe_queue, worker.fanout_queue, topics)
        for topic in topics:
            self._judge_topic(topic)
        names = [name for each in (queues, *map(queues.of_topic, topics)) for name in each.all()]
        if not queues.subscribe:
            raise Misconfigured("[worker] subscribe_queues names no queue")
        for name, count in Counter(names).items():
            _judge_queue(name)
            if count > 1:
                raise Misconfigured(f"[worker] each queue needs a name of its own: two are called {name!r}")
        return queues

    def _judge_topic(self, topic: str) -> None:
        try:
            check_topic(topic, self._conf.matchmaking.topic)
        except BadRequest as error:
            raise Misconfigured(f"[worker] topic_queues: a topic {error.reason}") from None

    def store_settings(self) -> StoreSettings:
        """With the passwords in the URL, wherever they come from."""
        store = self._conf.store
        url = store.url or self._default_store_url()
        if holds_secret(url):
            self._warn_of_readers("url", "store")
        passwords = [self._read_secret("store", option) for option in PASSWORD_FILES]
        return StoreSettings(add_login(url, store.username, *passwords), store.prefix, store.timeout)

    def _warn_of_readers(self, option: str, group: str) -> None:
        if path := self._file_that_says(option, group):
            warn_of_readers(written(group, option), path)

    def _file_that_says(self, option: str, group: str) -> Path | None:
        where = self._conf.get_location(option, group)
        return Path(where.detail) if where is not None and where.location is cfg.Locations.user else None

    def secret_files(self) -> Iterator[tuple[str, Path]]:
        """Every file with a secret in it, and the option that names it."""
        if holds_secret(self._conf.store.url or "") and (path := self._file_that_says("url", "store")):
            yield written("store", "url"), path
        for group, option in (*(("store", name) for name in PASSWORD_FILES), ("gearman", "key_password_file")):
            if name := self._conf[group][option]:
                yield written(group, option), find_file(written(group, option), name, self._environ)
        if key := self._find_tls_file(self._conf.gearman.key_file or self._conf.gearman.cert_file):
            yield written("gearman", "key_file"), Path(key)
        if name := self._conf.signing.keys_file:
            yield written("signing", "keys_file"), find_file(written("signing", "keys_file"), name, self._environ)

    def daemon_settings(self) -> DaemonSettings:
        worker = self._conf.worker
        return DaemonSettings(
            servers=self.servers(),
            link=self.link_settings(),
            worker=WorkerSettings(
                self._client_id(),
                worker.grabs_in_flight,
                worker.jobs_in_flight,
                sends_exceptions=worker.refuse_with == "exception",
                body_limit_bytes=worker.body_limit,
            ),
            handlers=HandlerSettings(
                self.own_queues(),
                worker.foreground_timeout,
                worker.foreground_timeout_limit,
                self._conf.matchmaking.topic,
                self._limits(),
            ),
            resuming=ResumingSettings(self.worker_id(), self._conf.gearman.persistent_queue),
            patience=PatienceSettings(retry_timeout_s=self._conf.store.retry_timeout),
            matchmaking=self.matchmaking_settings(),
            signing=self.signing_settings(),
            reaper=self.reaper_settings(),
            bytes_in_flight=worker.bytes_in_flight,
            drain_timeout_s=worker.drain_timeout,
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

    def monitoring_settings(self) -> MonitoringSettings:
        options = self._conf.metrics
        try:
            listen = parse_listen(options.listen, monitoring.DEFAULT_PORT) if options.listen else None
        except Misconfigured as error:
            raise Misconfigured(f"[metrics] listen: {error}") from None
        return MonitoringSettings(listen, options.topics, self._statsd_settings())

    def _statsd_settings(self) -> StatsdSettings | None:
        """From the variables that geard reads."""
        host = self._environ.get("STATSD_HOST", "")
        if not host:
            return None
        port = self._environ.get("STATSD_PORT", "") or str(monitoring.STATSD_PORT)
        if not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
            raise Misconfigured(f"the variable STATSD_PORT is {port!r}, and no port")
        return StatsdSettings(Address(host, int(port)), self._environ.get("STATSD_PREFIX", ""))

    def dashboard_settings(self) -> DashboardSettings:
        options = self._conf.dashboard
        try:
            listen = parse_listen(options.listen, DEFAULT_PORT) if options.listen else None
        except Misconfigured as error:
            raise Misconfigured(f"[dashboard] listen: {error}") from None
        return DashboardSettings(listen, tuple(options.hosts))

    def _limits(self) -> Limits:
        worker = self._conf.worker
        return Limits(
            payload_bytes=worker.payload_limit,
            json_depth_count=worker.json_depth_limit,
            subscribers_count=worker.subscribers_limit,
            copies_bytes=worker.copies_bytes_limit,
            answer_bytes=worker.answer_limit,
            answers_bytes=worker.answers_limit,
        )

    def signing_settings(self) -> SigningSettings:
        options = self._conf.signing
        return SigningSettings(
            options.keys_file,
            tuple(options.required_topics),
            options.max_age,
            self._environ.get("CREDENTIALS_DIRECTORY", ""),
            self._conf.gearman.persistent_queue,
        )

    def reaper_settings(self) -> ReaperSettings:
        options = self._conf.reaper
        for pattern, policy in options.policies.items():
            if policy not in POLICIES:
                raise Misconfigured(f"[reaper] policies: {policy!r}, for {pattern!r}, is none of {', '.join(POLICIES)}")
        if options.dead_letter_queue and options.dead_letter_file:
            raise Misconfigured("[reaper] names a dead_letter_queue and a dead_letter_file: one of them is enough")
        if options.dead_letter_queue:
            self._judge_dead_letter_queue(options.dead_letter_queue)
        return ReaperSettings(
            options.policy,
            tuple(options.policies.items()),
            options.interval,
            HealthLimits(options.max_backlog, options.grace, options.dead_after),
            options.dead_letter_queue,
            options.dead_letter_file,
        )

    def _judge_dead_letter_queue(self, name: str) -> None:
        _judge_queue(name, "[reaper] dead_letter_queue")
        if name in self.own_queues().all():
            raise Misconfigured(f"[reaper] dead_letter_queue: {name!r} is a queue of the service")

    def matchmaking_settings(self) -> MatchmakingSettings:
        options = self._conf.matchmaking
        if not options.topic.startswith(RESERVED_PREFIX):
            raise Misconfigured(f"[matchmaking] topic: {options.topic!r} does not begin with {RESERVED_PREFIX!r}")
        if options.ack_timeout > options.lease_ttl:
            raise Misconfigured("[matchmaking] ack_timeout is longer than lease_ttl: a lease would run out before")
        try:
            check_topic(options.topic, options.topic)
            check_pair(options.topic, self.worker_id(), (), options.topic)
        except BadRequest as error:
            option = "worker_id" if error.key == "client_id" else "topic"
            raise Misconfigured(f"[matchmaking] {option} {error.reason}") from None
        return MatchmakingSettings(
            self.worker_id(),
            options.topic,
            options.enabled,
            options.ack_timeout,
            MatchmakingLimits(options.lease_ttl, options.cache_topics, options.cache_subscribers),
        )

    def worker_id(self) -> str:
        """Host name, and the instance of a systemd template: the same after each start."""
        if self._conf.matchmaking.worker_id:
            return str(self._conf.matchmaking.worker_id)
        instance = self._environ.get("GEARHORN_INSTANCE", "")
        name = "_".join(part for part in (socket.gethostname(), instance) if part)
        return "".join(character if character.isprintable() else "-" for character in name)

    def _client_id(self) -> str:
        """How the admin command `workers` shows this worker."""
        name = f"gearhorn_{self.worker_id()}"
        shown = re.sub(r"[^!-~]", "-", name)  # a space would break a line of that command
        return shown[:CLIENT_ID_LIMIT_BYTES]

    def _default_store_url(self) -> str:
        folder = self._environ.get("STATE_DIRECTORY", "").partition(":")[0]
        if not folder:
            state = self._environ.get("XDG_STATE_HOME") or str(Path.home() / ".local/state")
            folder = str(Path(state) / "gearhorn")
        return f"sqlite:///{quote(folder)}/gearhorn.db"


def _judge_queue(name: str, option: str = "[worker]") -> None:
    """Spaces and control characters would break lines of the admin protocol."""
    if not name or not name.isprintable() or " " in name:
        raise Misconfigured(
            f"{option} {name!r} is no name for a queue: it is empty or has a space or control character"
        )
    if len(name.encode()) > QUEUE_NAME_LIMIT_BYTES:
        raise Misconfigured(
            f"{option} {name!r} is no name for a queue: it has more than {QUEUE_NAME_LIMIT_BYTES} bytes"
        )
