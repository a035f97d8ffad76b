"""`gearhorn top`: the whole system, live.

It is drawn with rich, which the other commands use already. textual would bring four more libraries and an application
of its own around the event loop, for a screen that has one view and six keys; and Debian 12 has no package of it.
"""

import argparse
import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.live import Live

from gearhorn.client.waiting import wait_for_first
from gearhorn.cmd import exits
from gearhorn.cmd.observing import observing
from gearhorn.cmd.options import Parents, seconds
from gearhorn.cmd.output import DescribedParser, paragraphs, status_table
from gearhorn.cmd.screen.keyboard import keys_pressed
from gearhorn.cmd.screen.layout import draw
from gearhorn.cmd.screen.lines import lines_of
from gearhorn.cmd.screen.live import INTERVAL_S, LiveView
from gearhorn.cmd.screen.scene import Scene, look, status_of
from gearhorn.cmd.screen.tables import SORTS, USUAL_SORT
from gearhorn.cmd.settings import read_config
from gearhorn.config import Config
from gearhorn.overview.observer import Observer
from gearhorn.overview.rendering import render_overview

# All of them, so that they can be sorted in another way.
_TOPICS_LIMIT = 1_000_000

_SORT_NAMES = {name: key for key, (name, _) in SORTS.items()}

_DESCRIPTION = paragraphs(
    """Shows what `gearhorn status` shows, again and again: what is wrong, the store, the Gearman servers, the workers,
    as many topics as there is room for, and the subscribers in trouble.""",
    """Keys: q ends it; b, s, d and n sort the topics by backlog, subscribers, dead subscribers and name; + and - make
    the interval longer and shorter; the space bar looks at once. Ctrl-C and SIGTERM end it as well.""",
    """A pipe or file gets one frame, in the lines of `gearhorn status`, and so does a terminal with --once. With --json
    it prints one object for each look, a line each, with the keys of `gearhorn status --json`.""",
    """Rates are those of the workers' last two lease renewals. A Gearman server that takes long for its answer is asked
    more seldom than the interval says, so that looking at it does not slow it down.""",
)
_STATUSES = status_table(
    {
        exits.OK: "ended by q or a signal; with --once: all is well, or there are only warnings",
        exits.ERROR: "an error",
        exits.USAGE: "wrong usage",
        exits.UNREACHABLE: "with --once: neither the store nor any Gearman server can be reached",
        exits.TROUBLE: "with --once: something is down",
        exits.MISCONFIGURED: "the configuration is wrong",
    }
)


def add_parser(subparsers: Any, parents: Parents) -> None:
    parser = subparsers.add_parser(
        "top",
        parents=[parents.common, parents.store, parents.gearman],
        help="show the whole system, live",
        description=_DESCRIPTION,
        epilog=_STATUSES,
        formatter_class=DescribedParser,
    )
    parser.add_argument(
        "--interval",
        type=seconds,
        default=INTERVAL_S,
        metavar="S",
        help=f"look again after so many seconds (default: {INTERVAL_S:g})",
    )
    parser.add_argument(
        "--sort", choices=sorted(_SORT_NAMES), default=SORTS[USUAL_SORT][0], help="how to sort the topics"
    )
    parser.add_argument("--once", action="store_true", help="show one frame, and end")
    parser.add_argument("--json", action="store_true", help="print a JSON object for each look, for programs")
    parser.set_defaults(run=show_top)


def show_top(arguments: argparse.Namespace) -> int:
    is_live = _is_screen() and not arguments.once and not arguments.json
    # What is wrong is on the screen; a line between would tear it.
    config = read_config(arguments, default_log_level="error" if is_live else "warning")
    if arguments.once or not (is_live or arguments.json):
        return _show_frame(asyncio.run(_look(config)), arguments)
    asyncio.run(_run_live(config, arguments) if is_live else _print_objects(config, arguments))
    return exits.OK


def _is_screen() -> bool:
    """A terminal on which one can go back."""
    return sys.stdout.isatty() and not Console().is_dumb_terminal


async def _look(config: Config) -> Scene:
    async with observing(config, _TOPICS_LIMIT) as observer:
        return await look(observer)


def _show_frame(scene: Scene, arguments: argparse.Namespace) -> int:
    if arguments.json:
        print(_as_json(scene))
    elif sys.stdout.isatty():
        console = Console(highlight=False)
        console.print(draw(scene, console.size.height - 1, _SORT_NAMES[arguments.sort]))
    else:
        print(*lines_of(scene), sep="\n")
    return status_of(scene)


def _as_json(scene: Scene) -> str:
    return json.dumps(render_overview(*scene), ensure_ascii=False)


async def _print_objects(config: Config, arguments: argparse.Namespace) -> None:
    async with observing(config, _TOPICS_LIMIT) as observer:
        with _ended_by_signals() as ended:
            await wait_for_first([_print_looks(observer, arguments.interval), ended.wait()], [])


async def _print_looks(observer: Observer, interval_s: float) -> None:
    scene = None
    while True:
        scene = await look(observer, scene)
        await asyncio.to_thread(print, _as_json(scene), flush=True)  # whoever reads may be slow
        await asyncio.sleep(interval_s)


async def _run_live(config: Config, arguments: argparse.Namespace) -> None:
    async with observing(config, _TOPICS_LIMIT) as observer:
        view = LiveView(observer, arguments.interval, _SORT_NAMES[arguments.sort])
        screen = Live(console=Console(highlight=False), screen=True, auto_refresh=False)
        with _ended_by_signals() as ended, _woken_by_resizing(view), keys_pressed(view.press), screen as live:
            works = [view.keep_looking(), _keep_drawing(view, live), view.over.wait(), ended.wait()]
            await wait_for_first(works, [])


async def _keep_drawing(view: LiveView, live: Live) -> None:
    while True:
        live.update(view.draw(live.console.size.height), refresh=True)
        await view.wait_for_news()


@contextlib.contextmanager
def _ended_by_signals() -> Iterator[asyncio.Event]:
    """Also SIGHUP: the terminal has gone."""
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    for number in numbers:
        loop.add_signal_handler(number, ended.set)
    try:
        yield ended
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)


@contextlib.contextmanager
def _woken_by_resizing(view: LiveView) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGWINCH, view.wake)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGWINCH)
