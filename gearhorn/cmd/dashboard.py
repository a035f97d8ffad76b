"""`gearhorn dashboard`: the web page that shows the whole system, in a process of its own."""

import argparse
import asyncio
import contextlib
import ipaddress
import signal
from dataclasses import replace
from typing import Any

from gearhorn.client.waiting import wait_for_first
from gearhorn.cmd import exits
from gearhorn.cmd.observing import observing
from gearhorn.cmd.options import Parents
from gearhorn.cmd.output import DescribedParser, paragraphs, say, say_log_plainly, status_table
from gearhorn.cmd.settings import read_config
from gearhorn.config import Config
from gearhorn.errors import Misconfigured
from gearhorn.net.address import Address, parse_listen
from gearhorn.web.dashboard.settings import DEFAULT_LISTEN, DEFAULT_PORT, DashboardSettings

_DESCRIPTION = paragraphs(
    """Serves a web page that shows the whole system, live: what is wrong with it, workers, servers, topics and
    subscribers, and what a host is subscribed to. It reads the store and asks the Gearman servers while somebody looks;
    no worker need be up. Nothing can be changed with it.""",
    """There is no login: whoever reaches the address can read what is there. It refuses requests for names that it does
    not go by, which [dashboard] hosts lists. doc/dashboard.md tells how to have it behind a proxy.""",
    """It runs until SIGTERM or SIGINT (Ctrl-C). Messages go to standard error.""",
)
_STATUSES = status_table(
    {
        exits.OK: "ended by a signal",
        exits.ERROR: "an error",
        exits.USAGE: "wrong usage",
        exits.MISCONFIGURED: "the configuration is wrong, or nothing can listen on the address",
    }
)


def add_parser(subparsers: Any, parents: Parents) -> None:
    parser = subparsers.add_parser(
        "dashboard",
        parents=[parents.common, parents.store, parents.gearman],
        help="serve a web page that shows the whole system, live",
        description=_DESCRIPTION,
        epilog=_STATUSES,
        formatter_class=DescribedParser,
    )
    parser.add_argument(
        "--listen",
        type=_listen,
        metavar="HOST:PORT",
        help=f"where the page is to be (else [dashboard] listen, else {DEFAULT_LISTEN}; port 0: any that is free)",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    config = read_config(arguments, default_log_level="warning")
    settings = config.dashboard_settings()
    settings = replace(settings, listen=arguments.listen or settings.listen or DEFAULT_LISTEN)
    say_log_plainly()
    asyncio.run(_serve(config, settings))
    return exits.OK


async def _serve(config: Config, settings: DashboardSettings) -> None:
    # Not before it is wanted: the libraries take 0.3 s to import, and every command would wait for them.
    from gearhorn.web.dashboard.serving import serve_dashboard
    from gearhorn.web.dashboard.source import TOPICS_LIMIT

    ended, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    async with observing(config, TOPICS_LIMIT) as observer:
        serving = serve_dashboard(settings, observer, lambda url: _say_where(url, settings.listen))
        await wait_for_first([serving, ended.wait()], [])


def _say_where(url: str, listen: Address | None) -> None:
    say(f"the dashboard is at {url}")
    if listen is not None and not _is_loopback(listen.host):
        say("everybody who reaches this address can read it: it has no login")


def _is_loopback(host: str) -> bool:
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"


def _listen(text: str) -> Address:
    try:
        return parse_listen(text, DEFAULT_PORT)
    except Misconfigured as error:
        raise argparse.ArgumentTypeError(str(error)) from None
