"""`gearhorn publish`: sends a message to every subscriber of a topic, and tells what became of it."""

import argparse
import asyncio
import json
import math
import os
import sys
from typing import Any

from gearhorn.bodies import PRIORITIES
from gearhorn.client.answers import ReceiverResult
from gearhorn.client.publisher import Publisher, PublishResult
from gearhorn.cmd import exits
from gearhorn.cmd.options import Parents, add_topic_queue, let_options_stand_anywhere, seconds, unix_time
from gearhorn.cmd.output import DescribedParser, data_fields, paragraphs, say, say_log_plainly, status_table
from gearhorn.cmd.progress import ProgressBar
from gearhorn.cmd.settings import read_config, read_signer
from gearhorn.config import Config

_DESCRIPTION = paragraphs(
    """Sends a message to every subscriber of a topic, by way of the service. It returns when a Gearman server has
    confirmed each copy; with --wait when the receivers are done, or their time is up.""",
    """Messages go to standard error. Standard output has the receivers' answers, if asked for with --results: a line
    "ID: answer" for each line of an answer, as they come. With --json it has one object instead, at the end, with the
    keys topic, receivers (how many there are), done (how many completed; without --wait, how many copies were sent),
    failures (a list of objects with client_id and reason) and, with --results, results (a list of objects with
    client_id, status, data, and encoding "base64" where data is not UTF-8); after an error it has nothing.""",
    """Delivery is at least once: when a server is lost before it has answered, the message is sent again.""",
)

_STATUSES = status_table(
    {
        exits.OK: "every copy was sent; with --wait: and every receiver completed",
        exits.ERROR: "an error",
        exits.USAGE: "wrong usage, or the service refused the message",
        exits.NOBODY_SUBSCRIBED: "nobody is subscribed: no copy was sent",
        exits.SOME_FAILED: "some receivers failed, or did not finish in time",
        exits.TIMED_OUT: "no answer in time: is a gearhorn worker running?",
        exits.UNREACHABLE: "no Gearman server, or not the service's store, can be reached",
        exits.MISCONFIGURED: "the configuration is wrong",
    }
)


def add_parser(subparsers: Any, parents: Parents) -> None:
    parser = subparsers.add_parser(
        "publish",
        parents=[parents.common, parents.gearman, parents.signing],
        help="send a message to every subscriber of a topic",
        description=_DESCRIPTION,
        epilog=_STATUSES,
        formatter_class=DescribedParser,
    )
    parser.add_argument("topic", metavar="TOPIC")
    parser.add_argument(
        "payload", metavar="PAYLOAD", nargs="?", default="-", help="the message; - or none: read it from standard input"
    )
    _add_answer_options(parser)
    _add_copy_options(parser)
    add_topic_queue(parser)
    let_options_stand_anywhere(parser)
    parser.set_defaults(run=run)


def _add_answer_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--wait",
        action="store_true",
        help="wait for the receivers, with a progress bar on a terminal, and list who failed",
    )
    parser.add_argument("--results", action="store_true", help="print what the receivers answer; implies --wait")
    parser.add_argument(
        "--timeout",
        type=seconds,
        metavar="S",
        help="seconds within which the service must take the message (default: 40), and which receivers then have "
        "(default: 30)",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object, for programs")


def _add_copy_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--unique", metavar="KEY", help="key of the copies: gearmand drops one while another with it is still queued"
    )
    parser.add_argument("--priority", choices=PRIORITIES, help="of the copies in their queues (default: normal)")
    parser.add_argument("--exclude", action="append", metavar="ID", help="a subscriber without a copy; may be repeated")
    parser.add_argument(
        "--expires",
        type=unix_time,
        metavar="TIME",
        help="Unix time in seconds, or +S for S seconds from now, after which the service sends nothing any more",
    )


def run(arguments: argparse.Namespace) -> int:
    config = read_config(arguments, default_log_level="error")
    say_log_plainly()
    arguments.wait = arguments.wait or arguments.results
    result = asyncio.run(_publish(config, arguments, _read_payload(arguments.payload)))
    if arguments.json:
        print(json.dumps(_document(arguments, result), ensure_ascii=False))
    else:
        _tell(arguments, result)
    if result.failures:
        return exits.SOME_FAILED
    return exits.OK if result.receivers else exits.NOBODY_SUBSCRIBED


async def _publish(config: Config, arguments: argparse.Namespace, payload: bytes) -> PublishResult:
    async with Publisher(
        config.servers(),
        connect_limit_s=math.inf,
        settings=config.link_settings(),
        queues=config.own_queues(),
        topic_queues=arguments.topic_queue,
        signer=read_signer(arguments, config),
    ) as publisher:
        await publisher.connect()  # who sits at a prompt wants to know at once; what is lost later is waited for
        with ProgressBar(arguments.topic, is_wanted=_wants_bar(arguments)) as bar:
            return await publisher.publish(
                arguments.topic,
                payload,
                wait=arguments.wait,
                timeout=arguments.timeout,
                unique=arguments.unique,
                priority=arguments.priority,
                exclude=arguments.exclude,
                expires=arguments.expires,
                results=arguments.results,
                on_progress=bar.show,
                on_result=None if arguments.json else _print_result,
            )


def _read_payload(text: str) -> bytes:
    """What the shell gave as the argument, or what standard input has: bytes, whatever they mean."""
    if text != "-":
        return os.fsencode(text)
    if sys.stdin.isatty():
        say("type the message, and Ctrl-D at the end")
    return sys.stdin.buffer.read()


def _wants_bar(arguments: argparse.Namespace) -> bool:
    """Not where answers scroll by on the same terminal."""
    scrolls = arguments.results and not arguments.json and sys.stdout.isatty()
    return arguments.wait and sys.stderr.isatty() and not scrolls


def _print_result(result: ReceiverResult) -> None:
    """Those that failed are listed at the end, with the reason."""
    if result.status == "complete":
        head = f"{result.client_id}: ".encode()
        lines = result.data.removesuffix(b"\n").split(b"\n")
        sys.stdout.buffer.write(b"".join(head + line + b"\n" for line in lines))
        sys.stdout.buffer.flush()


def _tell(arguments: argparse.Namespace, result: PublishResult) -> None:
    for client_id, reason in result.failures:
        print(f"{client_id}: {' '.join(reason.split())}", file=sys.stderr)
    if not result.receivers:
        say(_why_nobody(arguments))
    elif arguments.wait:
        say(f"{result.receivers_done} of {result.receivers} receivers done")
    else:
        say(f"{result.receivers_done} of {result.receivers} copies sent")


def _why_nobody(arguments: argparse.Namespace) -> str:
    who = "nobody else" if arguments.exclude else "nobody"
    expired = ", or the message had expired" if arguments.expires else ""
    return f"{who} is subscribed to {arguments.topic}{expired}"


def _document(arguments: argparse.Namespace, result: PublishResult) -> dict[str, object]:
    document: dict[str, object] = {
        "topic": arguments.topic,
        "receivers": result.receivers,
        "done": result.receivers_done,
        "failures": [failure._asdict() for failure in result.failures],
    }
    if arguments.results:
        document["results"] = [
            {
                "client_id": each.client_id,
                "status": each.status,
                **data_fields("data", each.data),
                **({"truncated": True} if each.is_truncated else {}),
            }
            for each in result.results
        ]
    return document
