"""`gearhorn workers`: shows who runs the service, from the store itself; and `workers remove`, see removal.py."""

import argparse
from datetime import UTC, datetime
from typing import Any, TypeVar

from gearhorn.cmd import exits
from gearhorn.cmd.lookups import ask_store
from gearhorn.cmd.options import Parents, build_parents, let_options_stand_before
from gearhorn.cmd.output import DescribedParser, paragraphs, say, status_table
from gearhorn.cmd.removal import remove_worker
from gearhorn.cmd.settings import read_config
from gearhorn.cmd.tables import Cell, print_rows
from gearhorn.store.leases import Lease, read_info

_COLUMNS = (
    "worker_id",
    "since",
    "lease_left_s",
    "state",
    "topics",
    "subscribers",
    "version",
    "address",
    "servers",
)

_DESCRIPTION = paragraphs(
    """Shows every worker that holds a lease in the store: its id, when it was started, the seconds that the lease lasts
    yet, its state, how many topics and subscribers it keeps in memory, its version, its host, and the Gearman servers
    that it is connected to. A worker renews its lease all the time, and may answer from memory for as long as it
    lasts.""",
    """The state is "held"; or "revoked": the worker did not acknowledge a change, or the store was started again, and
    what is left of its lease is waited for; or "ran out": it has not renewed the lease, and as many seconds as are
    shown behind the minus have gone by since. Other workers soon clean up after it and take it off this list. One with
    [matchmaking] enabled = false holds no lease and is not shown.""",
    """It reads the store itself, the one of the configuration or --store: no Gearman server and no worker need be up. A
    terminal gets a table; a pipe or file gets a line for each worker with tabs between these columns and commas between
    servers. With --json it is one list of objects with the keys"""
    f" {', '.join(_COLUMNS[:-1])}, servers (a list) and counters (an object: what it has counted since its start, such "
    "as copies that were not sent because their subscriber is paused). What a worker has not told is null.",
)
_STATUSES = status_table(
    {
        exits.OK: "shown",
        exits.ERROR: "an error",
        exits.USAGE: "wrong usage",
        exits.NO_WORKER: "there is none",
        exits.UNREACHABLE: "the store cannot be reached",
        exits.MISCONFIGURED: "the configuration is wrong",
    }
)

_REMOVE_DESCRIPTION = paragraphs(
    """For a worker that will not come back: revokes its lease, waits until that has run out, takes the worker off the
    list where workers hear of changes, empties its queue on the Gearman servers, and forgets the lease. The other
    workers do the same by themselves some seconds after a lease has run out. Whatever is interrupted can be repeated.
    Messages go to standard error.""",
    """A worker that is alive comes to no harm: it takes a new lease by itself, and reads lists from the store until
    then.""",
    """It needs the store and a Gearman server, and the service where other workers are.""",
)
_REMOVE_STATUSES = status_table(
    {
        exits.OK: "removed",
        exits.ERROR: "an error, or the worker is alive",
        exits.USAGE: "wrong usage",
        exits.NO_WORKER: "there is no such worker",
        exits.TIMED_OUT: "the other workers did not answer in time",
        exits.UNREACHABLE: "no Gearman server, or not the store, can be reached",
        exits.MISCONFIGURED: "the configuration is wrong",
    }
)

Kind = TypeVar("Kind")


def add_parser(subparsers: Any, parents: Parents) -> None:
    parser = subparsers.add_parser(
        "workers",
        parents=[parents.common, parents.store],
        help="show the workers that run the service (reads the store), or remove one that is gone",
        usage="%(prog)s [OPTION ...]\n       %(prog)s remove [OPTION ...] ID",
        description=_DESCRIPTION,
        epilog=_STATUSES,
        formatter_class=DescribedParser,
    )
    parser.add_argument("--json", action="store_true", help="print one JSON list, for programs")
    parser.set_defaults(run=show_workers)
    _add_remove_parser(parser.add_subparsers(metavar="COMMAND", prog=parser.prog))


def _add_remove_parser(subparsers: Any) -> None:
    parents = let_options_stand_before(build_parents())
    parser = subparsers.add_parser(
        "remove",
        parents=parents,
        help="clean up after a worker that will not come back",
        description=_REMOVE_DESCRIPTION,
        epilog=_REMOVE_STATUSES,
        formatter_class=DescribedParser,
    )
    parser.add_argument("worker_id", metavar="ID", help="of the worker, as `gearhorn workers` shows it")
    parser.set_defaults(run=remove_worker)


def show_workers(arguments: argparse.Namespace) -> int:
    leases = ask_store(read_config(arguments, default_log_level="warning"), lambda store: store.leases())
    columns = (*_COLUMNS, "counters") if arguments.json else _COLUMNS
    print_rows(columns, [_row(lease)[: len(columns)] for lease in leases], as_json=arguments.json)
    if not leases:
        say("no worker holds a lease")
        return exits.NO_WORKER
    return exits.OK


def _row(lease: Lease) -> tuple[Cell, ...]:
    told = read_info(lease)
    return (
        lease.key.worker_id,
        _time(_told(told.get("since"), float)),
        round(lease.left_s, 1),
        _state(lease),
        _told(told.get("topics"), int),
        _told(told.get("subscribers"), int),
        _told(told.get("version"), str),
        _told(told.get("address"), str),
        [str(server) for server in _told(told.get("servers"), list) or []],
        {str(name): count for name, count in (_told(told.get("counters"), dict) or {}).items() if type(count) is int},
    )


def _state(lease: Lease) -> str:
    if lease.left_s <= 0:
        return "ran out"
    return "revoked" if lease.is_revoked else "held"


def _told(value: object, kind: type[Kind]) -> Kind | None:
    """A worker of another version may have told something else, or nothing."""
    return value if isinstance(value, kind) else None


def _time(unix_s: float | None) -> str | None:
    """In the way of ISO 8601. None also for what no calendar has."""
    try:
        return None if unix_s is None else datetime.fromtimestamp(unix_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (OverflowError, ValueError):
        return None
