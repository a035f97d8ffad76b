"""Reads the settings again while the service runs, and has it go by those that a running service can go by.

oslo.config's own `mutate_config_files` is not used: it takes over what it has read before anybody has judged it, and
tells of changes that the command line beats. Here a new configuration is read and judged as a whole, beside the one
that counts; only the options' mark `mutable` is oslo.config's.
"""

import asyncio
import time
from collections.abc import Callable, Collection
from typing import NamedTuple

from gearhorn import systemd
from gearhorn.config import Config
from gearhorn.daemon.service import Daemon
from gearhorn.daemon.settings import DaemonSettings
from gearhorn.errors import GearhornError
from gearhorn.logs.event import log_for
from gearhorn.logs.events.settings import SETTINGS_BROKEN, SETTINGS_KEPT, SETTINGS_READ, TLS_FILES_READ
from gearhorn.logs.setting_up import adjust_logging
from gearhorn.options.changes import Change

log = log_for(__name__)


class _Reading(NamedTuple):
    """`config` and `settings` are what is to count; `kept` are changes that cannot count before a restart."""

    config: Config
    settings: DaemonSettings
    changed: list[Change]
    kept: list[Change]


class Reloading:
    """`config` is what counts now, `settings_of` makes the daemon's settings of one, and raises Misconfigured.

    `fixed` are options, by group and name, that this command cannot change in service although others can.
    """

    def __init__(
        self,
        config: Config,
        settings_of: Callable[[Config], DaemonSettings] = Config.daemon_settings,
        fixed: Collection[tuple[str | None, str]] = (),
    ) -> None:
        self._config = config
        self._settings_of = settings_of
        self._fixed = frozenset(fixed)
        self._wanted = asyncio.Event()

    def ask(self) -> None:
        """What is asked for while the files are being read is one more reading, however often."""
        self._wanted.set()

    async def run(self, daemon: Daemon) -> None:
        """Until cancelled."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            if daemon.is_stopping:
                continue
            if daemon.is_ready:  # before that systemd would take the end of this for the end of the start
                systemd.notify(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")
            await self._read_again(daemon)
            if daemon.is_ready and not daemon.is_stopping:
                systemd.notify("READY=1")

    async def _read_again(self, daemon: Daemon) -> None:
        try:
            reading = await asyncio.to_thread(self._read)
        except GearhornError as error:
            log.say(SETTINGS_BROKEN, error=error)
            return
        except Exception as error:  # noqa: BLE001 - no signal may end the service; what was read may be a secret
            log.say(SETTINGS_BROKEN, error=f"reading the configuration ran into a bug: {type(error).__name__}")
            return
        before, self._config = self._config, reading.config
        is_new_tls = reading.settings.link.tls_mark != daemon.settings.link.tls_mark
        daemon.adjust(reading.settings)
        old, new = before.log_settings(), reading.config.log_settings()
        adjust_logging(new.or_lower(old))  # the line is for whoever has just turned the level up or down
        self._say(reading, is_new_tls=is_new_tls)
        adjust_logging(new)

    def _read(self) -> _Reading:
        """In a thread of its own: files may be slow. What was written is judged whole, also what cannot count yet."""
        config = self._config.read_again()
        self._settings_of(config)
        config.store_settings()
        changes = config.changes_from(self._config)
        kept = [each for each in changes if not self._can_count(each)]
        config.take_back(kept)
        return _Reading(config, self._settings_of(config), [each for each in changes if each not in kept], kept)

    def _can_count(self, change: Change) -> bool:
        return change.is_mutable and (change.group, change.option) not in self._fixed

    def _say(self, reading: _Reading, *, is_new_tls: bool) -> None:
        shown = _summary(reading.changed) or "nothing has changed"
        log.say(SETTINGS_READ, summary=shown, changes=[each.as_fields() for each in reading.changed])
        if is_new_tls:
            log.say(TLS_FILES_READ)
        if reading.kept:
            changes = [each.as_fields() for each in reading.kept]
            log.say(SETTINGS_KEPT, summary=_summary(reading.kept), changes=changes)


def _summary(changes: Collection[Change]) -> str:
    return "; ".join(map(str, changes))
