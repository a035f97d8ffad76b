"""`gearhorn listen`: subscribes for as long as it runs, and prints each copy or runs a command with it."""

import argparse
import asyncio
import json
import socket
import sys
from collections.abc import Callable
from typing import Any

from gearhorn.client.copies import Copy
from gearhorn.client.service import ANSWER_LIMIT_S
from gearhorn.client.subscriber import Subscriber
from gearhorn.client.waiting import wait_for_first
from gearhorn.cmd import exits
from gearhorn.cmd.command import Command
from gearhorn.cmd.options import Parents, add_topic_queue, count, leave_rest_alone, seconds
from gearhorn.cmd.output import DescribedParser, data_fields, paragraphs, say, say_log_plainly, status_table, write_all
from gearhorn.cmd.settings import read_config, read_signer
from gearhorn.cmd.signals import stop_on_signals
from gearhorn.config import Config
from gearhorn.errors import GearhornError

_DESCRIPTION = paragraphs(
    """Subscribes to a topic and prints each copy, as it was sent, with a newline behind it; with --json as a JSON
    object on a line of its own, with the keys topic, client_id, payload, and encoding "base64" where the payload is
    not UTF-8. Messages go to standard error.""",
    """With --exec it runs a command for each copy instead, which finds the payload on its standard input, and topic and
    client id in GEARHORN_TOPIC and GEARHORN_CLIENT_ID. What the command prints is the answer that the publisher may ask
    for; when it ends with another status than 0, the publisher is told that, and the end of what the command wrote to
    standard error.""",
    """SIGINT (Ctrl-C) or SIGTERM ends it: it unsubscribes and finishes what is running, which a second signal cuts
    short. When a Gearman server goes away it waits for it and subscribes again.""",
)

_STATUSES = status_table(
    {
        exits.OK: "ended by a signal, or after --count copies",
        exits.ERROR: "an error",
        exits.USAGE: "wrong usage, or the service refused the subscription",
        exits.TIMED_OUT: "no answer in time: is a gearhorn worker running?",
        exits.UNREACHABLE: "no Gearman server, or not the service's store, can be reached",
        exits.MISCONFIGURED: "the configuration is wrong",
        exits.BY_SIGPIPE: "nobody reads its output any more",
    }
)


def add_parser(subparsers: Any, parents: Parents) -> None:
    parser = subparsers.add_parser(
        "listen",
        parents=[parents.common, parents.gearman, parents.signing],
        help="subscribe to a topic, and print each copy or run a command with it",
        usage="%(prog)s [OPTION ...] TOPIC [--exec CMD [ARG ...]]",
        description=_DESCRIPTION,
        epilog=_STATUSES,
        formatter_class=DescribedParser,
    )
    parser.add_argument("topic", metavar="TOPIC")
    _add_output_options(parser)
    _add_subscription_options(parser)
    add_topic_queue(parser)
    leave_rest_alone(parser, "--exec", "command")
    parser.set_defaults(run=run)


def _add_output_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--json", action="store_true", help="print JSON objects, for programs")
    group.add_argument(
        "--exec",
        dest="command",
        nargs=argparse.REMAINDER,
        metavar="CMD",
        help="run CMD with each copy; everything that follows belongs to the command",
    )
    parser.add_argument(
        "--concurrency", type=count, default=1, metavar="N", help="copies at work at a time (default: 1)"
    )
    parser.add_argument(
        "--count",
        type=count,
        metavar="N",
        help="end after N copies (those that came from a second server meanwhile, or with --concurrency, are finished)",
    )


def _add_subscription_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--client-id",
        metavar="ID",
        default=socket.gethostname(),
        help="whose copies to take (default: this host's name); several with one id share its copies",
    )
    parser.add_argument(
        "--ttl",
        type=seconds,
        default=0.0,
        metavar="S",
        help="let the subscription end S seconds after this program was killed or lost its network, instead of never",
    )
    parser.add_argument(
        "--timeout",
        type=seconds,
        default=ANSWER_LIMIT_S,
        metavar="S",
        help="seconds within which the service must answer at the start (default: %(default)g)",
    )


def run(arguments: argparse.Namespace) -> int:
    config = read_config(arguments, default_log_level="info")
    say_log_plainly()
    return asyncio.run(_listen(config, arguments))


async def _listen(config: Config, arguments: argparse.Namespace) -> int:
    subscriber = Subscriber(
        arguments.client_id,
        config.servers(),
        concurrency=arguments.concurrency,
        unsubscribe_at_end=True,
        settings=config.link_settings(),
        queues=config.own_queues(),
        topic_queues=arguments.topic_queue,
        signer=read_signer(arguments, config),
    )
    stopping = stop_on_signals(subscriber)
    handler = _Handler(arguments, subscriber.stop)
    await wait_for_first([subscriber.connect(), stopping.wait()], [])
    if not stopping.is_set():
        async with subscriber:
            await wait_for_first([_receive(subscriber, handler, arguments), stopping.wait()], [])
    if handler.is_unread:
        raise BrokenPipeError
    return exits.OK


async def _receive(subscriber: Subscriber, handler: "_Handler", arguments: argparse.Namespace) -> None:
    await subscriber.subscribe(arguments.topic, handler, arguments.ttl, timeout=arguments.timeout)
    say(f"listening to {arguments.topic} as {arguments.client_id}")
    await subscriber.run()


class _Handler:
    """What is done with each copy. `stop` is called when the last one that is wanted has begun."""

    def __init__(self, arguments: argparse.Namespace, stop: Callable[[], None]) -> None:
        self.is_unread = False
        self._arguments = arguments
        self._stop = stop
        self._begun_count = 0
        self._command = None if arguments.command is None else Command(arguments.command, arguments.client_id)

    async def __call__(self, copy: Copy) -> bytes:
        self._begun_count += 1
        if self._begun_count == self._arguments.count:
            self._stop()
        if self._command:
            return await self._command(copy)
        await self._print(copy)
        return b""

    async def _print(self, copy: Copy) -> None:
        try:
            # in a thread: whoever reads may be slow
            await asyncio.to_thread(write_all, sys.stdout.fileno(), self._line(copy))
        except BrokenPipeError:
            self.is_unread = True
            self._stop()
            raise GearhornError("nobody reads what is printed any more") from None

    def _line(self, copy: Copy) -> bytes:
        if not self._arguments.json:
            return copy.payload + b"\n"
        fields = {"topic": copy.topic, "client_id": self._arguments.client_id, **data_fields("payload", copy.payload)}
        return json.dumps(fields, ensure_ascii=False).encode() + b"\n"
