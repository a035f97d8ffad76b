"""`gearhorn worker`: the service, in the foreground."""

import argparse
import asyncio
import faulthandler
import gc
import signal
import sys
from collections.abc import Callable, Coroutine
from dataclasses import replace
from functools import partial
from typing import Any

from gearhorn.cmd import exits
from gearhorn.cmd.beside import serve_dashboard_beside
from gearhorn.cmd.failures import tell_failure_of_service
from gearhorn.cmd.hangups import Hangups
from gearhorn.cmd.options import Parents
from gearhorn.cmd.output import DescribedParser, paragraphs, status_table
from gearhorn.cmd.reloading import Reloading
from gearhorn.cmd.settings import read_config
from gearhorn.config import Config
from gearhorn.daemon.service import Daemon
from gearhorn.daemon.settings import DaemonSettings
from gearhorn.daemon.stop import Stop
from gearhorn.monitoring.monitor import preload
from gearhorn.store.base import Store
from gearhorn.store.opening import open_store
from gearhorn.tasks import running

new_event_loop: Callable[[], asyncio.AbstractEventLoop]
try:
    from uvloop import new_event_loop
except ImportError:  # an optional extra: see setup.cfg
    from asyncio import new_event_loop


# Objects made and not let go until the youngest of them are searched for cycles; 700 would be Python's choice.
GARBAGE_THRESHOLD = 5_000

# What serves them, made when there is a service to serve them beside.
Pages = Callable[[], Coroutine[None, None, None]]


_DESCRIPTION = paragraphs(
    """Runs the service in the foreground: serves the queues fanout, subscribe_fanout and unsubscribe_fanout until
    SIGTERM or SIGINT, then finishes what it has taken. A second signal cuts that short.""",
    """A Gearman server or store that is away, at the start or later, is waited for, and said once in the log.""",
)
_STATUSES = status_table(
    {
        exits.OK: "ended by a signal",
        exits.ERROR: "an error, such as another worker under the same id",
        exits.USAGE: "wrong usage",
        exits.MISCONFIGURED: "the configuration is wrong",
    }
)


def add_parser(subparsers: Any, parents: Parents) -> None:
    parser = subparsers.add_parser(
        "worker",
        parents=parents,
        help="run the service",
        description=_DESCRIPTION,
        epilog=_STATUSES,
        formatter_class=DescribedParser,
    )
    parser.set_defaults(run=run, tell_failure=tell_failure_of_service)


def run(arguments: argparse.Namespace) -> int:
    if sys.__stderr__ is not None:  # systemd's watchdog ends what is stuck by SIGABRT: then the log says where it was
        faulthandler.enable(sys.__stderr__)
    hangups = Hangups()
    config = read_config(arguments)
    settings = config.daemon_settings()
    store = open_store(config.store_settings())
    preload(settings.monitoring)
    spare_the_collector()
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        pages = serve_pages(config, settings, store)
        runner.run(serve(settings, store, hangups, Reloading(config), beside=pages))
    return exits.OK


def spare_the_collector() -> None:
    """What is there by now stays until the end, and little that comes later is ever part of a cycle.

    With Python's own settings the search for cycles takes a tenth of the time of small fanouts.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_THRESHOLD)


def serve_pages(config: Config, settings: DaemonSettings, store: Store) -> Pages:
    """The pages of the configuration, for who serves with these `settings` and this `store`."""
    observer = replace(config.observer_settings(), servers=settings.servers, link=settings.link)
    return partial(serve_dashboard_beside, config.dashboard_settings(), observer, store)


async def serve(
    settings: DaemonSettings,
    store: Store,
    hangups: Hangups,
    reloading: Reloading,
    on_ready: Callable[[], None] = lambda: None,
    beside: Pages | None = None,
) -> None:
    """Runs the daemon, and what is to run `beside` it, until a signal asks it to stop. SIGHUP has the settings read
    again.
    """
    stop = Stop()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.ask)
    daemon = Daemon(settings, store, stop, on_ready)
    hangups.attend(reloading.ask, stop.ask)
    async with running([reloading.run(daemon), *([beside()] if beside is not None else [])]):
        await daemon.run()
