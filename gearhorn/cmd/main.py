"""The entry point: finds the subcommand, runs it, and turns errors into one line and an exit status."""

import argparse
import os
import sys
from collections.abc import Sequence

from gearhorn import __version__
from gearhorn.cmd import (
    changes,
    dashboard,
    doctor,
    exits,
    exports,
    imports,
    keys,
    listen,
    lists,
    publish,
    standalone,
    status,
    top,
    worker,
    workers,
)
from gearhorn.cmd.options import build_parents
from gearhorn.errors import BadRequest, GearhornError, Misconfigured, TimedOut, Unavailable

# Each has `add_parser(subparsers, parents)`, which sets the default `run`: a function of the parsed arguments that
# returns an exit status.
_SUBCOMMANDS = (
    *(standalone, worker, publish, listen),
    *(lists, changes, workers, status, top, doctor, dashboard),
    *(exports, imports, keys),
)

_STATUS_BY_ERROR = (
    (BadRequest, exits.USAGE),
    (Misconfigured, exits.MISCONFIGURED),
    (TimedOut, exits.TIMED_OUT),
    (Unavailable, exits.UNREACHABLE),
    (GearhornError, exits.ERROR),
)


def main(argv: Sequence[str] | None = None) -> int:
    arguments = build_parser().parse_args(argv)
    try:
        status = int(arguments.run(arguments))
        sys.stdout.flush()  # here, where a broken pipe can still be caught
    except GearhornError as error:
        print(f"gearhorn: {error}", file=sys.stderr)
        return next(status for kind, status in _STATUS_BY_ERROR if isinstance(error, kind))
    except KeyboardInterrupt:
        return exits.BY_SIGINT
    except BrokenPipeError:
        _forget_output()
        return exits.BY_SIGPIPE
    return status


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="gearhorn", description="Broadcast for Gearman: one job in, a copy on the queue of every subscriber."
    )
    parser.add_argument("--version", action="version", version=f"gearhorn {__version__}")
    subparsers = parser.add_subparsers(metavar="COMMAND", required=True)
    for subcommand in _SUBCOMMANDS:
        subcommand.add_parser(subparsers, build_parents())
    return parser


def _forget_output() -> None:
    """Nobody reads it any more (`| head`): what is left would raise again when Python ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
