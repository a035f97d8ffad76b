"""The command line options that many subcommands share, as parents for their parsers."""

import argparse
import math
import time
from typing import Any, NamedTuple

from gearhorn.store.urls import holds_secret

_GROUP = "configuration"


class Parents(NamedTuple):
    """A subcommand takes all of these, or those that mean something to it."""

    common: argparse.ArgumentParser
    gearman: argparse.ArgumentParser
    signing: argparse.ArgumentParser
    store: argparse.ArgumentParser


def build_parents() -> Parents:
    return Parents(_common(), _gearman(), _signing(), _store())


def let_options_stand_before(parents: Parents) -> Parents:
    """For a command of a command: what the outer one was given stays, where the inner one says nothing of it."""
    for parent in parents:
        for action in parent._actions:
            action.default = argparse.SUPPRESS
    return parents


def add_topic_queue(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--topic-queue",
        action="store_true",
        help="ask by way of the topic's own queues ([worker] topic_queues), where the server lets nobody into the "
        "general ones",
    )


def seconds(text: str) -> float:
    """The type of an option: seconds above 0."""
    number = _number(text)
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds above 0")
    return number


def count(text: str) -> int:
    """The type of an option: a whole number from 1."""
    if not (text.isascii() and text.isdigit() and int(text)):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1")
    return int(text)


def unix_time(text: str) -> float:
    """The type of an option: Unix time in seconds, or +S for S seconds from now."""
    number = _number(text)
    if not math.isfinite(number):
        raise argparse.ArgumentTypeError(f"{text!r} is no Unix time in seconds, and no +S for seconds from now")
    return time.time() + number if text.startswith("+") else number


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def let_options_stand_anywhere(parser: argparse.ArgumentParser) -> None:
    """Also between positional arguments, the last of which may be left out: argparse does that on request only."""
    parse_in_order = parser.parse_known_args

    def parse(arguments: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:
        parser.parse_known_args = parse_in_order  # type: ignore[method-assign]  # which the other one calls
        try:
            return parser.parse_known_intermixed_args(arguments, namespace)
        finally:
            parser.parse_known_args = parse  # type: ignore[method-assign, assignment]

    parser.parse_known_args = parse  # type: ignore[method-assign, assignment]


def leave_rest_alone(parser: argparse.ArgumentParser, option: str, destination: str) -> None:
    """Everything behind `option` becomes its value, whatever it looks like: argparse would stop at a `--`."""
    parse_all = parser.parse_known_args

    def parse(arguments: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:
        words = list(arguments)
        if option not in words:
            return parse_all(words, namespace)
        end = words.index(option) + 1
        namespace, unknown = parse_all(words[:end], namespace)
        setattr(namespace, destination, words[end:])
        return namespace, unknown

    parser.parse_known_args = parse  # type: ignore[method-assign, assignment]


def _store_url(text: str) -> str:
    """The type of an option: no password, since everybody on the host can see the command line of a process."""
    if holds_secret(text):
        raise argparse.ArgumentTypeError(
            "a user or password in it would be seen by everybody on this host: put the URL into a configuration file, "
            "or the password into a file that [store] password_file names"
        )
    return text


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
    for option, what in (
        ("--ssl-ca", "of the authority that the Gearman servers' certificates are from"),
        ("--ssl-cert", "of the certificate that is shown to them"),
        ("--ssl-key", "of its key"),
    ):
        group.add_argument(option, metavar="FILE", help=f"speak TLS; PEM file {what}")
    return parser


def _signing() -> argparse.ArgumentParser:
    """The secret itself is no option: `ps` would show it."""
    parser = argparse.ArgumentParser(add_help=False)
    group = parser.add_argument_group(_GROUP)
    group.add_argument(
        "--sign-key", metavar="ID", help="sign with the key ID of the keys file (else the variable GEARHORN_SIGN_KEY)"
    )
    group.add_argument(
        "--sign-keys-file",
        metavar="FILE",
        help="the keys file (else the variable GEARHORN_SIGN_KEYS_FILE, else that of the configuration)",
    )
    return parser


def _store() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(add_help=False)
    group = parser.add_argument_group(_GROUP)
    group.add_argument(
        "--store", type=_store_url, metavar="URL", help="the store, such as redis://HOST/0 or sqlite:////PATH"
    )
    return parser
