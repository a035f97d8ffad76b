"""`gearhorn standalone`: Gearman server, store and service in one process, for a first try and for small sites."""

import argparse
import asyncio
import shlex
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from gearhorn.cmd import exits, security
from gearhorn.cmd.embedded import EmbeddedServer
from gearhorn.cmd.failures import tell_failure_of_service
from gearhorn.cmd.hangups import Hangups
from gearhorn.cmd.options import Parents
from gearhorn.cmd.output import DescribedParser, paragraphs, status_table
from gearhorn.cmd.reloading import Reloading
from gearhorn.cmd.settings import Overrides, read_config
from gearhorn.cmd.worker import new_event_loop, serve, serve_pages
from gearhorn.config import Config
from gearhorn.config.source import LOGIN_OPTIONS, TLS_FILES
from gearhorn.daemon.settings import DaemonSettings
from gearhorn.errors import Misconfigured
from gearhorn.net.address import DEFAULT_PORT, Address
from gearhorn.options.gearman import DEFAULT_SERVER
from gearhorn.store.opening import open_store

_DESCRIPTION = paragraphs(
    """Runs a Gearman server (gear's), a SQLite store and the service in one process, until SIGTERM or SIGINT. The
    subscriptions outlast it; jobs that are queued when it stops are lost."""
)
_STATUSES = status_table(
    {
        exits.OK: "ended by a signal",
        exits.ERROR: "an error",
        exits.USAGE: "wrong usage",
        exits.MISCONFIGURED: "the configuration is wrong, or the port is taken",
    }
)


# How the service reaches the server in its own process was settled with that one.
_FIXED = [("gearman", name) for name in (*TLS_FILES, "check_hostname")]


def add_parser(subparsers: Any, parents: Parents) -> None:
    parser = subparsers.add_parser(
        "standalone",
        parents=[parents.common],
        help="run the service with a Gearman server and a store of its own",
        description=_DESCRIPTION,
        epilog=_STATUSES,
        formatter_class=DescribedParser,
    )
    parser.add_argument("--port", type=_port, default=DEFAULT_PORT, help="of the Gearman server (default: %(default)s)")
    parser.add_argument(
        "--listen",
        default="127.0.0.1",
        metavar="HOST",
        help="the address that it listens on (default: %(default)s; 0.0.0.0 is every one of this host: anybody who "
        "reaches it may then submit jobs)",
    )
    parser.add_argument(
        "--data-dir", type=Path, metavar="DIR", help="where gearhorn.db is kept (default: the user's state folder)"
    )
    security.add_options(parser)
    parser.set_defaults(run=run, tell_failure=tell_failure_of_service)


def run(arguments: argparse.Namespace) -> int:
    hangups = Hangups()
    config = read_config(arguments, overrides=_overrides(arguments))
    guard = security.set_up(arguments, config)
    store = open_store(config.store_settings())
    with EmbeddedServer(Address(arguments.listen, arguments.port), guard.manner) as server:

        def settings_of(config: Config) -> DaemonSettings:
            settings = config.daemon_settings()
            link = replace(settings.link, tls=guard.client, tls_mark="")
            return replace(settings, servers=(server.address,), link=link)

        reloading = Reloading(config, settings_of, _FIXED)
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            settings = settings_of(config)
            pages = serve_pages(config, settings, store)
            say = partial(_say_how_to_try, server.address, guard)
            runner.run(serve(settings, store, hangups, reloading, say, pages))
    return exits.OK


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) < 65536):
        raise argparse.ArgumentTypeError(f"{text!r} is no port: 0 to 65535")
    return int(text)


def _overrides(arguments: argparse.Namespace) -> Overrides:
    """The store and the Gearman server are our own, whatever a configuration file says of others.

    With TLS, certificate and key of a configuration file are those that the service shows to the server.
    """
    options: dict[str, object] = {"servers": [DEFAULT_SERVER], "tls": security.is_wanted(arguments)}
    if not security.is_wanted(arguments):
        options |= dict.fromkeys(TLS_FILES, "")
    store: dict[str, object] = {"url": _store_url(arguments.data_dir), **dict.fromkeys(LOGIN_OPTIONS, "")}
    return {
        **{("store", name): value for name, value in store.items()},
        **{("gearman", name): value for name, value in options.items()},
    }


def _store_url(data_dir: Path | None) -> str:
    """Empty for the configuration's own default."""
    if data_dir is None:
        return ""
    if data_dir.exists() and not data_dir.is_dir():
        raise Misconfigured(f"--data-dir {data_dir} is no folder")
    return f"sqlite:///{quote(str(data_dir.absolute() / 'gearhorn.db'))}"


def _say_how_to_try(address: Address, guard: security.Guard) -> None:
    command = shlex.quote(sys.argv[0])
    address = guard.name_in(address)
    is_default = address in (Address("127.0.0.1", DEFAULT_PORT), Address("::1", DEFAULT_PORT))
    where = " ".join(["", *map(shlex.quote, guard.options), *([] if is_default else [f"--gearman {address}"])])
    print(f"Listen in another terminal:  {command} listen{where} news", file=sys.stderr)
    print(f"and publish in a third one:  {command} publish{where} news 'Hello, everybody'", file=sys.stderr, flush=True)
