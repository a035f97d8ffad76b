"""`gearhorn import`: brings subscriptions that were written by `gearhorn export`, or by hand, into a store."""

import argparse
import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import asdict
from typing import Any

from gearhorn.cmd import exits
from gearhorn.cmd.lookups import has_no_file, opened_store
from gearhorn.cmd.options import Parents
from gearhorn.cmd.output import DescribedParser, paragraphs, say, say_log_plainly, status_table
from gearhorn.cmd.progress import ProgressBar
from gearhorn.cmd.settings import read_config
from gearhorn.config import Config
from gearhorn.errors import GearhornError
from gearhorn.moving.importing import LINES_AT_ONCE, BadLine, Import, Imported, Make, Rules
from gearhorn.moving.rehearsal import Rehearsal
from gearhorn.moving.source import read_lines
from gearhorn.moving.visitor import visiting
from gearhorn.store.base import Store
from gearhorn.store.memory import MemoryStore

# Of lines that are left out, so many are told of one by one.
COMPLAINTS_SHOWN = 20

_DESCRIPTION = paragraphs(
    """Subscribes whoever is in FILE and not on the lists of the store yet: lines of gearhorn export; or lines that
    somebody wrote, each a JSON object with topic, client_id and, where wanted, ttl or expires_at, or else topic, tab
    and client id. Names are judged as those of any subscription.""",
    """It changes the store itself, the one of the configuration or --store. Workers that use it are told of the changes
    and waited for, by way of the Gearman servers, so that the next fanout goes by them; where no worker is up, no
    Gearman server need be. A SQLite store that is not there is made.""",
    """Whoever is subscribed already stays so, and for as long as before at least: so it may be done again, after Ctrl-C
    for example, and goes on where it ended. At the first line that is not in order it stops, with the number of that
    line, after those before it are in; --skip-bad goes on.""",
    """With --replace whoever is on a list of one of the topics in FILE and not in FILE is unsubscribed at the end, if
    all of FILE was in order, and ends of subscriptions become those of FILE. With --replace-all so is everybody else
    who is not in FILE. Workers on their own topic are left alone.""",
    """Messages go to standard error. With --json one object goes to standard output, with the keys dry_run, lines, new,
    already, ended, invalid, collisions and removed.""",
)
_STATUSES = status_table(
    {
        exits.OK: "everything is in, save what was left out with --skip-bad; with --dry-run: would be",
        exits.ERROR: "a line is not in order, the export is cut short, or another error; see the message",
        exits.USAGE: "wrong usage",
        exits.UNREACHABLE: "the store, or with workers up no Gearman server, can be reached; run it again",
        exits.MISCONFIGURED: "the configuration is wrong",
        exits.BY_SIGINT: "stopped by Ctrl-C; run it again",
    }
)


def add_parser(subparsers: Any, parents: Parents) -> None:
    parser = subparsers.add_parser(
        "import",
        parents=[parents.common, parents.store, parents.gearman],
        help="bring subscriptions from JSON lines into the store, while it is in use (changes the store)",
        description=_DESCRIPTION,
        epilog=_STATUSES,
        formatter_class=DescribedParser,
    )
    parser.add_argument("file", metavar="FILE", help="what to read; - is standard input")
    parser.add_argument("--dry-run", action="store_true", help="tell what would be done, and change nothing")
    parser.add_argument("--skip-bad", action="store_true", help="leave out lines that are not in order, and go on")
    replace = parser.add_mutually_exclusive_group()
    replace.add_argument(
        "--replace",
        dest="replaces",
        action="store_const",
        const="topics",
        default="",
        help="take everybody else off the lists of the topics in FILE",
    )
    replace.add_argument(
        "--replace-all",
        dest="replaces",
        action="store_const",
        const="all",
        help="take everybody else off all lists",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object, for programs")
    parser.set_defaults(run=import_)


def import_(arguments: argparse.Namespace) -> int:
    config = read_config(arguments, default_log_level="warning")
    say_log_plainly()
    daemon = config.daemon_settings()
    rules = Rules(
        daemon.handlers.queues.all(),
        daemon.matchmaking.topic,
        daemon.handlers.limits.subscribers_count,
        arguments.skip_bad or arguments.dry_run,
        arguments.replaces,
    )
    with _opened(arguments.file) as descriptor:
        count = asyncio.run(_Command(arguments, config, rules, descriptor).run())
    is_all_well = count is not None and (arguments.skip_bad or not (count.invalid or count.collisions))
    return exits.OK if is_all_well else exits.ERROR


class _Command:
    def __init__(self, arguments: argparse.Namespace, config: Config, rules: Rules, descriptor: int) -> None:
        self._arguments = arguments
        self._config = config
        self._rules = rules
        self._descriptor = descriptor
        self._complaint_count = 0

    async def run(self) -> Imported | None:
        """None: a line was not in order. Raises StoreUnavailable, ServerUnavailable and Misconfigured."""
        async with self._opened_store() as store, self._maker(store) as make:
            work = Import(store, make, self._rules, self._complain)
            try:
                await self._go(work)
            except BadLine as error:
                say(f"{error}; before it {_described(work.count, with_seldom=False)}")
                self._print(work)
                return None
            except (GearhornError, asyncio.CancelledError):
                say(f"stopped; {_described(work.count)} until then. Run it again to go on")
                raise
        self._say_end(work.count)
        self._print(work)
        return work.count

    @contextlib.asynccontextmanager
    async def _opened_store(self) -> AsyncIterator[Store]:
        """One that is not there yet is empty, and stays away if nothing is to be changed."""
        if self._arguments.dry_run and has_no_file(self._config):
            store: Store = MemoryStore()
            await store.open()
            yield store
            return
        async with opened_store(self._config, may_be_new=True) as store:
            yield store

    @contextlib.asynccontextmanager
    async def _maker(self, store: Store) -> AsyncIterator[Make]:
        if self._arguments.dry_run:
            yield Rehearsal(store).make
            return
        daemon = self._config.daemon_settings()
        async with visiting(store, daemon.matchmaking, daemon.patience, daemon.servers, daemon.link) as directory:
            yield directory.change_many

    async def _go(self, work: Import) -> None:
        size_bytes = os.fstat(self._descriptor).st_size  # 0 of a pipe
        await work.begin()
        with ProgressBar("imported", is_wanted=sys.stderr.isatty()) as bar:
            async for lines, read_bytes in read_lines(self._descriptor, LINES_AT_ONCE):
                await work.take(lines)
                bar.show(*((read_bytes, size_bytes) if size_bytes else (work.line_count, None)))
            work.finish()
            if self._rules.replaces:
                await work.remove_others()

    def _complain(self, text: str) -> None:
        self._complaint_count += 1
        if self._complaint_count <= COMPLAINTS_SHOWN:
            say(f"left out: {text}")

    def _say_end(self, count: Imported) -> None:
        if self._complaint_count > COMPLAINTS_SHOWN:
            say(f"left out: {self._complaint_count - COMPLAINTS_SHOWN} more lines")
        say(f"{'this would be' if self._arguments.dry_run else 'imported:'} {_described(count)}")

    def _print(self, work: Import) -> None:
        if self._arguments.json:
            told = {"dry_run": self._arguments.dry_run, "lines": work.line_count, **asdict(work.count)}
            print(json.dumps(told))


def _described(count: Imported, *, with_seldom: bool = True) -> str:
    seldom = {
        "that ended meanwhile": count.ended,
        "bad lines": count.invalid,
        "collisions": count.collisions,
        "removed": count.removed,
    }
    words = [
        f"{count.new} new, {count.already} there already",
        *(f"{n} {what}" for what, n in seldom.items() if n and with_seldom),
    ]
    return ", ".join(words)


@contextlib.contextmanager
def _opened(name: str) -> Iterator[int]:
    if name == "-":
        yield sys.stdin.fileno()
        return
    try:
        descriptor = os.open(name, os.O_RDONLY)
    except OSError as error:
        raise GearhornError(f"{name}: {error.strerror}") from None
    try:
        yield descriptor
    finally:
        os.close(descriptor)
