"""The entry point: finds the subcommand, runs it, and turns errors into one line and an exit status."""

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from gearhorn import __version__
from gearhorn.cmd import exits
from gearhorn.cmd.failures import tell_failure
from gearhorn.cmd.options import build_parents
from gearhorn.errors import BadRequest, GearhornError, Misconfigured, TimedOut, Unavailable

# The commands, in the order of the help, and the module of each in gearhorn.cmd. It is imported when its command is
# given: all of them together take twice as long to start as any one does. A module has `add_parser(subparsers,
# parents)`, which sets the default `run`: a function of the parsed arguments that returns an exit status; and may set
# `tell_failure`, which is told an error that ends it.
_MODULES = {
    "standalone": "standalone",
    "worker": "worker",
    "publish": "publish",
    "listen": "listen",
    "topics": "lists",
    "subscribers": "lists",
    "subscribe": "changes",
    "unsubscribe": "changes",
    "workers": "workers",
    "status": "status",
    "top": "top",
    "doctor": "doctor",
    "dashboard": "dashboard",
    "export": "exports",
    "import": "imports",
    "keys": "keys",
}

_STATUS_BY_ERROR = (
    (BadRequest, exits.USAGE),
    (Misconfigured, exits.MISCONFIGURED),
    (TimedOut, exits.TIMED_OUT),
    (Unavailable, exits.UNREACHABLE),
    (GearhornError, exits.ERROR),
)


def main(argv: Sequence[str] | None = None) -> int:
    words = sys.argv[1:] if argv is None else argv
    arguments = build_parser(words[0] if words else "").parse_args(words)
    try:
        status = int(arguments.run(arguments))
        sys.stdout.flush()  # here, where a broken pipe can still be caught
    except GearhornError as error:
        getattr(arguments, "tell_failure", tell_failure)(error)
        return next(status for kind, status in _STATUS_BY_ERROR if isinstance(error, kind))
    except KeyboardInterrupt:
        return exits.BY_SIGINT
    except BrokenPipeError:
        _forget_output()
        return exits.BY_SIGPIPE
    return status


def build_parser(command: str = "") -> argparse.ArgumentParser:
    """Of this command only, or of all if there is none of that name."""
    parser = argparse.ArgumentParser(
        prog="gearhorn", description="Broadcast for Gearman: one job in, a copy on the queue of every subscriber."
    )
    parser.add_argument("--version", action="version", version=f"gearhorn {__version__}")
    subparsers = parser.add_subparsers(metavar="COMMAND", required=True)
    modules = [_MODULES[command]] if command in _MODULES else dict.fromkeys(_MODULES.values())
    for module in modules:
        import_module(f"gearhorn.cmd.{module}").add_parser(subparsers, build_parents())
    return parser


def _forget_output() -> None:
    """Nobody reads it any more (`| head`): what is left would raise again when Python ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
