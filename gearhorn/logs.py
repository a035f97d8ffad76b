"""Where the log goes, and how a line looks."""

import logging
import os
import sys
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LogSettings:
    """`level` is debug, info, warning or error, in any case."""

    level: str = "info"


def set_up_logging(settings: LogSettings) -> None:
    """Everything goes to standard error, one line an event. The journal has its own clock and needs no time."""
    handler = logging.StreamHandler(sys.stderr)
    clock = "" if "JOURNAL_STREAM" in os.environ else "%(asctime)s "
    handler.setFormatter(logging.Formatter(f"{clock}%(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.level.upper())
    # What the libraries say of their own work is for those who look for a bug in them.
    for name in ("asyncio", "gear", "redis", "pymemcache"):
        logging.getLogger(name).setLevel(max(root.level, logging.WARNING))
