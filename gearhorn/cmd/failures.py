"""How an error that ends a command is told: as a line for people, or, where a service logs in JSON, as an event."""

import logging
import sys

from gearhorn.errors import GearhornError, TimedOut, Unavailable
from gearhorn.logs.event import log_for
from gearhorn.logs.events.life import SERVICE_FAILED
from gearhorn.logs.forms import on_one_line, priority_of
from gearhorn.logs.journal import is_journal
from gearhorn.logs.setting_up import speaks_json

log = log_for(__name__)


def tell_failure(error: GearhornError) -> None:
    prefix = priority_of(logging.ERROR) if is_journal(sys.stderr) else ""
    print(f"{prefix}gearhorn: {on_one_line(str(error))}", file=sys.stderr)
    if isinstance(error, TimedOut | Unavailable) and sys.stderr.isatty():  # a person; programs have the exit status
        print("gearhorn: to find out why: gearhorn doctor", file=sys.stderr)


def tell_failure_of_service(error: GearhornError) -> None:
    """What went wrong before the settings were read has no form yet, and is told to people."""
    if speaks_json():
        log.say(SERVICE_FAILED, error=error)
    else:
        tell_failure(error)
