"""`gearhorn topics` and `gearhorn subscribers`: look at the lists, in the store itself."""

import argparse
import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote

from gearhorn.cmd import exits
from gearhorn.cmd.options import Parents
from gearhorn.cmd.output import DescribedParser, paragraphs, say, status_table
from gearhorn.cmd.settings import read_config
from gearhorn.cmd.tables import print_rows
from gearhorn.errors import Misconfigured, StoreUnavailable
from gearhorn.names import check_topic
from gearhorn.store.base import Store
from gearhorn.store.opening import open_store

Result = TypeVar("Result")

_TOPICS_OUTPUT = """A terminal gets a table; a pipe or file gets a line for each topic, with topic and number separated
by a tab. With --json it is one list of objects with the keys topic and subscribers."""
_SUBSCRIBERS_OUTPUT = """A terminal gets a table; a pipe or file gets a line for each subscriber, with client id and,
behind a tab, the seconds after which the subscription ends unless made again (nothing when it lasts). With --json it
is one list of objects with the keys client_id and expires_in_s (null when it lasts)."""
_READS_STORE = """It reads the store itself, the one of the configuration or --store: no Gearman server and no worker
need be up."""

_STATUSES = {
    exits.ERROR: "an error",
    exits.USAGE: "wrong usage",
    exits.UNREACHABLE: "the store cannot be reached",
    exits.MISCONFIGURED: "the configuration is wrong",
}


def add_parser(subparsers: Any, parents: Parents) -> None:
    takes = {"parents": [parents.common, parents.store], "formatter_class": DescribedParser}
    topics = subparsers.add_parser(
        "topics",
        help="show the topics that have subscribers (reads the store)",
        description=paragraphs("Shows every topic that has subscribers, and how many.", _READS_STORE, _TOPICS_OUTPUT),
        epilog=status_table({exits.OK: "shown, even if there are none", **_STATUSES}),
        **takes,
    )
    topics.set_defaults(run=show_topics)
    subscribers = subparsers.add_parser(
        "subscribers",
        help="show the subscribers of a topic (reads the store)",
        description=paragraphs("Shows who is subscribed to a topic.", _READS_STORE, _SUBSCRIBERS_OUTPUT),
        epilog=status_table({exits.OK: "shown", **_STATUSES, exits.NOBODY_SUBSCRIBED: "nobody is subscribed"}),
        **takes,
    )
    subscribers.add_argument("topic", metavar="TOPIC")
    subscribers.set_defaults(run=show_subscribers)
    for parser in (topics, subscribers):
        parser.add_argument("--json", action="store_true", help="print one JSON list, for programs")


def show_topics(arguments: argparse.Namespace) -> int:
    counts = _ask(arguments, lambda store: store.topics())
    print_rows(("topic", "subscribers"), counts, as_json=arguments.json)
    return exits.OK


def show_subscribers(arguments: argparse.Namespace) -> int:
    check_topic(arguments.topic)
    subscriptions = _ask(arguments, lambda store: store.subscriptions(arguments.topic))
    print_rows(("client_id", "expires_in_s"), subscriptions, as_json=arguments.json)
    if not subscriptions:
        say(f"nobody is subscribed to {arguments.topic}")
        return exits.NOBODY_SUBSCRIBED
    return exits.OK


def _ask(arguments: argparse.Namespace, question: Callable[[Store], Awaitable[Result]]) -> Result:
    """One question to the store. Raises StoreUnavailable without a second try: somebody is waiting at a prompt."""
    settings = read_config(arguments, default_log_level="warning").store_settings()
    _judge_local(settings.url)
    return asyncio.run(_ask_store(open_store(settings), question))


async def _ask_store(store: Store, question: Callable[[Store], Awaitable[Result]]) -> Result:
    try:
        await store.open()
        return await question(store)
    finally:
        await store.close()


def _judge_local(url: str) -> None:
    """A store that opening would make is not the service's: it would show empty lists, and lie in its way."""
    if url.startswith("memory://"):
        raise Misconfigured("a memory:// store is inside the service, where nobody else can look")
    path = Path(unquote(url.removeprefix("sqlite:///")))
    if url.startswith("sqlite:///") and not path.exists():
        raise StoreUnavailable(f"there is no SQLite store {path}; option --store names another")
