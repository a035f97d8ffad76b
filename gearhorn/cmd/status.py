"""`gearhorn status`: one screen of the whole system, what is wrong first; or what one client is subscribed to."""

import argparse
import asyncio
import json
import sys
from typing import Any

from rich.console import Console

from gearhorn.cmd import exits
from gearhorn.cmd.observing import observing
from gearhorn.cmd.options import Parents, count
from gearhorn.cmd.output import DescribedParser, paragraphs, say, status_table
from gearhorn.cmd.screen.layout import draw
from gearhorn.cmd.screen.lines import lines_of
from gearhorn.cmd.screen.scene import Scene, look, status_of
from gearhorn.cmd.settings import read_config
from gearhorn.cmd.tables import print_rows
from gearhorn.config import Config
from gearhorn.overview.rendering import render_overview, render_subscriber
from gearhorn.overview.subscribers import look_up
from gearhorn.overview.views import Lookup

TOPICS_SHOWN = 10
# On a screen; --json and lines have all.
_MOST_ROWS = {"servers": 20, "workers": 20, "subscribers in trouble": 10}

_DESCRIPTION = paragraphs(
    """Shows the whole system: what is wrong with it, the store, the Gearman servers and what waits on them, the workers
    with their leases and what they do a second, the topics with the largest backlogs, and the subscribers in trouble.
    It reads the store and asks the servers; whatever is away is named, and the rest is shown all the same.""",
    """A terminal gets tables. A pipe or file gets a line for each thing, with tabs between its fields: the first is
    "verdict", "trouble", "store", "totals", "rates", "server", "worker", "queue", "topic" or "subscriber", and the
    others are KEY=VALUE with the keys of --json. With --json it is one object; doc/status.md has its keys.""",
    """With --client it shows instead what this client is subscribed to over all topics, and what waits for it: a line
    for each topic with the state as `gearhorn subscribers` has it, or "unsubscribed" where copies wait in a queue that
    it has left. The columns, and the keys of --json, are topic, client_id, state, backlog, running, workers and
    since.""",
)
_STATUSES = status_table(
    {
        exits.OK: "all is well, or there are only warnings",
        exits.ERROR: "an error",
        exits.USAGE: "wrong usage",
        exits.NOBODY_SUBSCRIBED: "with --client: it is subscribed to nothing, and nothing waits for it",
        exits.UNREACHABLE: "neither the store nor any Gearman server can be reached",
        exits.TROUBLE: "something is down: what is shown says what",
        exits.MISCONFIGURED: "the configuration is wrong",
    }
)
_SUBSCRIBER_COLUMNS = ("topic", "client_id", "state", "backlog", "running", "workers", "since")


def add_parser(subparsers: Any, parents: Parents) -> None:
    parser = subparsers.add_parser(
        "status",
        parents=[parents.common, parents.store, parents.gearman],
        help="show the whole system on one screen, what is wrong first",
        description=_DESCRIPTION,
        epilog=_STATUSES,
        formatter_class=DescribedParser,
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object, for programs")
    parser.add_argument(
        "--topics",
        type=count,
        default=TOPICS_SHOWN,
        metavar="N",
        help=f"show at most N topics, those with the largest backlogs (default: {TOPICS_SHOWN})",
    )
    parser.add_argument("--client", metavar="ID", help="show what this client is subscribed to, and what waits for it")
    parser.set_defaults(run=show_status)


def show_status(arguments: argparse.Namespace) -> int:
    config = read_config(arguments, default_log_level="warning")
    if arguments.client is not None:
        return _show_client(asyncio.run(_look_up(config, arguments.client)), arguments)
    scene = asyncio.run(_look(config, arguments.topics))
    if arguments.json:
        print(json.dumps(render_overview(*scene), ensure_ascii=False))
    elif sys.stdout.isatty():
        Console(highlight=False).print(draw(scene, {**_MOST_ROWS, "topics": arguments.topics}))
    else:
        print(*lines_of(scene), sep="\n")
    return status_of(scene)


async def _look(config: Config, topics_limit: int) -> Scene:
    async with observing(config, topics_limit) as observer:
        return await look(observer)


async def _look_up(config: Config, client_id: str) -> Lookup:
    async with observing(config) as observer:
        return await look_up(observer, client_id)


def _show_client(found: Lookup, arguments: argparse.Namespace) -> int:
    rows = [tuple(render_subscriber(one).values()) for one in found.subscribers]
    print_rows(_SUBSCRIBER_COLUMNS, rows, as_json=arguments.json)
    if found.trouble:
        say(f"not all can be told: {found.trouble}")
    if not found.store_answered:
        return exits.UNREACHABLE
    if not rows:
        say(f"{arguments.client} is subscribed to nothing, and nothing waits for it")
        return exits.NOBODY_SUBSCRIBED
    return exits.OK
