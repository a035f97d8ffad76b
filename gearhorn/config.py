"""All options, and the settings made of them. With cmd/, the only place that knows oslo.config.

Everyone else gets a small frozen dataclass that lives beside its reader.
"""

import os
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path

from oslo_config import cfg

from gearhorn.daemon import DaemonSettings
from gearhorn.directory import DirectorySettings
from gearhorn.errors import Misconfigured
from gearhorn.handlers import HandlerSettings
from gearhorn.logs import LEVELS, LogSettings
from gearhorn.names import OwnQueues
from gearhorn.net.address import Address, parse_addresses
from gearhorn.net.connection import LinkSettings
from gearhorn.net.tls import TlsSettings, client_context
from gearhorn.net.worker_link import WorkerSettings
from gearhorn.store.opening import StoreSettings

DEFAULT_SERVER = "localhost:4730"

_LOG_OPTIONS: list[cfg.Opt] = [
    cfg.StrOpt("log_level", default="info", choices=LEVELS, help="The least weighty lines that are logged."),
]

_GEARMAN_OPTIONS: list[cfg.Opt] = [
    cfg.ListOpt(
        "servers",
        default=[],
        sample_default=[DEFAULT_SERVER],
        help="Gearman servers as HOST:PORT. The service works on all of them. Without any, those of the environment "
        "variable GEARMAN_SERVERS, or else localhost:4730.",
    ),
    cfg.BoolOpt("tls", default=False, help="Speak TLS to the servers."),
    cfg.StrOpt("ca_file", default="", help="PEM file of the authorities trusted; the system's without it."),
    cfg.StrOpt("cert_file", default="", help="PEM file of the certificate shown to the servers."),
    cfg.StrOpt("key_file", default="", help="PEM file of its key, if that is not in cert_file."),
    cfg.BoolOpt("check_hostname", default=True, help="Refuse a server whose certificate is for another host."),
    cfg.FloatOpt("connect_timeout", default=10.0, min=0.1, help="Seconds within which a server must accept."),
    cfg.FloatOpt(
        "answer_timeout",
        default=30.0,
        min=1.0,
        help="A server that owes an answer and is silent for so many seconds is given up and connected to anew.",
    ),
    cfg.IntOpt("keepalive", default=15, min=1, max=3600, help="Seconds of silence after which TCP probes the peer."),
]

_WORKER_OPTIONS: list[cfg.Opt] = [
    cfg.ListOpt(
        "subscribe_queues",
        default=list(OwnQueues().subscribe),
        help="The queues whose jobs subscribe; the names mean the same.",
    ),
    cfg.StrOpt("unsubscribe_queue", default=OwnQueues().unsubscribe, help="The queue whose jobs unsubscribe."),
    cfg.StrOpt("fanout_queue", default=OwnQueues().fanout, help="The queue whose jobs are broadcast."),
    cfg.FloatOpt(
        "foreground_timeout",
        default=30.0,
        min=0.001,
        help="Seconds for which receivers are waited for when a fanout names no timeout.",
    ),
    cfg.FloatOpt(
        "foreground_timeout_limit", default=3600.0, min=0.001, help="The most that a fanout's timeout can ask for."
    ),
    cfg.IntOpt(
        "jobs_in_flight",
        default=4096,
        min=1,
        help="The most jobs held at a time, for each server. A foreground fanout is held while it waits.",
    ),
    cfg.IntOpt(
        "grabs_in_flight",
        default=64,
        min=1,
        max=4096,
        help="The most requests for a job that are under way at a time, for each server.",
    ),
    cfg.FloatOpt(
        "drain_timeout",
        default=30.0,
        min=0,
        help="Seconds within which the jobs held are finished when the service stops; what is left then goes back to "
        "the Gearman server.",
    ),
]

_STORE_OPTIONS: list[cfg.Opt] = [
    cfg.StrOpt(
        "url",
        default="",
        secret=True,
        sample_default="sqlite:////var/lib/gearhorn/gearhorn.db",
        help="Where the lists of subscribers are kept: redis://, rediss://, unix:// or redis+sentinel:// for many "
        "hosts, memcached://HOST:PORT[,HOST:PORT...] where memcached is all there is, sqlite:///PATH for one host, "
        "memory:// for a try. Without it, a file gearhorn.db in systemd's StateDirectory or the user's state folder.",
    ),
    cfg.StrOpt("prefix", default="gearhorn", help="What all keys in Redis and memcached begin with."),
    cfg.FloatOpt("timeout", default=5.0, min=0.01, help="Seconds within which the store must answer a call."),
    cfg.FloatOpt(
        "retry_timeout",
        default=30.0,
        min=0,
        help="Seconds for which a job waits for a store, or its copies for a Gearman server, that is away.",
    ),
]

# oslo.config's name for the group [DEFAULT] is None.
_GROUPS: dict[str | None, list[cfg.Opt]] = {
    None: _LOG_OPTIONS,
    "gearman": _GEARMAN_OPTIONS,
    "worker": _WORKER_OPTIONS,
    "store": _STORE_OPTIONS,
}


def list_opts() -> list[tuple[str | None, list[cfg.Opt]]]:
    """Every option by group, for oslo-config-generator."""
    return list(_GROUPS.items())


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
        self._environ = environ
        self._conf = cfg.ConfigOpts()
        for group, options in _GROUPS.items():
            self._conf.register_opts(options, group=group)
        try:
            self._conf(list(file_arguments), project="gearhorn")
            for (group, option), value in (overrides or {}).items():
                self._conf.set_override(option, value, group=group)
            self._read_everything()
        except (cfg.Error, ValueError) as error:
            raise Misconfigured(" ".join(str(error).split())) from None

    def log_settings(self) -> LogSettings:
        return LogSettings(level=self._conf.log_level)

    def servers(self) -> tuple[Address, ...]:
        """The configuration's servers, else those of GEARMAN_SERVERS, which libgearman reads too."""
        texts = self._conf.gearman.servers or [self._environ.get("GEARMAN_SERVERS", "")]
        return tuple(parse_addresses(texts) or parse_addresses([DEFAULT_SERVER]))

    def link_settings(self) -> LinkSettings:
        gearman = self._conf.gearman
        tls = TlsSettings(gearman.ca_file, gearman.cert_file, gearman.key_file, gearman.check_hostname)
        if not gearman.tls and tls != TlsSettings(check_hostname=gearman.check_hostname):
            raise Misconfigured("[gearman] names TLS files but tls is not on")
        return LinkSettings(
            connect_timeout_s=gearman.connect_timeout,
            answer_timeout_s=gearman.answer_timeout,
            keepalive_s=gearman.keepalive,
            tls=client_context(tls) if gearman.tls else None,
        )

    def own_queues(self) -> OwnQueues:
        worker = self._conf.worker
        queues = OwnQueues(tuple(worker.subscribe_queues), worker.unsubscribe_queue, worker.fanout_queue)
        names = queues.all()
        if len(set(names)) < len(names) or not all(names) or not queues.subscribe:
            raise Misconfigured(f"[worker] the queues need names of their own, not {', '.join(map(repr, names))}")
        return queues

    def store_settings(self) -> StoreSettings:
        store = self._conf.store
        return StoreSettings(store.url or self._default_store_url(), store.prefix, store.timeout)

    def daemon_settings(self) -> DaemonSettings:
        worker = self._conf.worker
        return DaemonSettings(
            servers=self.servers(),
            link=self.link_settings(),
            worker=WorkerSettings(self._client_id(), worker.grabs_in_flight, worker.jobs_in_flight),
            handlers=HandlerSettings(self.own_queues(), worker.foreground_timeout, worker.foreground_timeout_limit),
            directory=DirectorySettings(retry_timeout_s=self._conf.store.retry_timeout),
            drain_timeout_s=worker.drain_timeout,
        )

    def _client_id(self) -> str:
        """How the admin command `workers` shows this worker: host name, and the instance of a systemd template."""
        instance = self._environ.get("GEARHORN_INSTANCE", "")
        name = "_".join(part for part in ("gearhorn", socket.gethostname(), instance) if part)
        return "".join("-" if character.isspace() else character for character in name)

    def _default_store_url(self) -> str:
        folder = self._environ.get("STATE_DIRECTORY", "").partition(":")[0]
        if folder:
            return f"sqlite:///{Path(folder) / 'gearhorn.db'}"
        state = self._environ.get("XDG_STATE_HOME") or str(Path.home() / ".local/state")
        return f"sqlite:///{Path(state) / 'gearhorn/gearhorn.db'}"

    def _read_everything(self) -> None:
        """oslo.config judges a value when it is first read; an operator wants to know at the start."""
        for group, options in _GROUPS.items():
            for option in options:
                (self._conf if group is None else self._conf[group])[option.name]
