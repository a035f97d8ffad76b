"""`gearhorn export`: writes the subscriptions of a store as lines of text."""

import argparse
import asyncio
import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from gearhorn import __version__
from gearhorn.cmd import exits
from gearhorn.cmd.lookups import opened_store
from gearhorn.cmd.options import Parents
from gearhorn.cmd.output import DescribedParser, paragraphs, say, say_log_plainly, status_table
from gearhorn.cmd.progress import ProgressBar
from gearhorn.cmd.settings import read_config
from gearhorn.config import Config
from gearhorn.errors import GearhornError
from gearhorn.matchmaking.losses import find_loss
from gearhorn.moving.exporting import Exported, export_lines

_DESCRIPTION = paragraphs(
    """Writes every subscription of the store as a JSON object on a line of its own, with the keys topic, client_id and,
    if it ends by itself, expires_at (Unix time); before them a line that tells the format, behind them one that tells
    how many there were. gearhorn import brings them into any store.""",
    """It reads the store itself, the one of the configuration or --store: no Gearman server and no worker need be up.
    Those that are go on meanwhile. Lists are read a page at a time: who joins or leaves meanwhile is there or not, and
    now and then somebody is there twice, which does no harm.""",
    """A file is put in its place when all of it is written. Messages go to standard error.""",
)
_STATUSES = status_table(
    {
        exits.OK: "all is written, even if there was nothing",
        exits.ERROR: "an error, such as a file that cannot be written",
        exits.USAGE: "wrong usage",
        exits.NOBODY_SUBSCRIBED: "a topic that was named has no subscribers; the others are written",
        exits.UNREACHABLE: "the store cannot be reached: what was written so far has no last line",
        exits.MISCONFIGURED: "the configuration is wrong",
    }
)


def add_parser(subparsers: Any, parents: Parents) -> None:
    parser = subparsers.add_parser(
        "export",
        parents=[parents.common, parents.store],
        help="write the subscriptions of the store as JSON lines (reads the store)",
        description=_DESCRIPTION,
        epilog=_STATUSES,
        formatter_class=DescribedParser,
    )
    parser.add_argument(
        "file", nargs="?", default="-", metavar="FILE", help="where to write (default: -, standard output)"
    )
    parser.add_argument("--topic", action="append", metavar="TOPIC", help="only this topic; may be repeated")
    parser.set_defaults(run=export)


def export(arguments: argparse.Namespace) -> int:
    config = read_config(arguments, default_log_level="error")
    say_log_plainly()
    with _opened(arguments.file) as file:
        count = asyncio.run(_export(config, set(arguments.topic or ()), file))
    say(f"exported {_number(count.subscriptions, 'subscription')} of {_number(count.topics, 'topic')}")
    if arguments.topic and count.topics < len(set(arguments.topic)):
        say("not every topic that was named has subscribers")
        return exits.NOBODY_SUBSCRIBED
    return exits.OK


def _number(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count != 1)}"


async def _export(config: Config, topics: set[str], file: BinaryIO) -> Exported:
    count = Exported()
    async with opened_store(config) as store:
        if loss := await find_loss(store):
            say(f"the store lost its lists at {loss.when}: this is what has come back since")
        with ProgressBar("exported", is_wanted=sys.stderr.isatty() and not file.isatty()) as bar:
            async for piece in export_lines(store, __version__, config.matchmaking_settings().topic, topics, count):
                await _write(file, piece)
                bar.show(count.subscriptions, max(count.expected, count.subscriptions))
    return count


async def _write(file: BinaryIO, piece: bytes) -> None:
    try:
        file.write(piece)
        file.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise GearhornError(f"the export cannot be written: {error.strerror}") from None
    await asyncio.sleep(0)  # Ctrl-C, also where the store never makes one wait


@contextlib.contextmanager
def _opened(name: str) -> Iterator[BinaryIO]:
    """A file that is not there before all of it is; standard output, pipes and devices as they are."""
    path = Path(name)
    if name == "-":
        yield sys.stdout.buffer
    elif path.exists() and not path.is_file():
        with _or_error(path, lambda: path.open("wb")) as file:
            yield file
    else:
        part = path.with_name(f"{path.name}.part")
        try:
            with _or_error(part, lambda: part.open("wb")) as file:
                yield file
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)


def _or_error(path: Path, open_file: Callable[[], BinaryIO]) -> BinaryIO:
    try:
        return open_file()
    except OSError as error:
        raise GearhornError(f"{path}: {error.strerror}") from None
