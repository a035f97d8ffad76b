"""Where the log goes, and in which form."""

import io
import logging
import sys
from dataclasses import dataclass

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


def set_up_logging(settings: LogSettings) -> None:
    """Everything goes to standard error, one line an event. May be called again with other settings."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_form(settings, is_journal(sys.stderr)))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.level.upper())
    for name in LIBRARIES:
        logging.getLogger(name).setLevel(max(root.level, logging.WARNING))
    logging.captureWarnings(True)


def _form(settings: LogSettings, for_journal: bool) -> logging.Formatter:
    if settings.format == "json":
        if isinstance(sys.stderr, io.TextIOWrapper):
            sys.stderr.reconfigure(encoding="utf-8")  # whatever the locale says
        return JsonForm(settings.worker_id, for_journal)
    return TextForm(for_journal)
