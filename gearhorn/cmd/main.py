"""The entry point: finds the subcommand, runs it, and turns errors into one line and an exit status."""

import argparse
import sys
from collections.abc import Sequence

from gearhorn import __version__
from gearhorn.cmd import exits, worker
from gearhorn.errors import BadRequest, GearhornError, Misconfigured, Unavailable

# Each has `add_parser(subparsers, parents)`, which sets the default `run`: a function of the parsed arguments that
# returns an exit status.
_SUBCOMMANDS = (worker,)

_STATUS_BY_ERROR = (
    (BadRequest, exits.USAGE),
    (Misconfigured, exits.MISCONFIGURED),
    (Unavailable, exits.UNREACHABLE),
    (GearhornError, exits.ERROR),
)


def main(argv: Sequence[str] | None = None) -> int:
    arguments = build_parser().parse_args(argv)
    try:
        return int(arguments.run(arguments))
    except GearhornError as error:
        print(f"gearhorn: {error}", file=sys.stderr)
        return next(status for kind, status in _STATUS_BY_ERROR if isinstance(error, kind))
    except KeyboardInterrupt:
        return 130  # as a shell reports an end by SIGINT


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="gearhorn", description="Broadcast for Gearman: one job in, a copy on the queue of every subscriber."
    )
    parser.add_argument("--version", action="version", version=f"gearhorn {__version__}")
    subparsers = parser.add_subparsers(metavar="COMMAND", required=True)
    for subcommand in _SUBCOMMANDS:
        subcommand.add_parser(subparsers, [_common()])
    return parser


def _common() -> argparse.ArgumentParser:
    """Options of every subcommand."""
    common = argparse.ArgumentParser(add_help=False)
    group = common.add_argument_group("configuration")
    group.add_argument("--config-file", action="append", metavar="FILE", help="read options from FILE; may be repeated")
    group.add_argument("--config-dir", action="append", metavar="DIR", help="read options from DIR/*.conf")
    group.add_argument("--gearman", action="append", metavar="HOST:PORT", help="a Gearman server; may be repeated")
    group.add_argument("--store", metavar="URL", help="the store, such as redis://HOST/0 or sqlite:///PATH")
    group.add_argument("--log-level", metavar="LEVEL", help="debug, info, warning or error")
    return common


if __name__ == "__main__":
    sys.exit(main())
