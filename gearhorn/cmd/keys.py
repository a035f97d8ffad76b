"""`gearhorn keys new`: a table with a fresh secret, for the keys file."""

import argparse
import json
import secrets
from typing import Any

from gearhorn.cmd import exits
from gearhorn.cmd.options import Parents
from gearhorn.cmd.output import DescribedParser, paragraphs, status_table
from gearhorn.errors import BadRequest
from gearhorn.signing.envelope import KEY_ID
from gearhorn.signing.keys import RIGHTS

SECRET_BYTES = 32

_DESCRIPTION = paragraphs(
    """Prints a table for the keys file, with a fresh secret, to be added to the file of the service and to that of
    whoever signs with the key. A key may do nothing unless told so, here or in the file.""",
    """With --json it is one object, with the key's id as its only key and the table as its value: for programs that
    write the file themselves.""",
)

_STATUSES = status_table({exits.OK: "printed", exits.USAGE: "wrong usage"})


def add_parser(subparsers: Any, parents: Parents) -> None:
    parser = subparsers.add_parser("keys", help="make keys, for signed jobs")
    new = parser.add_subparsers(metavar="COMMAND", required=True).add_parser(
        "new",
        help="print a table for the keys file, with a fresh secret",
        description=_DESCRIPTION,
        epilog=_STATUSES,
        formatter_class=DescribedParser,
    )
    new.add_argument("key_id", metavar="ID", help="what the key is called: letters, digits, dots, dashes, underscores")
    for right in RIGHTS.values():
        new.add_argument(
            f"--{right}", action="append", default=[], metavar="PATTERN", help=f"topics where it may {right}"
        )
    new.add_argument(
        "--client-ids", action="append", metavar="PATTERN", help="the only clients that it may name (else: any)"
    )
    new.add_argument("--json", action="store_true", help="print one JSON object, for programs")
    new.set_defaults(run=print_new)


def print_new(arguments: argparse.Namespace) -> int:
    if not KEY_ID.fullmatch(arguments.key_id):
        raise BadRequest("ID", f"{arguments.key_id!r} has more than letters, digits, dots, dashes and underscores")
    key: dict[str, Any] = {"secret": secrets.token_hex(SECRET_BYTES)}
    key |= {right: getattr(arguments, right) for right in RIGHTS.values()}
    if arguments.client_ids is not None:
        key["client_ids"] = arguments.client_ids
    if arguments.json:
        print(json.dumps({arguments.key_id: key}))
    else:
        _print_table(arguments.key_id, key)
    return exits.OK


def _print_table(key_id: str, key: dict[str, Any]) -> None:
    """JSON's strings and lists are TOML's, too."""
    print(f'["{key_id}"]' if "." in key_id else f"[{key_id}]")
    for name, value in key.items():
        print(f"{name} = {json.dumps(value)}")
