"""Where the log goes, and in which form."""

import io
import logging
import sys
from dataclasses import dataclass, replace

from gearhorn.logs.crowds import Crowds
from gearhorn.logs.forms import JsonForm, TextForm
from gearhorn.logs.journal import is_journal

# What the libraries say of their own work is for those who look for a bug in them.
LIBRARIES = ("aiohttp", "asyncio", "gear", "oslo_config", "pymemcache", "redis")


@dataclass(frozen=True, slots=True)
class LogSettings:
    """`level` is debug, info, warning or error, in any case; `format` is auto, text or json, and auto is text."""

    level: str = "info"
    format: str = "auto"
    worker_id: str = ""

    @property
    def level_number(self) -> int:
        return logging.getLevelNamesMapping()[self.level.upper()]

    def or_lower(self, other: "LogSettings") -> "LogSettings":
        """With the level of the two that lets more through."""
        return replace(self, level=min(self, other, key=lambda each: each.level_number).level)


class OwnHandler(logging.StreamHandler):  # type: ignore[type-arg]
    """To standard error, one line an event."""

    def __init__(self) -> None:
        super().__init__(sys.stderr)
        self.addFilter(Crowds())


def set_up_logging(settings: LogSettings) -> None:
    """Everything goes to standard error, and nowhere else."""
    logging.getLogger().handlers[:] = [OwnHandler()]
    logging.captureWarnings(True)
    adjust_logging(settings)


def adjust_logging(settings: LogSettings) -> None:
    """Other settings, for the handler that is there already."""
    root = logging.getLogger()
    for handler in root.handlers:
        if isinstance(handler, OwnHandler):
            handler.setFormatter(_form(settings, is_journal(sys.stderr)))
    root.setLevel(settings.level_number)
    for name in LIBRARIES:
        logging.getLogger(name).setLevel(max(root.level, logging.WARNING))


def _form(settings: LogSettings, for_journal: bool) -> logging.Formatter:
    if settings.format == "json":
        if isinstance(sys.stderr, io.TextIOWrapper):
            sys.stderr.reconfigure(encoding="utf-8")  # whatever the locale says
        return JsonForm(settings.worker_id, for_journal)
    return TextForm(for_journal)


def speaks_json() -> bool:
    """Whether the log was set up, and so."""
    return any(isinstance(handler.formatter, JsonForm) for handler in logging.getLogger().handlers)
