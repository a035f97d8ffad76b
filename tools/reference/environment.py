"""The variables of the environment that commands read, or set for programs that they run.

A test holds this table against the sources: a variable that is asked for anywhere in the package is here.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from tools.reference.commands import Command


@dataclass(frozen=True)
class Variable:
    """Meant for commands that have one of `switches`, or that are named in `commands`."""

    name: str
    meaning: str
    switches: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()

    def is_for(self, command: Command) -> bool:
        return command.words[-1] in self.commands or any(map(command.has, self.switches))


_SERVICE = ("worker", "standalone")

VARIABLES = (
    Variable(
        "GEARMAN_SERVERS",
        "Gearman servers, HOST:PORT with commas between, where neither --gearman nor the configuration names any. "
        "libgearman reads it too.",
        switches=("--gearman",),
    ),
    Variable(
        "GEARHORN_SIGN_KEY",
        "the key of the keys file to sign with, where there is no --sign-key",
        switches=("--sign-key",),
    ),
    Variable(
        "GEARHORN_SIGN_KEYS_FILE",
        "the keys file, where there is no --sign-keys-file",
        switches=("--sign-keys-file",),
    ),
    Variable(
        "GEARHORN_TOPIC",
        "set for the command that --exec runs: the topic",
        switches=("--exec",),
    ),
    Variable(
        "GEARHORN_CLIENT_ID",
        "set for the command that --exec runs: the client id under which it got the copy",
        switches=("--exec",),
    ),
    Variable(
        "GEARHORN_INSTANCE",
        "becomes a part of the worker's id, so that several instances on one host have ids of their own. "
        "gearhorn@.service sets it.",
        commands=("worker",),
    ),
    Variable(
        "STATE_DIRECTORY",
        "the folder of the SQLite file, where no store is named. systemd sets it (StateDirectory=).",
        switches=("--store",),
        commands=_SERVICE,
    ),
    Variable(
        "XDG_STATE_HOME",
        "the user's state folder, instead of ~/.local/state: gearhorn/gearhorn.db in it is the store where none is "
        "named, and there is no STATE_DIRECTORY",
        switches=("--store",),
        commands=_SERVICE,
    ),
    Variable(
        "CREDENTIALS_DIRECTORY",
        "where files with passwords and keys are looked for whose names are relative. systemd sets it "
        "(LoadCredential=).",
        switches=("--store", "--gearman", "--sign-key"),
        commands=_SERVICE,
    ),
    Variable(
        "NOTIFY_SOCKET",
        "whom to tell that the service is ready, or stops. systemd sets it (Type=notify).",
        commands=_SERVICE,
    ),
    Variable(
        "WATCHDOG_USEC",
        "how long systemd waits, in microseconds, for a sign that the event loop still turns, before it takes the "
        "service for stuck. systemd sets it (WatchdogSec=).",
        commands=_SERVICE,
    ),
    Variable(
        "WATCHDOG_PID",
        "the process that WATCHDOG_USEC is meant for. systemd sets it.",
        commands=_SERVICE,
    ),
    Variable(
        "STATSD_HOST",
        "where statsd listens for the service's figures; without it, none are sent. geard reads this one and the next "
        "two as well.",
        commands=_SERVICE,
    ),
    Variable(
        "STATSD_PORT",
        "its port, if that is not 8125",
        commands=_SERVICE,
    ),
    Variable(
        "STATSD_PREFIX",
        "what stands before the names of figures there, which begin with `gearhorn.`",
        commands=_SERVICE,
    ),
    Variable(
        "JOURNAL_STREAM",
        "set by systemd where its journal keeps the log: it has the time of each line itself",
        switches=("--log-level",),
    ),
    Variable(
        "NO_COLOR",
        "anything in it keeps colours out of tables and progress bars",
        switches=("--json", "--wait"),
    ),
)


def variables_of(command: Command) -> Iterator[Variable]:
    """Those of its subcommands are on their own pages."""
    return (variable for variable in VARIABLES if variable.is_for(command))
