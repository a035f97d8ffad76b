"""The command line options that many subcommands share, as parents for their parsers."""

import argparse
from typing import NamedTuple

_GROUP = "configuration"


class Parents(NamedTuple):
    """A subcommand takes all of these, or those that mean something to it."""

    common: argparse.ArgumentParser
    gearman: argparse.ArgumentParser
    store: argparse.ArgumentParser


def build_parents() -> Parents:
    return Parents(_common(), _gearman(), _store())


def _common() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(add_help=False)
    group = parser.add_argument_group(_GROUP)
    group.add_argument("--config-file", action="append", metavar="FILE", help="read options from FILE; may be repeated")
    group.add_argument("--config-dir", action="append", metavar="DIR", help="read options from DIR/*.conf")
    group.add_argument("--log-level", metavar="LEVEL", help="debug, info, warning or error")
    return parser


def _gearman() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(add_help=False)
    group = parser.add_argument_group(_GROUP)
    group.add_argument(
        "--gearman",
        action="append",
        metavar="HOST:PORT",
        help="a Gearman server; may be repeated (else the configuration, else the variable GEARMAN_SERVERS, else "
        "localhost:4730)",
    )
    return parser


def _store() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(add_help=False)
    group = parser.add_argument_group(_GROUP)
    group.add_argument("--store", metavar="URL", help="the store, such as redis://HOST/0 or sqlite:////PATH")
    return parser
