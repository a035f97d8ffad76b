"""`gearhorn topics` and `gearhorn subscribers`: look at the lists, in the store itself."""

import argparse
import time
from collections.abc import Sequence
from typing import Any

from gearhorn.cmd import exits
from gearhorn.cmd.lookups import ask_store
from gearhorn.cmd.options import Parents, build_parents, let_options_stand_before
from gearhorn.cmd.output import DescribedParser, paragraphs, say, status_table
from gearhorn.cmd.settings import read_config, read_signer
from gearhorn.cmd.states import ask_states
from gearhorn.cmd.tables import Cell, print_rows
from gearhorn.cmd.watch import watch_subscribers
from gearhorn.config import Config
from gearhorn.matchmaking.losses import Loss, find_loss, forget_loss
from gearhorn.names import check_topic
from gearhorn.store.base import Store, TopicCount

_TOPICS_OUTPUT = """A terminal gets a table; a pipe or file gets a line for each topic, with topic and number separated
by a tab. With --json it is one list of objects with the keys topic and subscribers."""
_SUBSCRIBERS_OUTPUT = """A terminal gets a table; a pipe or file gets a line for each subscriber, with tabs between the
client id, the seconds after which the subscription ends unless made again, the state, the backlog and since when; what
does not apply or cannot be told is left empty. With --json it is one list of objects with the keys client_id,
expires_in_s, state, backlog and since, null for what is empty."""
_STATES_EXPLAINED = """The state is "live": a worker serves the subscriber's queue; "idle": none does; "suspect": none
has for longer than [reaper] grace, and more than [reaper] max_backlog copies wait; "dead": no server has had a worker
for it for longer than [reaper] dead_after besides; "paused": either of these, and no more copies are sent. The backlog
is what waits now on all the servers. What took time to find out is the word of the worker that watches, and as old as
its last look. Servers that cannot be asked are named, and the list is shown all the same."""
_READS_STORE_AND_SERVERS = """It reads the store itself, the one of the configuration or --store, and asks the Gearman
servers for their queues; no worker need be up."""
_READS_STORE = """It reads the store itself, the one of the configuration or --store: no Gearman server and no worker
need be up."""
_FORGET_DESCRIPTION = paragraphs(
    """When the store has lost its lists of subscribers, because a Redis was started again without its data, for
    example, the workers refuse fanouts to topics that nobody has subscribed to since: who was subscribed is not known,
    and to answer 0 would be wrong. This command tells them that all is well: such topics have no subscribers.""",
    "It changes the store itself: no Gearman server and no worker need be up. Messages go to standard error.",
)
_WATCHING = """With --watch it goes on, until SIGINT (Ctrl-C) or SIGTERM: first a line for each subscriber, with the
client id, and from then on +ID for each that joins and -ID for each that leaves. With --json each line is an object
with the keys event ("listed", "joined" or "left") and client_id. The service tells it of the changes, so it needs
Gearman server and worker, as listen does; it holds up no change. After anything that may have kept the news from it, it
reads the store again."""

_SUBSCRIBERS_COLUMNS = ("client_id", "expires_in_s", "state", "backlog", "since")

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
        help="show the topics that have subscribers (reads the store), or go on after it has lost lists",
        usage="%(prog)s [OPTION ...]\n       %(prog)s forget-loss [OPTION ...]",
        description=paragraphs("Shows every topic that has subscribers, and how many.", _READS_STORE, _TOPICS_OUTPUT),
        epilog=status_table({exits.OK: "shown, even if there are none", **_STATUSES}),
        formatter_class=DescribedParser,
    )
    topics.add_argument("--json", action="store_true", help="print one JSON list, for programs")
    topics.set_defaults(run=show_topics)
    _add_forget_loss_parser(topics.add_subparsers(metavar="COMMAND", prog=topics.prog))
    subscribers = subparsers.add_parser(
        "subscribers",
        parents=[parents.common, parents.store, parents.gearman, parents.signing],
        help="show the subscribers of a topic and how they fare, and with --watch who comes and goes",
        description=paragraphs(
            "Shows who is subscribed to a topic, and how the subscribers fare.",
            _READS_STORE_AND_SERVERS,
            _SUBSCRIBERS_OUTPUT,
            _STATES_EXPLAINED,
            _WATCHING,
        ),
        epilog=status_table(_SUBSCRIBERS_STATUSES),
        formatter_class=DescribedParser,
    )
    subscribers.add_argument("topic", metavar="TOPIC")
    subscribers.add_argument("--watch", action="store_true", help="go on, and print who joins and who leaves")
    subscribers.add_argument(
        "--json", action="store_true", help="print one JSON list, or with --watch JSON objects, for programs"
    )
    subscribers.set_defaults(run=show_subscribers)


def _add_forget_loss_parser(subparsers: Any) -> None:
    parents = let_options_stand_before(build_parents())
    parser = subparsers.add_parser(
        "forget-loss",
        parents=[parents.common, parents.store],
        help="tell the workers that whoever is missing after the store lost lists is not to come back",
        description=_FORGET_DESCRIPTION,
        epilog=status_table({exits.OK: "forgotten, or there was nothing to forget", **_STATUSES}),
        formatter_class=DescribedParser,
    )
    parser.set_defaults(run=forget)


def show_topics(arguments: argparse.Namespace) -> int:
    counts, loss = ask_store(read_config(arguments, default_log_level="warning"), _find_topics)
    print_rows(("topic", "subscribers"), counts, as_json=arguments.json)
    if loss is not None:
        say(f"the store lost its lists at {loss.when}: fanouts to topics not shown are refused, see forget-loss")
    return exits.OK


async def _find_topics(store: Store) -> tuple[Sequence[TopicCount], Loss | None]:
    return await store.topics(), await find_loss(store)


def forget(arguments: argparse.Namespace) -> int:
    loss = ask_store(read_config(arguments, default_log_level="warning"), _forget)
    say("the store has lost nothing that is known" if loss is None else f"the loss of {loss.when} is forgotten")
    return exits.OK


async def _forget(store: Store) -> Loss | None:
    loss = await find_loss(store)
    if loss is not None:
        await forget_loss(store, time.time())
    return loss


def show_subscribers(arguments: argparse.Namespace) -> int:
    config = read_config(arguments, default_log_level="warning")
    check_topic(arguments.topic, config.matchmaking_settings().topic)
    if arguments.watch:
        return watch_subscribers(config, arguments.topic, read_signer(arguments, config), as_json=arguments.json)
    rows, complaints = ask_store(config, lambda store: _look_up(config, store, arguments.topic))
    print_rows(_SUBSCRIBERS_COLUMNS, rows, as_json=arguments.json)
    for complaint in complaints:
        say(complaint)
    if not rows:
        say(f"nobody is subscribed to {arguments.topic}")
        return exits.NOBODY_SUBSCRIBED
    return exits.OK


async def _look_up(config: Config, store: Store, topic: str) -> tuple[list[tuple[Cell, ...]], list[str]]:
    subscriptions = await store.subscriptions(topic)
    if not subscriptions:
        return [], []
    fare = await ask_states(config, store, topic, [one.client_id for one in subscriptions])
    return [(*one, *state) for one, state in zip(subscriptions, fare.states, strict=True)], fare.complaints
