"""`gearhorn topics` and `gearhorn subscribers`: look at the lists, in the store itself."""

import argparse
from typing import Any

from gearhorn.cmd import exits
from gearhorn.cmd.lookups import ask_store
from gearhorn.cmd.options import Parents
from gearhorn.cmd.output import DescribedParser, paragraphs, say, status_table
from gearhorn.cmd.settings import read_config
from gearhorn.cmd.tables import print_rows
from gearhorn.cmd.watch import watch_subscribers
from gearhorn.names import check_topic

_TOPICS_OUTPUT = """A terminal gets a table; a pipe or file gets a line for each topic, with topic and number separated
by a tab. With --json it is one list of objects with the keys topic and subscribers."""
_SUBSCRIBERS_OUTPUT = """A terminal gets a table; a pipe or file gets a line for each subscriber, with client id and,
behind a tab, the seconds after which the subscription ends unless made again (nothing when it lasts). With --json it
is one list of objects with the keys client_id and expires_in_s (null when it lasts)."""
_READS_STORE = """It reads the store itself, the one of the configuration or --store: no Gearman server and no worker
need be up."""
_WATCHING = """With --watch it goes on, until SIGINT (Ctrl-C) or SIGTERM: first a line for each subscriber, with the
client id, and from then on +ID for each that joins and -ID for each that leaves. With --json each line is an object
with the keys event ("listed", "joined" or "left") and client_id. The service tells it of the changes, so it needs
Gearman server and worker, as listen does; it holds up no change. After anything that may have kept the news from it, it
reads the store again."""

_STATUSES = {
    exits.ERROR: "an error",
    exits.USAGE: "wrong usage",
    exits.UNREACHABLE: "the store cannot be reached",
    exits.MISCONFIGURED: "the configuration is wrong",
}
_SUBSCRIBERS_STATUSES = {
    **_STATUSES,
    exits.OK: "shown; with --watch: ended by a signal",
    exits.NOBODY_SUBSCRIBED: "nobody is subscribed; with --watch that is no reason to end",
    exits.TIMED_OUT: "with --watch: no answer in time: is a gearhorn worker running?",
    exits.UNREACHABLE: "the store cannot be reached, or with --watch no Gearman server",
    exits.BY_SIGPIPE: "nobody reads its output any more",
}


def add_parser(subparsers: Any, parents: Parents) -> None:
    topics = subparsers.add_parser(
        "topics",
        parents=[parents.common, parents.store],
        help="show the topics that have subscribers (reads the store)",
        description=paragraphs("Shows every topic that has subscribers, and how many.", _READS_STORE, _TOPICS_OUTPUT),
        epilog=status_table({exits.OK: "shown, even if there are none", **_STATUSES}),
        formatter_class=DescribedParser,
    )
    topics.add_argument("--json", action="store_true", help="print one JSON list, for programs")
    topics.set_defaults(run=show_topics)
    subscribers = subparsers.add_parser(
        "subscribers",
        parents=[parents.common, parents.store, parents.gearman],
        help="show the subscribers of a topic (reads the store), and with --watch who comes and goes",
        description=paragraphs("Shows who is subscribed to a topic.", _READS_STORE, _SUBSCRIBERS_OUTPUT, _WATCHING),
        epilog=status_table(_SUBSCRIBERS_STATUSES),
        formatter_class=DescribedParser,
    )
    subscribers.add_argument("topic", metavar="TOPIC")
    subscribers.add_argument("--watch", action="store_true", help="go on, and print who joins and who leaves")
    subscribers.add_argument(
        "--json", action="store_true", help="print one JSON list, or with --watch JSON objects, for programs"
    )
    subscribers.set_defaults(run=show_subscribers)


def show_topics(arguments: argparse.Namespace) -> int:
    counts = ask_store(read_config(arguments, default_log_level="warning"), lambda store: store.topics())
    print_rows(("topic", "subscribers"), counts, as_json=arguments.json)
    return exits.OK


def show_subscribers(arguments: argparse.Namespace) -> int:
    config = read_config(arguments, default_log_level="warning")
    check_topic(arguments.topic, config.matchmaking_settings().topic)
    if arguments.watch:
        return watch_subscribers(config, arguments.topic, as_json=arguments.json)
    subscriptions = ask_store(config, lambda store: store.subscriptions(arguments.topic))
    print_rows(("client_id", "expires_in_s"), subscriptions, as_json=arguments.json)
    if not subscriptions:
        say(f"nobody is subscribed to {arguments.topic}")
        return exits.NOBODY_SUBSCRIBED
    return exits.OK
