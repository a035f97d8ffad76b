"""`gearhorn topics` and `gearhorn subscribers`: look at the lists, in the store itself."""

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote

from gearhorn.cmd import exits
from gearhorn.cmd.options import Parents
from gearhorn.cmd.settings import read_config
from gearhorn.cmd.tables import print_rows
from gearhorn.errors import Misconfigured, StoreUnavailable
from gearhorn.names import check_topic
from gearhorn.store.base import Store
from gearhorn.store.opening import open_store

Result = TypeVar("Result")

_READS_STORE = "Reads the store itself: no Gearman server and no service need be up."
_OUTPUT = "A table on a terminal, tab-separated lines elsewhere."


def add_parser(subparsers: Any, parents: Parents) -> None:
    takes = [parents.common, parents.store]
    topics = subparsers.add_parser(
        "topics",
        parents=takes,
        help="show the topics that have subscribers (reads the store)",
        description=f"Shows every topic that has subscribers, and how many. {_READS_STORE} {_OUTPUT}",
    )
    topics.set_defaults(run=show_topics)
    subscribers = subparsers.add_parser(
        "subscribers",
        parents=takes,
        help="show the subscribers of a topic (reads the store)",
        description="Shows the client ids that are subscribed to a topic, and the seconds after which each "
        f"subscription ends unless it is renewed. {_READS_STORE} {_OUTPUT}",
        epilog=f"Exit status {exits.NOBODY_SUBSCRIBED}: nobody is subscribed.",
    )
    subscribers.add_argument("topic", metavar="TOPIC")
    subscribers.set_defaults(run=show_subscribers)
    for parser in (topics, subscribers):
        parser.add_argument("--json", action="store_true", help="print one JSON list of objects")


def show_topics(arguments: argparse.Namespace) -> int:
    counts = _ask(arguments, lambda store: store.topics())
    print_rows(("topic", "subscribers"), counts, as_json=arguments.json)
    return exits.OK


def show_subscribers(arguments: argparse.Namespace) -> int:
    check_topic(arguments.topic)
    subscriptions = _ask(arguments, lambda store: store.subscriptions(arguments.topic))
    print_rows(("client_id", "expires_in_s"), subscriptions, as_json=arguments.json)
    if not subscriptions:
        print(f"nobody is subscribed to {arguments.topic}", file=sys.stderr)
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
