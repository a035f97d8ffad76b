"""`gearhorn subscribe` and `gearhorn unsubscribe`: change a list, by way of the service."""

import argparse
import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from gearhorn.client.publisher import Publisher
from gearhorn.client.service import ANSWER_LIMIT_S
from gearhorn.cmd import exits
from gearhorn.cmd.options import Parents, add_topic_queue, seconds
from gearhorn.cmd.output import DescribedParser, paragraphs, say, say_log_plainly, status_table
from gearhorn.cmd.settings import read_config, read_signer

_BY_WAY_OF_SERVICE = """The change goes through the service's queue, so that every worker learns of it: a Gearman server
and a worker must be up."""
_OUTPUT = """Messages go to standard error. With --json one object goes to standard output, with the keys topic,
client_id and subscribed."""

_STATUSES = status_table(
    {
        exits.OK: "it is so now, and may have been so before",
        exits.ERROR: "an error",
        exits.USAGE: "wrong usage, or the service refused it",
        exits.TIMED_OUT: "no answer in time: is a gearhorn worker running?",
        exits.UNREACHABLE: "no Gearman server, or not the service's store, can be reached",
        exits.MISCONFIGURED: "the configuration is wrong",
    }
)


def add_parser(subparsers: Any, parents: Parents) -> None:
    subscribe = _add_parser(
        subparsers,
        parents,
        "subscribe",
        "put somebody on the list of a topic (asks the service)",
        "Subscribes CLIENT_ID to TOPIC: copies wait in the queue TOPIC_CLIENT_ID from now on, for whatever worker "
        "serves it. To listen yourself: gearhorn listen.",
    )
    subscribe.add_argument(
        "--ttl", type=seconds, metavar="S", help="the subscription ends after S seconds unless made again"
    )
    subscribe.set_defaults(run=subscribe_client)
    unsubscribe = _add_parser(
        subparsers,
        parents,
        "unsubscribe",
        "take somebody from the list of a topic (asks the service)",
        "Ends the subscription of CLIENT_ID to TOPIC. What is in the queue already stays there.",
    )
    unsubscribe.set_defaults(run=unsubscribe_client)


def _add_parser(subparsers: Any, parents: Parents, name: str, help: str, what: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = subparsers.add_parser(
        name,
        parents=[parents.common, parents.gearman, parents.signing],
        help=help,
        description=paragraphs(what, _BY_WAY_OF_SERVICE, _OUTPUT),
        epilog=_STATUSES,
        formatter_class=DescribedParser,
    )
    parser.add_argument("topic", metavar="TOPIC")
    parser.add_argument("client_id", metavar="CLIENT_ID")
    parser.add_argument("--json", action="store_true", help="print one JSON object, for programs")
    parser.add_argument(
        "--timeout",
        type=seconds,
        default=ANSWER_LIMIT_S,
        metavar="S",
        help="seconds within which the service must answer (default: %(default)g)",
    )
    add_topic_queue(parser)
    return parser


def subscribe_client(arguments: argparse.Namespace) -> int:
    def change(publisher: Publisher) -> Awaitable[None]:
        return publisher.subscribe(arguments.topic, arguments.client_id, arguments.ttl, timeout=arguments.timeout)

    return _change(arguments, change, is_subscribed=True)


def unsubscribe_client(arguments: argparse.Namespace) -> int:
    def change(publisher: Publisher) -> Awaitable[None]:
        return publisher.unsubscribe(arguments.topic, arguments.client_id, timeout=arguments.timeout)

    return _change(arguments, change, is_subscribed=False)


def _change(
    arguments: argparse.Namespace, change: Callable[[Publisher], Awaitable[None]], *, is_subscribed: bool
) -> int:
    asyncio.run(_ask_service(arguments, change))
    if arguments.json:
        pair = {"topic": arguments.topic, "client_id": arguments.client_id}
        print(json.dumps({**pair, "subscribed": is_subscribed}, ensure_ascii=False))
    else:
        state = "subscribed to" if is_subscribed else "not subscribed to"
        say(f"{arguments.client_id} is {state} {arguments.topic}")
    return exits.OK


async def _ask_service(arguments: argparse.Namespace, change: Callable[[Publisher], Awaitable[None]]) -> None:
    config = read_config(arguments, default_log_level="error")
    say_log_plainly()
    async with Publisher(
        config.servers(),
        settings=config.link_settings(),
        queues=config.own_queues(),
        topic_queues=arguments.topic_queue,
        signer=read_signer(arguments, config),
    ) as publisher:
        await publisher.connect()
        await change(publisher)
